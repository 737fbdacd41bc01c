"""What a user installs: the contents of the wheel, its needs, our pins."""

import configparser
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile

import pytest
from packaging import requirements, utils

import tfpercept

ROOT = pathlib.Path(__file__).parents[1]
COMPILED = "tfpercept/codecs/bitstream/_range_coder.abi3.so"


@pytest.fixture(scope="module")
def setup_cfg() -> configparser.ConfigParser:
  config = configparser.ConfigParser(interpolation=None)
  config.read(ROOT / "setup.cfg")
  return config


def required(text: str) -> list[requirements.Requirement]:
  lines = (line.split("#")[0].strip() for line in text.splitlines())
  return [requirements.Requirement(line) for line in lines if line]


@pytest.fixture(scope="module")
def pins() -> dict[str, str]:
  """Maps each project name in the constraints file to its one version."""
  found = {}
  for pin in required((ROOT / "constraints-tf214.txt").read_text()):
    (specifier,) = pin.specifier
    assert specifier.operator == "==", f"{pin} is no pin"
    found[utils.canonicalize_name(pin.name)] = specifier.version
  return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
  """Builds the wheel from a copy, so that nothing is left in the tree."""
  folder = tmp_path_factory.mktemp("wheel")
  for name in (
    "setup.cfg",
    "setup.py",
    "pyproject.toml",
    "LICENSE",
    "README.md",
  ):
    shutil.copy(ROOT / name, folder)
  for name in ("tfpercept", "trainers", "export", "benchmarks", "tests"):
    ignore = shutil.ignore_patterns("__pycache__", "*.so")
    shutil.copytree(ROOT / name, folder / name, ignore=ignore)
  subprocess.run(
    [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir=."],
    cwd=folder,
    check=True,
    capture_output=True,
  )
  (built,) = folder.glob("*.whl")
  return zipfile.ZipFile(built)


def test_the_wheel_holds_tfpercept_with_its_weights_and_nothing_else(wheel):
  files = {path for path in (ROOT / "tfpercept").rglob("*") if path.is_file()}
  expected = {
    p.relative_to(ROOT).as_posix()
    for p in files
    if "__pycache__" not in p.parts and p.suffix not in (".c", ".so")
  }
  names = {n for n in wheel.namelist() if ".dist-info/" not in n}
  assert names - {COMPILED} == expected


def test_one_wheel_has_the_loops_in_c_for_all_pythons(wheel):
  compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
  header = pathlib.Path(sysconfig.get_path("include"), "Python.h")
  if not (shutil.which(compiler) and header.is_file()):
    pytest.skip("there is no C compiler with the headers of Python")
  assert COMPILED in wheel.namelist()
  assert "-cp310-abi3-" in wheel.filename


def test_the_wheel_states_version_license_and_command(wheel):
  info = f"tfpercept-{tfpercept.__version__}.dist-info"
  metadata = wheel.read(f"{info}/METADATA").decode()
  assert f"Version: {tfpercept.__version__}\n" in metadata
  assert "License: Apache-2.0\n" in metadata
  assert any(name.endswith("/LICENSE") for name in wheel.namelist())
  commands = wheel.read(f"{info}/entry_points.txt").decode()
  assert "tfpercept = tfpercept.cli:main" in commands


def test_the_wheel_tells_type_checkers_that_it_has_types(wheel):
  assert wheel.read("tfpercept/py.typed") == b""  # PEP 561


def needs(setup_cfg) -> dict[str, list[requirements.Requirement]]:
  """Maps each extra to what it asks for, and "" to what is always installed."""
  places = {"": setup_cfg["options"]["install_requires"]}
  places.update(setup_cfg["options.extras_require"])
  return {extra: required(text) for extra, text in places.items()}


def brought(setup_cfg, extra: str) -> set[str]:
  """Returns the names of all that an extra brings."""
  names, every = set(), needs(setup_cfg)
  for need in [*every[""], *every[extra]]:
    if need.name == "tfpercept":
      names |= {name for own in need.extras for name in brought(setup_cfg, own)}
    else:
      names.add(need.name)
  return names


def test_only_numpy_is_required(setup_cfg):
  assert list(map(str, needs(setup_cfg)[""])) == ["numpy"]


def test_the_codec_comes_without_tensorflow(setup_cfg):
  """Nothing that it brings needs an older Python than 3.13, either."""
  assert brought(setup_cfg, "codec") == {"Pillow", "numpy"}
  assert not any(need.marker for need in needs(setup_cfg)["codec"])


def test_extras_of_what_needs_tensorflow_bring_it(setup_cfg):
  without = {
    extra
    for extra in needs(setup_cfg)
    if extra and "tensorflow" not in brought(setup_cfg, extra)
  }
  assert without == {"codec", "dev", "formats", "images"}


def test_each_dependency_stands_in_one_place(setup_cfg):
  every = [need for place in needs(setup_cfg).values() for need in place]
  names = [need.name for need in every if need.name != "tfpercept"]
  assert sorted(names) == sorted(set(names))


def test_the_readme_names_extras_that_there_are(setup_cfg):
  table = (ROOT / "README.md").read_text().split("| package | why |")[1]
  packages = re.findall(r"^\| ([^|]*) \|", table, re.MULTILINE)
  named = {name for text in packages for name in re.findall("`(.*?)`", text)}
  assert named <= needs(setup_cfg).keys()


def test_the_pins_satisfy_every_extra(setup_cfg, pins):
  for need in (n for place in needs(setup_cfg).values() for n in place):
    if need.name == "tfpercept":
      continue
    version = pins[utils.canonicalize_name(need.name)]
    assert need.specifier.contains(version), f"{need}, but {version} is pinned"


def test_the_changelog_opens_with_this_version_or_what_is_unreleased():
  text = (ROOT / "CHANGELOG.md").read_text()
  (first, *_) = re.findall(r"^## (.*)$", text, re.MULTILINE)
  assert first == "Unreleased" or first.startswith(tfpercept.__version__)
