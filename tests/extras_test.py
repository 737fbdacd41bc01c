"""Whoever lacks an optional library is told what brings it."""

import ast
import configparser
import pathlib
import sys

import numpy as np
import pytest

from tfpercept import cli, extras
from tfpercept.data import packaged, tid2013, video
from tfpercept.evaluation.core import correlation, runner, statistics, tiled
from tfpercept.evaluation.probing import folds as probing_folds
from tfpercept.evaluation.probing import table as probing_table
from tfpercept.evaluation.ranking import analysis as ranking_analysis
from tfpercept.evaluation.rate_distortion import bd_rate
from tfpercept.evaluation.toy_sources import charts as toy_charts
from tfpercept.io import files
from tfpercept.models import spectral_norm
from tfpercept.reports import charts, page

ROOT = pathlib.Path(extras.__file__).parent
TWO = np.arange(2.0)
PICTURE = np.zeros((4, 4, 3), np.uint8)


# Most of the package is made of TensorFlow; its doors say where that is missing
# (tests/without_tensorflow_test.py).
OPTIONAL = extras.LIBRARIES.keys() - {"keras", "tensorflow"}


def a_file(folder):
  path = folder / "a"
  path.touch()
  return path


def a_heic(folder):
  path = folder / "a.heic"
  path.write_bytes(b"\0\0\0\x18ftypheic")
  return path


USES = {
  "PIL": [
    lambda folder: files.read_image(a_file(folder)),
    lambda folder: files.read_samples(a_file(folder)),
    lambda folder: files.write_image(folder / "a.png", PICTURE),
    lambda folder: tid2013._coded(PICTURE, "JPEG"),
  ],
  "av": [lambda folder: next(video._decoded(a_file(folder)))],
  "choix": [lambda folder: ranking_analysis._fit(None, None)],
  "matplotlib": [
    lambda folder: charts.colored(TWO[:, None]),
    lambda folder: charts.ink().__enter__(),
    lambda folder: toy_charts._picture(print, size=(1, 1)),
    lambda folder: page._draw({"a": (TWO, TWO)}),
  ],
  "pillow_heif": [lambda folder: files.read_image(a_heic(folder))],
  "scipy": [
    lambda folder: correlation.srcc(TWO, TWO),
    lambda folder: correlation.krcc(TWO, TWO),
    lambda folder: tid2013._blurred(PICTURE, 1.0),
    lambda folder: bd_rate._pchip(),
    lambda folder: probing_table._t_interval(TWO, 1.0, ""),
    lambda folder: statistics.expanded_tail(5),
  ],
  "sklearn": [
    lambda folder: probing_folds._model_selection(),
    lambda folder: packaged.test(),
  ],
  "skimage": [lambda folder: packaged.test()],
  "tensorflow_addons": [lambda folder: spectral_norm._addons()],
}


@pytest.mark.parametrize(
  ("library", "use"),
  [(name, use) for name, uses in USES.items() for use in uses],
)
def test_a_missing_library_is_named_with_what_brings_it(
  library, use, tmp_path, monkeypatch
):
  for name in [m for m in sys.modules if m.split(".")[0] == library]:
    monkeypatch.delitem(sys.modules, name)
  monkeypatch.setitem(sys.modules, library, None)
  name, extra = extras.LIBRARIES[library]
  with pytest.raises(extras.MissingExtra) as error:
    use(tmp_path)
  assert isinstance(error.value, ValueError)  # which commands print as a line
  assert f"need {name}, which is not installed: pip install" in str(error.value)
  assert f"'tfpercept[{extra}]'" in str(error.value)


@pytest.mark.parametrize(
  ("library", "command"),
  [
    ("scipy", ["agreement", "--data={folder}", "--metric=mse"]),
    ("matplotlib", ["score", "{folder}", "{folder}", "--maps={folder}/maps"]),
  ],
)
def test_commands_say_so_before_they_measure_anything(
  library, command, tmp_path, monkeypatch, capsys
):
  for name in ("r.png", "a.png"):
    files.write_image(tmp_path / name, PICTURE)
  (tmp_path / "opinions.csv").write_text(
    "image,reference,score\na.png,r.png,1\n"
  )
  monkeypatch.setitem(sys.modules, library, None)
  for module in (runner, tiled):
    monkeypatch.setattr(module, "measure", None)
  arguments = [part.format(folder=tmp_path) for part in command]
  assert cli.main(arguments) == 2
  out, err = capsys.readouterr()
  extra = extras.LIBRARIES[library][1]
  assert (out, err.count("\n")) == ("", 1)
  assert f"pip install 'tfpercept[{extra}]'" in err


def test_a_library_that_is_there_but_broken_says_so_itself():
  with (
    pytest.raises(ImportError, match="own part") as error,
    extras.needed("x"),
  ):
    raise ImportError("own part", name="its_own_part")
  assert not isinstance(error.value, extras.MissingExtra)


def guarded(tree):
  """Yields the imports inside `with extras.needed` or a `try`."""
  for node in ast.walk(tree):
    is_guard = isinstance(node, ast.Try) or (
      isinstance(node, ast.With) and "needed" in ast.unparse(node.items[0])
    )
    if is_guard:
      yield from (n for part in node.body for n in ast.walk(part))


def test_every_import_of_an_optional_library_is_guarded():
  bare = []
  for path in sorted(ROOT.rglob("*.py")):
    tree = ast.parse(path.read_text())
    inside = {id(node) for node in guarded(tree)}
    guards = {top(node) for node in ast.walk(tree) if id(node) in inside} - {
      None
    }
    for node in ast.walk(tree):
      name = top(node)
      if name not in OPTIONAL or id(node) in inside:
        continue
      # A function that was handed a picture of Pillow, say, has it.
      if name not in guards:
        bare.append(f"{path.relative_to(ROOT.parent)}:{node.lineno}: {name}")
  assert bare == []


def top(node):
  if isinstance(node, ast.Import):
    return node.names[0].name.split(".")[0]
  if isinstance(node, ast.ImportFrom) and not node.level:
    return node.module.split(".")[0]
  return None


def test_extras_bring_what_they_are_said_to_bring():
  parser = configparser.ConfigParser()
  setup = ROOT.parent / "setup.cfg"
  if not setup.is_file():
    pytest.skip("the wheel alone is tested")
  parser.read(setup)
  own = {
    "Dask": "distributed>=2024",
    "PyAV": "av",
    "PySpark": "pyspark>=3.5,<4",
    "SciPy": "scipy",
    "TensorFlow": "tensorflow>=2.14",
    "TensorFlow Addons": "tensorflow-addons==0.22.0;",
  }
  for name, extra in extras.LIBRARIES.values():
    brought = parser["options.extras_require"][extra]
    assert own.get(name, name) in brought.split()
