"""The tree keeps its layers: who may import whom, and who owns what.

The sources are read, not run, so an import inside a function counts too.
"""

import ast
import configparser
import json
import pathlib
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PACKAGES = (
  "tfpercept", "programs", "trainers", "export", "benchmarks", "pipelines",
  "serving",
)  # fmt: skip

# A unit may import the units of lower rows and itself, never a neighbour in its
# row. "tfpercept" is the package root, which is the public surface.
ROWS = (
  ("extras", "offers", "settings"),
  ("registry", "ops", "io"),
  ("weights", "reports"),
  ("manifests",),
  ("models", "data"),
  ("distances",),
  ("losses", "metrics", "callbacks", "descent"),
  ("tfpercept",),
  ("tasks", "codecs", "conformance"),
  ("training", "evaluation"),
  ("cli",),
  ("programs",),
  ("trainers", "export", "pipelines"),
  ("serving",),
  ("benchmarks",),
)
ROW_OF = {unit: row for row, units in enumerate(ROWS) for unit in units}
# The one exception: a trainer ends by exporting.
ALSO = {("trainers", "export")}

# Inside a unit with rooms, a room imports itself, these rooms and, of the
# modules that lie beside the rooms, `base` alone.
ROOMS = {
  "evaluation": {"*": ("core",)},
  "codecs": {
    "learned": ("bitstream", "classical", "lossless"),
    "lossless": ("bitstream", "classical"),
    "inversion": ("bitstream", "learned", "lossless"),
  },
  "models": {},
}
# The exceptions: what one module of a room imports from another room.
ALSO_ROOMS = {
  ("tfpercept/codecs/learned/model_lookup.py", "inversion"),
  ("tfpercept/evaluation/ranking/agreement.py", "agreement"),
  ("tfpercept/evaluation/ranking/report.py", "agreement"),
}

# What everything may import beside the standard library; the rest has a home.
ANYWHERE = {"absl", "keras", "numpy", "tensorflow"}
HOMES = {
  "PIL": (
    "tfpercept/io/color_profiles.py",
    "tfpercept/io/files.py",
    "tfpercept/io/picture_files.py",
    "tfpercept/data/tid2013.py",
    "tfpercept/codecs/classical/pillow_codec.py",
    "tfpercept/reports/small_webp.py",
  ),
  "ai_edge_litert": ("export/run_tflite.py",),
  "av": ("tfpercept/data/video.py",),
  "choix": ("tfpercept/evaluation/ranking/analysis.py",),
  # Beside a model of Triton lies a copy of serving/exported.py.
  "exported": ("serving/triton_model.py",),
  # Messages of TensorBoard's files; TensorFlow brings it.
  "google": ("tfpercept/evaluation/core/training_curves.py",),
  "grpc": ("serving/prediction_service.py", "serving/replay.py"),
  "distributed": ("pipelines/engines.py",),
  "matplotlib": (
    "tfpercept/reports/charts.py",
    "tfpercept/reports/page.py",
    "tfpercept/evaluation/toy_sources/charts.py",
  ),
  "pillow_heif": (
    "tfpercept/codecs/classical/formats.py",
    "tfpercept/io/picture_files.py",
  ),
  "py4j": ("pipelines/engines.py",),
  "pyspark": ("pipelines/engines.py",),
  "pillow_jxl": ("tfpercept/codecs/classical/formats.py",),
  "scipy": (
    "tfpercept/data/tid2013.py",
    "tfpercept/evaluation/rate_distortion/bd_rate.py",
    "tfpercept/evaluation/core/correlation.py",
    "tfpercept/evaluation/core/statistics.py",
    "tfpercept/evaluation/probing/table.py",
  ),
  "skimage": ("tfpercept/data/packaged.py",),
  "sklearn": (
    "tfpercept/data/packaged.py",
    "tfpercept/evaluation/probing/folds.py",
    "tfpercept/evaluation/probing/svm.py",
  ),
  "tensorflow_addons": ("tfpercept/models/spectral_norm.py",),
  "tensorflow_compression": ("tfpercept/models/compression/entropy_coding.py",),
  "tensorflow_datasets": ("tfpercept/data/tfds.py",),
  "tensorflow_serving": (
    "export/warm_up.py",
    "serving/prediction_service.py",
    "serving/replay.py",
  ),
  "tqdm": ("tfpercept/io/downloads.py",),
  "triton_python_backend_utils": ("serving/triton_model.py",),
  "tritonclient": ("serving/ask.py",),
}
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}
MAX_LINES = 400


def sources() -> list[str]:
  """Returns the paths of all library and binary modules."""
  return sorted(
    path.relative_to(ROOT).as_posix()
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
  )


def unit_of(path: str) -> str:
  """Returns the unit that a file belongs to."""
  top, *inner = path.removesuffix(".py").split("/")
  return top if top != "tfpercept" or inner == ["__init__"] else inner[0]


def imported(path: str, text: str) -> Iterator[str]:
  """Yields the dotted names that a module imports, relative ones resolved."""
  package = path.split("/")[:-1]
  for node in ast.walk(ast.parse(text)):
    if isinstance(node, ast.Import):
      yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
      up = package[: len(package) - node.level + 1] if node.level else []
      module = ".".join([*up, *filter(None, [node.module])])
      yield from (f"{module}.{alias.name}" for alias in node.names)
    elif (
      isinstance(node, ast.Call)
      and ast.unparse(node.func) == "deferred.module"
      and isinstance(node.args[0], ast.Constant)
    ):
      yield node.args[0].value  # which is imported later


# What the package root holds besides its units.
ROOT_NAMES = {"__version__"}


def imported_units(path: str, text: str) -> set[str]:
  """Returns the units that a module imports; names we lack count as units."""
  units = set()
  for name in imported(path, text):
    top, *inner = name.split(".")
    if top in PACKAGES:
      inside = top == "tfpercept" and inner and inner[0] not in ROOT_NAMES
      units.add(inner[0] if inside else top)
      if not path.startswith("tfpercept/"):
        units.add(top)  # an import from outside runs the package root as well
  return units


def layer_violations(path: str, text: str) -> Iterator[str]:
  """Yields what a module imports against the rows."""
  unit = unit_of(path)
  if unit not in ROW_OF:
    yield f"{path}: {unit!r} stands in no row; give it one in ROWS"
    return
  for other in sorted(imported_units(path, text) - {unit}):
    if other not in ROW_OF:
      yield f"{path}: imports tfpercept.{other}, which stands in no row"
    elif ROW_OF[other] >= ROW_OF[unit] and (unit, other) not in ALSO:
      yield (
        f"{path}: {unit} (row {ROW_OF[unit]}) imports {other} (row"
        f" {ROW_OF[other]}), which is not lower"
      )


def other_rooms(path: str, text: str) -> set[str]:
  """Returns what a module in a room imports from its unit outside its room."""
  top, unit, *inner = path.removesuffix(".py").split("/")
  if top != "tfpercept" or unit not in ROOMS or len(inner) < 2:
    return set()
  names = (name.split(".") for name in imported(path, text))
  found = {name[2] for name in names if name[:2] == [top, unit] and name[2:]}
  return found - {inner[0]}


def room_violations(path: str, text: str) -> Iterator[str]:
  """Yields imports of a room from another that lies beside or above it."""
  for other in sorted(other_rooms(path, text)):
    unit, room = path.split("/")[1:3]
    rooms = ROOMS[unit]
    shared = rooms.get("*", ())
    below = rooms.get(room, () if room in shared else shared)
    if other in ("base", *below) or (path, other) in ALSO_ROOMS:
      continue
    yield f"{path}: {unit}/{room} imports {unit}/{other}, which is not below it"


def dependency_violations(path: str, text: str) -> Iterator[str]:
  """Yields third-party imports outside their home."""
  if path.startswith("benchmarks/"):
    return  # its peers are its own requirements
  for top in sorted({name.split(".")[0] for name in imported(path, text)}):
    if top in PACKAGES or top in ANYWHERE or top in sys.stdlib_module_names:
      continue
    if path not in HOMES.get(top, ()):
      home = " or ".join(HOMES.get(top, ())) or "no module yet"
      yield f"{path}: imports {top}, whose home is {home}"


def idiom_violations(path: str, text: str) -> Iterator[str]:
  """Yields uses of what one code base for Keras 2 and 3 or our edges forbid."""
  for node in ast.walk(ast.parse(text)):
    if (
      isinstance(node, ast.Attribute)
      and node.attr == "keras"
      and isinstance(node.value, ast.Name)
      and node.value.id in ("tf", "tensorflow")
    ):
      yield f"{path}:{node.lineno}: tf.keras; write `import keras`"
  names = set(imported(path, text))
  if any(name.startswith("tensorflow.keras") for name in names):
    yield f"{path}: tensorflow.keras; write `import keras`"
  reads_flags = any(n.startswith(("absl.flags", "absl.app")) for n in names)
  if reads_flags and path.startswith("tfpercept/"):
    yield f"{path}: only programs read flags"


def shape_violations(path: str, text: str) -> Iterator[str]:
  """Yields files too long to be one idea, and names that say nothing."""
  lines = text.count("\n")
  if lines > MAX_LINES:
    yield f"{path}: {lines} lines, more than {MAX_LINES}"
  vague = VAGUE_NAMES.intersection(path.removesuffix(".py").split("/"))
  if vague:
    yield f"{path}: a name that says nothing: {', '.join(vague)}"


def type_violations(path: str, text: str) -> Iterator[str]:
  """Yields errors of types that are passed over without saying why."""
  for number, line in enumerate(text.splitlines(), 1):
    if re.search(r"#\s*type:\s*ignore", line) and not re.search(
      r"# type: ignore\[[a-z, -]+\]  # \w", line
    ):
      yield f"{path}:{number}: write `# type: ignore[code]  # reason`"
    if re.search(r"\btyping\.cast\b|^from typing import .*\bcast\b", line):
      yield f"{path}:{number}: a cast; mend the code, or ignore with a reason"


def task_violations(path: str, text: str) -> Iterator[str]:
  """Yields tasks that the loop knows of, which trains whatever has the base."""
  if path.startswith("tfpercept/training/"):
    for name in sorted(imported(path, text)):
      if re.match(r"tfpercept\.tasks(?!\.base\b)", name):
        yield f"{path}: imports {name}; training knows tasks.base alone"


CHECKS = (
  layer_violations,
  room_violations,
  dependency_violations,
  idiom_violations,
  shape_violations,
  task_violations,
  type_violations,
)


@pytest.mark.parametrize("check", CHECKS)
def test_sources_keep_the_rules(check):
  found = [
    violation
    for path in sources()
    for violation in check(path, (ROOT / path).read_text())
  ]
  assert not found, "\n".join(found)


@pytest.mark.parametrize(
  ("check", "path", "text"),
  [
    (layer_violations, "tfpercept/ops/a.py", "from tfpercept import models"),
    (layer_violations, "tfpercept/ops/a.py", "from tfpercept import weights"),
    (layer_violations, "tfpercept/ops/a.py", "from ..weights import find"),
    (layer_violations, "tfpercept/losses.py", "import tfpercept"),
    (layer_violations, "tfpercept/losses.py", "import tfpercept.metrics"),
    (layer_violations, "tfpercept/tasks/a.py", "def f():\n  import trainers.b"),
    (layer_violations, "tfpercept/cli/score.py", "from export import manifest"),
    (
      layer_violations,
      "tfpercept/cli/a.py",
      'a = deferred.module("trainers.srcnn")',
    ),
    (layer_violations, "export/a.py", "from trainers import srcnn"),
    (layer_violations, "tfpercept/new/a.py", ""),
    (layer_violations, "tfpercept/cli/score.py", "from tfpercept.new import a"),
    (
      room_violations,
      "tfpercept/evaluation/core/a.py",
      "from tfpercept.evaluation.agreement import scores",
    ),
    (
      room_violations,
      "tfpercept/evaluation/stress/a.py",
      "from tfpercept.evaluation.ranking.study import Study",
    ),
    (
      room_violations,
      "tfpercept/codecs/bitstream/a.py",
      "from ..learned import tiles",
    ),
    (
      room_violations,
      "tfpercept/codecs/classical/a.py",
      "from tfpercept.codecs import targets",
    ),
    (
      room_violations,
      "tfpercept/models/perceptual/a.py",
      "from tfpercept.models import srcnn",
    ),
    (dependency_violations, "tfpercept/ops/a.py", "import tensorflow_datasets"),
    (dependency_violations, "tfpercept/cli/score.py", "from PIL import Image"),
    (dependency_violations, "export/a.py", "import unheard_of"),
    (idiom_violations, "tfpercept/ops/a.py", "x = tf.keras.Model"),
    (idiom_violations, "trainers/a.py", "from tensorflow.keras import layers"),
    (idiom_violations, "tfpercept/cli/score.py", "from absl import flags"),
    (idiom_violations, "tfpercept/tasks/a.py", "from absl import app"),
    (
      task_violations,
      "tfpercept/training/a.py",
      "from tfpercept.tasks import regression",
    ),
    (task_violations, "tfpercept/training/a.py", "from tfpercept import tasks"),
    (shape_violations, "tfpercept/ops/utils.py", ""),
    (shape_violations, "tfpercept/helpers/a.py", ""),
    (shape_violations, "tfpercept/ops/a.py", "x = 1\n" * 401),
    (type_violations, "tfpercept/ops/a.py", "x = f()  # type: ignore"),
    (type_violations, "tfpercept/ops/a.py", "x = f()  # type: ignore[misc]"),
    (type_violations, "trainers/a.py", "from typing import Any, cast"),
  ],
)
def test_each_rule_finds_what_breaks_it(check, path, text):
  assert list(check(path, text))


@pytest.mark.parametrize(
  ("path", "text"),
  [
    ("tfpercept/ops/a.py", "from tfpercept.ops import b\nfrom . import c"),
    ("tfpercept/data/tfds.py", "import tensorflow_datasets as tfds"),
    ("tfpercept/cli/score.py", "import argparse\nimport tfpercept as tp"),
    ("tfpercept/training/a.py", "from tfpercept import __version__"),
    ("tfpercept/training/a.py", "from tfpercept.tasks import base"),
    ("trainers/a.py", "from absl import flags\nfrom export import manifest"),
    ("benchmarks/a.py", "import piq"),
    (
      "export/a.py",
      "x = f()  # type: ignore[misc]  # NumPy's own type is wrong",
    ),
    (
      "tfpercept/evaluation/stress/a.py",
      "from tfpercept.evaluation.core import settings",
    ),
    (
      "tfpercept/codecs/learned/a.py",
      "from tfpercept.codecs import base\nfrom ..bitstream import header",
    ),
    ("tfpercept/codecs/targets.py", "from tfpercept.codecs import learned"),
    ("tfpercept/models/perceptual/a.py", "from tfpercept.models import base"),
  ],
)
def test_no_rule_finds_fault_with_what_is_allowed(path, text):
  assert not [v for check in CHECKS for v in check(path, text)]


def test_every_home_is_needed():
  """A home that no longer imports its dependency is a stale entry."""
  for dependency, homes in HOMES.items():
    for home in homes:
      tops = {
        n.split(".")[0] for n in imported(home, (ROOT / home).read_text())
      }
      assert dependency in tops, f"{home} does not import {dependency}"


def test_every_exception_is_needed():
  """An exception that nothing makes use of any more is a stale entry."""
  for path, other in ALSO_ROOMS:
    assert other in other_rooms(path, (ROOT / path).read_text()), path
  for unit, other in ALSO:
    assert any(
      other in imported_units(path, (ROOT / path).read_text())
      for path in sources()
      if unit_of(path) == unit
    ), f"{unit} imports nothing of {other}"


def bazel_deps() -> dict[str, set[str]]:
  """Returns the deps of each py_library in BUILD, which parses as Python."""
  rules = {}
  for node in ast.walk(ast.parse((ROOT / "BUILD").read_text())):
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "py_library":
      arguments = {k.arg: k.value for k in node.keywords}
      deps = ast.literal_eval(arguments.get("deps", ast.List([])))
      name = ast.literal_eval(arguments["name"])
      rules[name] = {dep.removeprefix(":") for dep in deps}
  return rules


def test_contributing_names_every_folder_of_a_unit():
  lines = (ROOT / "CONTRIBUTING.md").read_text().splitlines()
  for unit in ROOMS:
    (row,) = (line for line in lines if f";`{unit}/` |" in line)
    folders = {
      p.parent.name for p in (ROOT / "tfpercept" / unit).glob("*/*.py")
    }
    assert all(f"`{folder}/`" in row for folder in folders), unit


def test_build_states_the_same_layers():
  needed = {unit_of(path): set() for path in sources()}
  for path in sources():
    unit = unit_of(path)
    needed[unit] |= imported_units(path, (ROOT / path).read_text()) - {unit}
  declared = bazel_deps()
  del declared["testing"]
  assert {u: sorted(d) for u, d in declared.items()} == {
    u: sorted(d) for u, d in needed.items()
  }, "the deps of a py_library in BUILD are what its sources import"


def bazel_test_layers() -> list[str]:
  """Returns the layers whose tests see nothing of higher ones."""
  for node in ast.parse((ROOT / "BUILD").read_text()).body:
    if isinstance(node, ast.Assign):
      assert ast.unparse(node.targets[0]) == "TEST_LAYERS"
      return ast.literal_eval(node.value.generators[0].iter)
  raise AssertionError("BUILD has no TEST_LAYERS")


def test_bazel_gives_each_test_what_it_imports():
  deps, layers = bazel_deps(), bazel_test_layers()

  def all_below(*targets: str) -> set[str]:
    found = set(targets)
    for target in targets:
      found |= all_below(*deps[target])
    return found

  assert set(layers) <= set(deps)
  everything = all_below(
    "testing", "benchmarks", "cli", "pipelines", "serving", "trainers"
  )
  for path in (ROOT / "tests").rglob("*_test.py"):
    layer = path.relative_to(ROOT / "tests").parts[0].removesuffix("_test.py")
    seen = everything
    if layer in layers:
      seen = all_below("testing", layer, "tfpercept")
    units = imported_units("tfpercept/a.py", path.read_text())
    assert units <= seen, f"{path}: BUILD gives it no {units - seen}"


def test_build_has_a_binary_for_each_program():
  build = (ROOT / "BUILD").read_text()
  for path in sources():
    if "if __name__ ==" in (ROOT / path).read_text():
      assert f'"{path.removesuffix(".py")}"' in build, f"BUILD lacks {path}"


def test_mypy_leaves_out_no_unit():
  config = configparser.ConfigParser(interpolation=None)
  config.read(ROOT / "setup.cfg")
  assert set(config["mypy"]["files"].split(", ")) == {*PACKAGES} - {
    "benchmarks"
  }
  assert "exclude" not in config["mypy"]
  for name in config.sections():
    if name.startswith("mypy-"):
      assert dict(config[name]) == {"ignore_missing_imports": "True"}, name


def printed(program: str) -> str:
  """Returns what a program prints in a fresh process."""
  return subprocess.run(
    [sys.executable, "-c", program],
    cwd=ROOT,
    check=True,
    capture_output=True,
    text=True,
  ).stdout


def test_importing_the_package_brings_nothing_heavy_and_reads_no_weights():
  program = """
import builtins, io, json, sys
import tensorflow, numpy, absl, keras
before, opened, real = set(sys.modules), [], io.open
def spy(file, *args, **kwargs):
  opened.append(str(file))
  return real(file, *args, **kwargs)
builtins.open = io.open = spy
import tfpercept
print(json.dumps([sorted(set(sys.modules) - before), opened]))
"""
  modules, opened = json.loads(printed(program))
  foreign = {m.split(".")[0] for m in modules} - sys.stdlib_module_names
  assert foreign - {"tfpercept"} <= ANYWHERE
  assert "tfpercept.distances.mse" in modules
  assert not [name for name in opened if not name.endswith((".py", ".pyc"))]


def test_reports_need_no_machine_learning():
  """Pages are made of numbers and pictures; only the public root has more."""
  program = """
import pkgutil, sys
sys.argv = ["tfpercept"]  # so the public root imports nothing by itself
from tfpercept import reports
for module in pkgutil.iter_modules(reports.__path__, "tfpercept.reports."):
  __import__(module.name)
print(sorted({name.split(".")[0] for name in sys.modules}))
"""
  found = ast.literal_eval(printed(program))
  assert "numpy" in found
  assert not {"tensorflow", "keras"}.intersection(found)
  for path in (ROOT / "tfpercept/reports").glob("*.py"):
    name = path.relative_to(ROOT).as_posix()
    tops = {n.split(".")[0] for n in imported(name, path.read_text())}
    assert not {"tensorflow", "keras"} & tops, name
    units = imported_units(name, path.read_text())
    assert units <= {"extras", "io", "offers", "reports"}, name


def test_folders_of_tests_are_no_packages():
  # pytest would import tests/export as `export`, which is another package.
  assert not list((ROOT / "tests").rglob("__init__.py"))
