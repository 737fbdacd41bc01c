"""Files of results are checked before anything in them is believed."""

import copy
import json

import numpy as np
import pytest

from tests.evaluation.ranking import people as ranking_people
from tfpercept.evaluation.ranking import results

STRENGTHS = dict.fromkeys(ranking_people.METHODS, 0.0)


@pytest.fixture(scope="module", params=["rank", "pairs"])
def study(request, tmp_path_factory):
  page, key = ranking_people.write_study(
    tmp_path_factory.mktemp("study"), mode=request.param, count=4, checks=1
  )
  return results.read_key(page.with_suffix(".key.json")), key


@pytest.fixture
def good(study):
  random = np.random.default_rng(0)
  return ranking_people.results(study[1], "Zoë", STRENGTHS, random)


def read(tmp_path, key, value):
  path = ranking_people.write_results(tmp_path / "r.json", value)
  return results.read_person(path, key)


def test_answers_are_read_by_method_and_picture(study, good, tmp_path):
  person = read(tmp_path, study[0], good)
  assert person.name == "Zoë"
  assert person.is_complete
  assert person.checks == (True,)
  for answer in person.answers:
    assert answer.picture.startswith("picture_")
    assert set(answer.order) <= set(ranking_people.METHODS)
    assert answer.seconds == 2.5
  wanted = {"rank": 4, "pairs": 12}[study[0].mode]
  assert len(person.answers) == wanted


def test_some_answers_are_as_good_as_all(study, good, tmp_path):
  good["answers"] = good["answers"][:2]
  person = read(tmp_path, study[0], good)
  assert not person.is_complete
  assert len(person.answers) + len(person.checks) == 2


def changed(good, path, value):
  """A copy of results with one member replaced."""
  result = copy.deepcopy(good)
  *way, last = path
  inner = result
  for step in way:
    inner = inner[step]
  inner[last] = value
  return result


@pytest.mark.parametrize(
  ("path", "value", "message"),
  [
    (["format"], "other/1", "should be an object of format tfpercept-ranking"),
    (["page"], "0" * 16, "of another page: '0000000000000000'; this key"),
    (["page"], 7, "page is a text; got 7"),
    (["mode"], "vote", "mode is one of rank, pairs; got 'vote'"),
    (["person"], "", "person is a name of 1 to 40 printable"),
    (["person"], "x" * 41, "person is a name of 1 to 40 printable"),
    (["person"], "a\x1b[2J", "person is a name of 1 to 40 printable"),
    (["person"], "\ud800", "person is a name of 1 to 40 printable"),
    (["person"], ["a"], "person is a text"),
    (["trials"], True, "trials is a whole number"),
    (["trials"], 10**30, "answers of 10+ trials; the page has at most"),
    (["trials"], 1, "answers of 1 trials"),
    (["answers"], {"0": 1}, "answers is a list"),
    (["answers", 0], 3, "answer 1: trial is missing"),
    (["answers", 0], None, "answer 1: trial is missing"),
    (["answers", 0, "trial"], "t99999", "answer 1: the page has no trial"),
    (["answers", 0, "trial"], {}, "answer 1: trial is a text"),
    (["answers", 0, "order"], [], "different items; got none"),
    (["answers", 0, "order"], ["p"] * 1000, "at most [23] items; got 1000"),
    (["answers", 0, "order"], ["p99999"], "has no item 'p99999'"),
    (["answers", 0, "order"], [["p1"]], "an item of order is a text"),
    (["answers", 0, "seconds"], -1, "seconds is a time from 0 on; got -1"),
    (["answers", 0, "seconds"], 1e300, "seconds is a time from 0 on"),
    (["answers", 0, "seconds"], "1", "seconds is a time from 0 on; got '1'"),
    (["answers", 0, "seconds"], False, "seconds is a time from 0 on"),
  ],
)
def test_what_the_page_can_not_have_written_is_named(
  study, good, tmp_path, path, value, message
):
  with pytest.raises(ValueError, match=message):
    read(tmp_path, study[0], changed(good, path, value))


def test_one_item_twice_or_a_trial_twice_is_an_error(study, good, tmp_path):
  twice = copy.deepcopy(good)
  order = twice["answers"][0]["order"]
  order[0] = order[1]
  with pytest.raises(ValueError, match="different items; got p"):
    read(tmp_path, study[0], twice)
  again = copy.deepcopy(good)
  again["answers"][1] = again["answers"][0]
  with pytest.raises(ValueError, match=r"answer 2: t\d+ is answered twice"):
    read(tmp_path, study[0], again)


def test_long_values_do_not_fill_the_message(study, good, tmp_path):
  value = changed(good, ["answers", 0, "trial"], "t" * 100_000)
  with pytest.raises(ValueError, match="no trial") as caught:
    read(tmp_path, study[0], value)
  assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
  ("data", "message"),
  [
    (b"", "no readable JSON"),
    (b"\x80\x04N.", "no readable JSON: line 1 is not UTF-8"),
    (b"[" * 200_000, "no readable JSON"),
    (b'{"format": NaN}', "NaN is no JSON"),
    (b'{"a": 1, "a": 2}', "an object names a member twice"),
    (b'{"format": ' + b"9" * 5000 + b"}", "no readable JSON"),
    (b"[]", "should be an object"),
    (b"null", "should be an object"),
  ],
)
def test_what_is_no_such_json_is_an_error(study, tmp_path, data, message):
  path = tmp_path / "r.json"
  path.write_bytes(data)
  with pytest.raises(ValueError, match=message):
    results.read_person(path, study[0])


def test_a_large_file_is_not_read(study, tmp_path, monkeypatch):
  monkeypatch.setattr(results, "MAX_BYTES", 100)
  path = tmp_path / "r.json"
  path.write_bytes(b" " * 101)
  with pytest.raises(ValueError, match="too large"):
    results.read_person(path, study[0])


def test_bad_files_are_left_out_with_the_reason(study, good, tmp_path):
  fine = ranking_people.write_results(tmp_path / "fine.json", good)
  bad = ranking_people.write_results(
    tmp_path / "bad.json", changed(good, ["page"], "x")
  )
  absent = tmp_path / "absent.json"
  people, failures = results.read([bad, fine, absent], study[0])
  assert [person.name for person in people] == ["Zoë"]
  assert "of another page" in failures[str(bad)]
  assert failures[str(absent)] == "there is no such file"


def test_one_person_in_two_files_is_an_error(study, good, tmp_path):
  first = ranking_people.write_results(tmp_path / "1.json", good)
  # The same name, decomposed and in capitals.
  other = changed(good, ["person"], " ZOE\u0308")
  second = ranking_people.write_results(tmp_path / "2.json", other)
  with pytest.raises(ValueError, match=r"is in .*1\.json and in .*2\.json"):
    results.read([first, second], study[0])


@pytest.mark.parametrize(
  ("path", "value", "message"),
  [
    (["format"], "tfpercept-ranking-key/9", "the key should be an object"),
    (["methods"], ["one"], "2 to 9 different methods"),
    (["methods"], ["one", "one"], "2 to 9 different methods"),
    (["methods"], ["one", "two"], "a trial shows each method once; got"),
    (["trials", "t00000", "items"], {}, "a trial shows|spoiled item of"),
    (["trials", "t00000", "spoiled"], [], "spoiled is a text; got"),
    (["mode"], 0, "mode is one of rank, pairs; got 0"),
    (["trials"], [], "trials is an object"),
    (["trials", "t00000", "items"], "no", "items is an object"),
    (["trials", "t00000", "spoiled"], "p99999", "spoiled item of .* not in it"),
  ],
)
def test_a_damaged_key_is_named(study, tmp_path, path, value, message):
  file = tmp_path / "key.json"
  file.write_text(json.dumps(changed(study[1], path, value)))
  with pytest.raises(ValueError, match=rf"key\.json: .*{message}"):
    results.read_key(file)


def test_a_key_that_shows_a_picture_twice_is_refused(study, tmp_path):
  value = copy.deepcopy(study[1])
  first, second = [
    trial for trial in value["trials"].values() if trial["spoiled"] is None
  ][:2]
  second["picture"] = first["picture"]
  (tmp_path / "key.json").write_text(json.dumps(value))
  with pytest.raises(ValueError, match=r"the picture '.*' is in two trials"):
    results.read_key(tmp_path / "key.json")


def test_a_file_in_utf_16_is_read(study, good, tmp_path):
  path = tmp_path / "r.json"
  path.write_text(json.dumps(good, ensure_ascii=False), encoding="utf-16")
  assert results.read_person(path, study[0]).name == "Zoë"
