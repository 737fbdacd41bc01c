"""Studies hold what was asked for, and their pages do not tell the methods."""

import base64
import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from tests.evaluation.ranking import people
from tfpercept.evaluation.ranking import page as ranking_page
from tfpercept.evaluation.ranking import study as ranking_study
from tfpercept.evaluation.ranking import study_config
from tfpercept.io import files


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
  return people.write_folders(tmp_path_factory.mktemp("study"))


@pytest.fixture
def copied(folders, tmp_path):
  """The folders again, to be damaged."""
  root = folders["originals"].parent
  shutil.copytree(root, tmp_path / "copy")
  return tmp_path / "copy"


def found_in(root, **changed):
  return study_config.find(
    **{
      "methods": {name: root / name for name in people.METHODS},
      "originals": root / "originals",
      **changed,
    }
  )


def make(folders, **settings):
  return ranking_study.make(
    study_config.find(**folders), study_config.Settings(**settings)
  )


def pixels(study, public):
  """Decodes the picture that results would call by this name."""
  data = base64.b64decode(study.images[int(public[1:])])
  return tf.io.decode_png(data).numpy()


def test_pictures_are_paired_by_name_whatever_their_suffix(copied):
  old = copied / "fine_net" / "picture_3.png"
  files.write_image(
    copied / "fine_net" / "picture_3.bmp", files.read_image(old)
  )
  old.unlink()
  groups = found_in(copied)
  assert [group.name for group in groups] == [f"picture_{i}" for i in range(10)]
  assert groups[3].results["fine_net"].suffix == ".bmp"
  assert groups[3].original == copied / "originals" / "picture_3.png"


def test_a_missing_picture_is_named_with_its_folder(copied):
  (copied / "poor_net" / "picture_3.png").unlink()
  with pytest.raises(ValueError, match=r"poor_net lacks picture_3$"):
    found_in(copied)


def test_many_missing_pictures_are_counted(copied):
  for number in range(8):
    (copied / "originals" / f"picture_{number}.png").unlink()
  with pytest.raises(ValueError, match=r"the originals lacks .* and 3 more"):
    found_in(copied)


def test_more_originals_than_results_do_no_harm(copied):
  for method in people.METHODS:
    (copied / method / "picture_0.png").unlink()
  assert len(found_in(copied)) == 9


def test_an_ambiguous_name_is_an_error(copied):
  shutil.copy(
    copied / "poor_net" / "picture_3.png", copied / "poor_net/picture_3.jpg"
  )
  with pytest.raises(ValueError, match=r"picture_3 is ambiguous in .*poor_net"):
    found_in(copied)


def test_two_to_nine_methods_are_compared(folders):
  only = dict(list(folders["methods"].items())[:1])
  with pytest.raises(ValueError, match="2 to 9 folders of results; got 1"):
    study_config.find(only)


def test_sizes_that_differ_are_named(copied):
  path = copied / "poor_net" / "picture_3.png"
  files.write_image(path, files.read_image(path)[:20])
  with pytest.raises(ValueError, match=r"24x24 in .*, 24x20 in .*poor_net"):
    ranking_study.make(found_in(copied), study_config.Settings())


@pytest.mark.parametrize(
  ("settings", "message"),
  [
    ({"mode": "vote"}, "mode is one of rank, pairs; got 'vote'"),
    ({"checks": -1}, "checks is at least 0; got -1"),
    ({"pictures": 3, "shared": 4}, "of 3 pictures a person"),
    ({"pictures": 11}, "pictures is at most the number of pictures, 10"),
    ({"checks": 11}, "checks is at most the number of pictures, 10"),
    ({"mode": "pairs", "pairs": 4}, "3 methods make 3 pairs; got pairs=4"),
  ],
)
def test_settings_out_of_range_are_errors(folders, settings, message):
  with pytest.raises(ValueError, match=message):
    make(folders, **settings)


def test_a_page_too_large_is_refused_while_it_is_made(folders, monkeypatch):
  monkeypatch.setattr(ranking_study, "MAX_BYTES", 4096)
  with pytest.raises(ValueError, match="browsers do not open"):
    make(folders)


def test_the_key_names_what_the_page_shows(folders):
  study = make(folders, checks=0)
  assert len(study.images) == 40
  for trial in study.page["trials"]:
    known = study.key["trials"][trial["id"]]
    reference = ranking_study.public_name(trial["reference"])
    np.testing.assert_array_equal(
      pixels(study, reference),
      files.read_image(folders["originals"] / f"{known['picture']}.png"),
    )
    names = [ranking_study.public_name(number) for number in trial["items"]]
    assert list(known["items"]) == names
    for name, method in known["items"].items():
      path = folders["methods"][method] / f"{known['picture']}.png"
      np.testing.assert_array_equal(pixels(study, name), files.read_image(path))


def test_without_originals_there_is_no_reference(folders):
  groups = study_config.find(folders["methods"])
  study = ranking_study.make(groups, study_config.Settings())
  assert {trial["reference"] for trial in study.page["trials"]} == {None}
  text = ranking_page.to_html(study, ranking_page.Look())
  assert ranking_page.QUESTIONS[False] in text


def test_equal_seeds_give_equal_studies_and_others_others(folders):
  first, second, other = (make(folders, seed=seed) for seed in (1, 1, 2))
  assert first == second
  assert first.page["page"] != other.page["page"]
  assert first.key["trials"] != other.key["trials"]


def test_the_page_says_nothing_of_methods_and_files(folders):
  study = make(folders)
  text = ranking_page.to_html(study, ranking_page.Look())
  for word in (*people.METHODS, "picture_", "spoiled", "originals"):
    assert word not in text.replace("the originals", "")


def test_numbers_and_order_do_not_go_with_methods(folders):
  """The number of a picture, or its place in the page, cannot give it away."""
  first = dict.fromkeys(people.METHODS, 0)
  rank = dict.fromkeys(people.METHODS, 0.0)
  for seed in range(10):
    for trial in make(folders, seed=seed, checks=0).key["trials"].values():
      items = list(trial["items"].items())
      first[items[0][1]] += 1
      for place, (_, method) in enumerate(sorted(items)):
        rank[method] += place / 100
  # A hundred trials: deviations 4.7 of a third, 0.08 of a mean rank of 1; four.
  assert all(abs(count - 100 / 3) < 19 for count in first.values())
  assert all(abs(mean - 1) < 0.33 for mean in rank.values())


@pytest.mark.parametrize("mode", study_config.MODES)
def test_a_check_has_one_spoiled_picture_that_anybody_sees(folders, mode):
  study = make(folders, checks=4, mode=mode)
  checks = [t for t in study.key["trials"].values() if t["spoiled"]]
  assert len(checks) == 4
  for check in checks:
    original = files.read_image(
      folders["originals"] / f"{check['picture']}.png"
    )
    errors = {
      item: np.mean((pixels(study, item) - original.astype(float)) ** 2)
      for item in check["items"]
    }
    assert len(errors) == (3 if mode == "rank" else 2)
    worst = errors.pop(check["spoiled"])
    # At least twice as far as a method whose noise has a deviation of 48.
    assert worst > 2 * max(errors.values())


def test_checks_and_shared_pictures_are_for_everyone(folders):
  study = make(folders, pictures=5, shared=2, checks=3)
  everyone = [t for t in study.page["trials"] if t["everyone"]]
  assert len(everyone) == 5
  assert study.page["dealt"] == 3
  assert len(study.page["trials"]) == 13


def test_texts_can_not_end_the_script_or_stand_for_parts(folders):
  study = make(folders)
  nasty = "</script><script>alert('{{study}}')</script>"
  look = ranking_page.Look(
    title=nasty, introduction=nasty, question=nasty, contact=nasty
  )
  text = ranking_page.to_html(study, look)
  assert "<script>alert" not in text
  assert text.count("</script>") == 3
  assert "alert(&#x27;{{study}}&#x27;)" in text


def test_the_page_holds_all_it_needs(folders):
  text = ranking_page.to_html(make(folders), ranking_page.Look(upscale=3))
  assert "{{" not in text
  assert "default-src 'none'" in text
  assert " src=" not in text
  assert "href=" not in text
  start = text.index('id="study">') + len('id="study">')
  data = json.loads(text[start : text.index("</script>", start)])
  assert (data["upscale"], data["pixelated"]) == (3, True)


def test_pictures_are_not_shown_smaller_by_option():
  with pytest.raises(ValueError, match=r"upscale is at least 1; got 0\.5"):
    ranking_page.Look(upscale=0.5)
