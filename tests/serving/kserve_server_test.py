"""KServe's SDK answers TF Serving's REST requests for an export.

`make test-serving` runs this; elsewhere it is skipped, since KServe is not
installed with the package.
"""

import base64
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from serving import exported
from tests import ports
from tests.serving import served_exports

FOREVER = 1800.0  # seconds; only what hangs takes them
GOOD = served_exports.png(0, 6, 7, 3)

pytestmark = pytest.mark.skipif(
  importlib.util.find_spec("kserve") is None,
  reason="KServe is not installed; `make test-serving` installs and runs it",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  folder = tmp_path_factory.mktemp("exports") / "srcnn"
  return served_exports.write(folder)


@pytest.fixture(scope="module")
def url(folder, tmp_path_factory):
  (port,) = ports.free()
  with open(tmp_path_factory.mktemp("log") / "log", "wb") as log:
    process = subprocess.Popen(
      [
        sys.executable, "-m", "serving.kserve_server",
        f"--exports={folder.parent}", f"--port={port}",
      ],
      cwd=pathlib.Path(__file__).parents[2],
      env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
      stdout=log,
      stderr=log,
    )  # fmt: skip
    try:
      url = f"http://127.0.0.1:{port}"
      wait_for(url, process, log.name)
      yield url
    finally:
      process.kill()
      process.wait()


def wait_for(url, process, log):
  end = time.monotonic() + FOREVER
  while time.monotonic() < end:
    assert process.poll() is None, pathlib.Path(log).read_text()
    try:
      with urllib.request.urlopen(url, timeout=FOREVER):
        return
    except OSError:
      time.sleep(0.2)
  raise AssertionError("the server does not answer")


def ask(url, body, model="srcnn"):
  """Returns the status and the JSON value of an answer."""
  request = urllib.request.Request(
    f"{url}/v1/models/{model}:predict", json.dumps(body).encode()
  )
  try:
    with urllib.request.urlopen(request, timeout=FOREVER) as answer:
      return answer.status, json.load(answer)
  except urllib.error.HTTPError as error:
    return error.code, json.load(error)


def b64(contents):
  return {"b64": base64.b64encode(contents).decode()}


def test_rows_of_files_get_the_bytes_of_the_model_and_a_status(url, folder):
  model = exported.Exported(folder)
  (expected,) = model.answer("png", served_exports.files(GOOD))["image_bytes"]
  body = {"signature_name": "png", "instances": [b64(GOOD), b64(b"bad")]}
  status, answer = ask(url, body)
  assert status == 200
  assert answer["predictions"] == [
    {"image_bytes": b64(expected), "status": ""},
    {
      "image_bytes": b64(b""),
      "status": "the file is no picture in PNG or JPEG",
    },
  ]


def test_columns_of_numbers_get_columns(url):
  image = [[[[0.5], [0.25]], [[0.0], [1.0]]]]
  body = {"signature_name": "luma", "inputs": {"image": image}}
  status, answer = ask(url, body)
  assert status == 200
  (rows,) = answer["outputs"]
  assert (len(rows), len(rows[0])) == (4, 4)


def test_a_bad_request_gets_400_and_one_line(url):
  status, answer = ask(url, {"signature_name": "none", "instances": [1]})
  assert status == 400
  assert answer["error"].startswith("no signature 'none'; there are luma, png")
  body = {"signature_name": "png", "instances": [{"b64": "%"}]}
  assert ask(url, body)[0] == 400
  status, answer = ask(url, {"inputs": {"image": [[[[None] * 3]]]}})
  assert (status, answer["error"]) == (400, "image holds numbers, float32")


def test_a_body_that_nests_too_deep_gets_400(url):
  for body in (b"[" * 100_000, b"\xff"):
    request = urllib.request.Request(f"{url}/v1/models/srcnn:predict", body)
    with pytest.raises(urllib.error.HTTPError) as caught:
      urllib.request.urlopen(request, timeout=FOREVER)
    assert caught.value.code == 400
    assert "is JSON" in json.load(caught.value)["error"]


def test_an_unknown_model_gets_404(url):
  assert ask(url, {"instances": [1]}, model="none")[0] == 404
