"""What commands import: TensorFlow where it is needed, not to say what is."""

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tfpercept import cli, codecs, offers
from tfpercept.codecs.bitstream import container
from tfpercept.data import judgement_layouts
from tfpercept.evaluation.agreement import table as agreement_table
from tfpercept.evaluation.core import settings
from tfpercept.evaluation.ranking import analysis as ranking_analysis
from tfpercept.evaluation.ranking import page as ranking_page
from tfpercept.evaluation.ranking import study_config
from tfpercept.evaluation.stress import blindspots
from tfpercept.io import files

HEAVY = ("tensorflow", "keras", "numpy")
# Each command in one process, and which of HEAVY are imported after it.
PROGRAM = """
import contextlib, io, json, sys
sys.argv = ["/usr/bin/tfpercept"]
import tfpercept
from tfpercept import cli
found = []
for arguments in json.loads(sys.stdin.read()):
  with contextlib.redirect_stdout(io.StringIO()) as out:
    try:
      status = cli.main(arguments)
    except SystemExit as stop:
      status = stop.code
  heavy = [name for name in %r if name in sys.modules]
  found.append([status, len(out.getvalue()) > 0, heavy])
print(json.dumps(found))
"""


def python(*arguments, **options):
  return subprocess.run(
    [sys.executable, *arguments],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
    **options,
  )


def outcomes(*commands):
  """Returns status, whether something was printed, and what was imported."""
  done = python("-c", PROGRAM % (HEAVY,), input=json.dumps(commands))
  return [tuple(found) for found in json.loads(done.stdout)]


def test_help_of_every_command_imports_neither_tensorflow_nor_numpy():
  paths = [path.split() for path in dict(cli.completion.parsers(cli.parser()))]
  assert ["ranking", "analyse"] in paths
  commands = [[*path, "--help"] for path in paths]
  commands += [["--version"], ["completion", "bash"]]
  found = outcomes(*commands)
  for command, outcome in zip(commands, found, strict=True):
    assert outcome == (0, True, []), command


def test_info_and_the_list_of_weights_import_no_tensorflow(tmp_path):
  header = container.Header(
    codec=2, model=bytes(8), height=4, width=5, quality=16
  )
  path = tmp_path / "a.tfp"
  path.write_bytes(container.pack(header, [b"x", b"y"]))
  found = outcomes(["info", str(path)], ["weights", "list"])
  assert found == [(0, True, ["numpy"])] * 2


def test_a_trained_model_compresses_and_decompresses_without_tensorflow(
  tmp_path, photograph
):
  picture, coded = tmp_path / "a.png", tmp_path / "a.tfp"
  files.write_image(picture, photograph(170, 165))
  found = outcomes(
    ["compress", str(picture), "--stats"],
    ["decompress", str(coded), f"--out={tmp_path / 'b.png'}", "--stats"],
    ["compress", str(picture), "--engine=numpy", "--overwrite", "--stats",
     "--target-psnr=25", "--format=json"],
  )  # fmt: skip
  assert found == [(0, True, ["numpy"])] * 3
  assert files.read_image(tmp_path / "b.png").shape == (170, 165, 3)


@pytest.mark.parametrize("form", [["-m", "tfpercept.cli"], ["-mtfpercept.cli"]])
def test_run_as_a_module_it_imports_no_more(form):
  done = python("-X", "importtime", *form, "--version")
  assert "tfpercept.cli" in done.stderr
  assert "tensorflow" not in done.stderr


def test_a_program_that_only_imports_the_package_has_everything_registered():
  program = (
    "import sys, tfpercept\n"
    "import keras\n"
    "for name in ('DistanceLoss', 'DistanceMetric', 'WeightedSum'):\n"
    "  print(keras.saving.get_registered_object(f'tfpercept>{name}'))"
  )
  assert "None" not in python("-c", program).stdout


def test_the_command_has_every_part_of_the_package_when_it_is_asked_for():
  program = (
    "import sys; sys.argv[0] = 'tfpercept'\n"
    "import tfpercept\n"
    "assert 'keras' not in sys.modules\n"
    "print(tfpercept.distances.names()[0], tfpercept.losses, tfpercept.metrics)"
  )
  assert "delta_e" in python("-c", program).stdout


def test_standard_error_holds_nothing_of_tensorflow_or_of_warnings():
  names = ("TF_CPP_MIN_LOG_LEVEL", "PYTHONWARNINGS")
  quiet = {k: v for k, v in os.environ.items() if k not in names}
  program = (
    "import sys, warnings; sys.argv = ['tfpercept', 'list']\n"
    "from tfpercept import cli\n"
    "status = cli.main()\n"
    "import os; print(os.environ['TF_CPP_MIN_LOG_LEVEL'])\n"
    "warnings.warn('something is old'); sys.exit(status)"
  )
  done = python("-c", program, env=quiet)
  assert done.stderr == ""
  assert done.stdout.splitlines()[-1] == "3"
  loud = python("-c", program, env={**quiet, "TF_CPP_MIN_LOG_LEVEL": "0"})
  assert loud.stdout.splitlines()[-1] == "0"


def test_tensorflow_s_lines_in_python_do_not_reach_standard_error():
  """It warns of the many sizes of pictures that `doctor` tries."""
  quiet = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
  program = (
    "import logging, sys; sys.argv = ['tfpercept', 'doctor', 'psnr']\n"
    "from tfpercept import cli\n"
    "status = cli.main()\n"
    "import tensorflow as tf; tf.get_logger().warning('retracing')\n"
    "sys.exit(status)"
  )
  done = python("-c", program, env=quiet)
  assert done.stderr == ""
  assert "psnr" in done.stdout
  loud = python("-c", program, env={**quiet, "TF_CPP_MIN_LOG_LEVEL": "2"})
  assert "retracing" in loud.stderr


def test_letters_that_an_encoding_lacks_are_escaped(tmp_path):
  path = tmp_path / "\N{SNOWMAN}.tfp"
  path.write_bytes(b"no such file")
  environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
  done = subprocess.run(
    [sys.executable, "-m", "tfpercept.cli", "info", path],
    cwd=ROOT,
    capture_output=True,
    text=True,
    env=environment,
  )
  assert done.returncode == 2
  assert "\\u2603.tfp: not read: " in done.stderr


def test_what_help_says_is_what_there_is():
  assert codecs.names() == offers.CODECS
  assert tuple(judgement_layouts.LAYOUTS) == offers.LAYOUTS
  assert agreement_table.Options is settings.Agreement
  assert blindspots.Settings is settings.Blindspots
  assert study_config.Settings is settings.Study
  assert ranking_page.Look is settings.Look
  assert ranking_analysis.Options is settings.Analysis
