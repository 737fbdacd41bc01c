"""`tfpercept ranking`: files, output, what is left out, exit status."""

import json

import numpy as np
import pytest

from tests.evaluation.ranking import people as ranking_people
from tfpercept import cli
from tfpercept.io import files

STRENGTHS = dict(zip(ranking_people.METHODS, (2.0, 0.0, -2.0), strict=True))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
  root = tmp_path_factory.mktemp("ranking")
  ranking_people.write_folders(root, count=4)
  return root


def methods_of(root):
  return [str(root / method) for method in ranking_people.METHODS]


@pytest.fixture
def study(folders, tmp_path, capsys):
  """A page, and the answers of three people, the last one careless."""
  page = tmp_path / "page.html"
  status = cli.main(
    ["ranking", "make", *methods_of(folders), f"--out={page}",
     f"--originals={folders / 'originals'}", "--checks=2"]
  )  # fmt: skip
  assert status == 0
  capsys.readouterr()
  key = json.loads((tmp_path / "page.key.json").read_text())
  random = np.random.default_rng(0)
  paths = [
    ranking_people.write_results(
      tmp_path / f"{name}.json",
      ranking_people.results(
        key, name, STRENGTHS, random, is_careless=name == "cid"
      ),
    )
    for name in ("ann", "bob", "cid")
  ]
  return page, paths


def analyse(study, *arguments):
  page, paths = study
  return cli.main(
    ["ranking", "analyse", *map(str, paths), "--resamples=20",
     f"--key={page.with_suffix('.key.json')}", *arguments]
  )  # fmt: skip


def test_a_key_that_answers_need_is_kept(folders, study, capsys):
  page, _ = study
  key = page.with_suffix(".key.json")
  before = page.read_bytes(), key.read_bytes()
  make = [
    "ranking", "make", *methods_of(folders), f"--out={page}",
    f"--originals={folders / 'originals'}",
  ]  # fmt: skip
  assert cli.main([*make, "--checks=2"]) == 0  # the same page
  assert (page.read_bytes(), key.read_bytes()) == before
  assert cli.main([*make, "--checks=1"]) == 2
  assert "choose another --out, or --overwrite" in (
    capsys.readouterr().err.lower()
  )
  assert (page.read_bytes(), key.read_bytes()) == before
  assert cli.main([*make, "--checks=1", "--overwrite"]) == 0
  assert key.read_bytes() != before[1]


@pytest.mark.parametrize("over", ["people", "pictures", "both"])
def test_the_bootstrap_draws_what_is_asked_for(study, capsys, over):
  assert analyse(study, f"--bootstrap={over}", "--format=json") == 0
  assert json.loads(capsys.readouterr().out)["bootstrap"] == over


@pytest.mark.parametrize(
  ("flags", "pixelated"), [([], True), (["--smooth"], False)]
)
def test_enlarged_pictures_are_smooth_where_asked(
  folders, tmp_path, capsys, flags, pixelated
):
  page = tmp_path / "page.html"
  make = ["ranking", "make", *methods_of(folders), f"--out={page}"]
  assert cli.main([*make, *flags]) == 0
  told = "true" if pixelated else "false"
  assert f'"pixelated":{told}' in page.read_text().replace(" ", "")


def test_make_writes_the_page_and_its_key(folders, tmp_path, capsys):
  page = tmp_path / "new" / "page.html"
  status = cli.main(
    ["ranking", "make", *methods_of(folders), f"--out={page}", "--mode=pairs",
     "--title=Faces & more", "--question=Which face?", "--upscale=8"]
  )  # fmt: skip
  out, err = capsys.readouterr()
  assert status == 0
  assert out.strip() == str(page)
  # Four pictures with three pairs each, and three checks.
  assert err.startswith("15 trials a person on 4 pictures; ")
  assert sorted(p.name for p in page.parent.iterdir()) == [
    "page.html", "page.key.json",
  ]  # fmt: skip
  text = page.read_text()
  assert "<h1>Faces &amp; more</h1>" in text
  assert "Which face?" in text
  key = json.loads((page.parent / "page.key.json").read_text())
  assert key["methods"] == list(ranking_people.METHODS)
  assert f'"page":"{key["page"]}"' in text


def test_folders_can_be_given_names(folders, tmp_path):
  first, second, _ = methods_of(folders)
  page = tmp_path / "page.html"
  status = cli.main(
    ["ranking", "make", f"our net={first}", second, f"--out={page}"]
  )
  assert status == 0
  key = json.loads((tmp_path / "page.key.json").read_text())
  assert key["methods"] == ["our net", "middling_net"]


def test_analyse_prints_and_names_who_is_left_out(study, capsys):
  assert analyse(study) == 0
  out, err = capsys.readouterr()
  assert "8 rankings of 3 methods by 2 people" in out
  assert err == "cid: left out: failed 2 of 2 attention checks\n"


def test_analyse_judges_distances_where_it_has_the_pictures(
  study, folders, capsys
):
  status = analyse(
    study,
    "--metric=mse",
    "--metric=ms_ssim",
    f"--originals={folders / 'originals'}",
    *(f"--folder={path}" for path in methods_of(folders)),
  )
  out, err = capsys.readouterr()
  assert status == 1
  assert "\nmse " in out
  assert "ms_ssim: left out: ms_ssim needs images of at least" in err


def test_analyse_writes_json_and_a_page(study, tmp_path, capsys):
  out, page = tmp_path / "a" / "found.json", tmp_path / "b" / "report.html"
  status = analyse(study, "--format=json", f"--out={out}", f"--page={page}")
  assert status == 0
  assert capsys.readouterr().out == ""
  value = json.loads(out.read_text())
  assert value["methods"][0]["method"] == "fine_net"
  assert value["bootstrap"] == "people"
  assert "<h1>What people prefer</h1>" in page.read_text()


def test_results_of_another_page_are_named_and_the_rest_is_used(
  study, tmp_path, capsys
):
  value = json.loads(study[1][0].read_text())
  other = ranking_people.write_results(
    tmp_path / "other.json", {**value, "page": "f" * 16, "person": "dan"}
  )
  assert analyse((study[0], [*study[1], other])) == 1
  out, err = capsys.readouterr()
  assert "by 2 people" in out
  assert f"{other}: left out: of another page: 'ffffffffffffffff'" in err


def test_one_person_twice_is_refused(study, tmp_path, capsys):
  copy = tmp_path / "again.json"
  copy.write_bytes(study[1][0].read_bytes())
  assert analyse((study[0], [*study[1], copy])) == 2
  assert "'ann' is in" in capsys.readouterr().err


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    (["make", "{fine}", "--out={tmp}/p.html"], "2 to 9 folders of results"),
    (["make", "{fine}", "{fine}", "--out={tmp}/p.html"],
     "two folders are called 'fine_net'; name them"),
    (["make", "{fine}", "absent", "--out={tmp}/p.html"], "absent is none"),
    (["make", "{fine}", "{poor}", "--out={tmp}/p.html", "--pictures=9"],
     "pictures is at most the number of pictures, 4; got 9"),
    (["make", "{fine}", "{poor}", "--out={tmp}"], "is a folder"),
    (["analyse", "absent.json", "--key=absent.json"], "no such file"),
    (["analyse", "absent.json", "--key={key}"],
     "no results that can be used: absent.json: there is no such file"),
    (["analyse", "{ann}", "--key={ann}"], "the key should be an object"),
    (["analyse", "{ann}", "--key={key}", "--max_failed=2"], "0 to 1; got 2"),
    (["analyse", "{ann}", "--key={key}", "--folder={fine}", "--resamples=1"],
     "distances need --originals and a --folder for each method"),
  ],
)  # fmt: skip
def test_mistakes_are_one_line_and_status_two(
  arguments, message, study, folders, tmp_path, capsys
):
  filled = [
    a.format(
      fine=folders / "fine_net",
      poor=folders / "poor_net",
      tmp=tmp_path,
      key=study[0].with_suffix(".key.json"),
      ann=study[1][0],
    )
    for a in arguments
  ]
  assert cli.main(["ranking", *filled]) == 2
  err = capsys.readouterr().err
  assert err.startswith("error: ")
  assert message in err
  assert err.count("\n") == 1


def test_sizes_that_differ_are_a_mistake(folders, tmp_path, capsys):
  odd = tmp_path / "odd"
  for path in files.list_images(folders / "poor_net"):
    files.write_image(odd / path.name, files.read_image(path)[:20])
  status = cli.main(
    ["ranking", "make", str(folders / "fine_net"), str(odd),
     f"--out={tmp_path / 'page.html'}"]
  )  # fmt: skip
  assert status == 2
  assert "pictures of one name need one size" in capsys.readouterr().err
  assert not (tmp_path / "page.html").exists()
