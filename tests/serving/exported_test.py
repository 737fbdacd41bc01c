"""An export answers many requests as if each had come alone."""

import shutil

import numpy as np
import pytest

from serving import exported
from tests.serving import served_exports


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  return served_exports.write(tmp_path_factory.mktemp("served") / "srcnn")


@pytest.fixture(scope="module")
def model(folder):
  return exported.Exported(folder)


GOOD = served_exports.png(0, 6, 7, 3)
OTHER = served_exports.png(1, 9, 5, 3)
BAD = b"no picture"


def luma(*shape):
  image = np.random.default_rng(0).random(shape, np.float32)
  return {"image": image}


def test_requests_in_one_batch_get_what_each_gets_alone(model):
  requests = [
    served_exports.files(GOOD),
    served_exports.files(OTHER, BAD, GOOD),
    served_exports.files(BAD),
    served_exports.files(OTHER),
  ]
  answers = model.answer_all("png", requests)
  assert isinstance(answers[2], exported.RefusedError)
  assert str(answers[2]) == "the file is no picture in PNG or JPEG"
  for place in (0, 1, 3):
    alone = model.answer("png", requests[place])
    for name, value in alone.items():
      assert answers[place][name].tolist() == value.tolist()
  assert [bool(line) for line in answers[1]["status"]] == [False, True, False]


def test_pictures_of_unlike_shapes_are_not_merged(model):
  requests = [luma(1, 4, 5, 1), luma(2, 8, 3, 1), luma(1, 4, 5, 1)]
  answers = model.answer_all("luma", requests)
  shapes = [answer["image"].shape for answer in answers]
  assert shapes == [(1, 8, 10, 1), (2, 16, 6, 1), (1, 8, 10, 1)]
  np.testing.assert_array_equal(answers[0]["image"], answers[2]["image"])


def test_one_that_the_model_refuses_spoils_no_other(model, monkeypatch):
  calls = []

  def answer(signature, inputs):
    calls.append(len(inputs["image"]))
    if (inputs["image"] > 1).any():
      raise exported.RefusedError("too bright")
    return {"image": inputs["image"]}

  monkeypatch.setattr(model, "answer", answer)
  bright = {"image": np.full((1, 4, 5, 1), 2.0, np.float32)}
  answers = model.answer_all("luma", [luma(1, 4, 5, 1), bright])
  assert calls == [2, 1, 1]
  assert answers[0]["image"].shape == (1, 4, 5, 1)
  assert str(answers[1]) == "too bright"


def test_a_library_failure_of_a_batch_is_tried_alone(model, monkeypatch):
  def answer(signature, inputs):
    if len(inputs["image"]) > 1:
      raise exported.tf.errors.ResourceExhaustedError(None, None, "memory")
    return {"image": inputs["image"]}

  monkeypatch.setattr(model, "answer", answer)
  answers = model.answer_all("luma", [luma(1, 4, 5, 1)] * 2)
  assert [answer["image"].shape[0] for answer in answers] == [1, 1]
  # One that fails alone fails alone.
  requests = [luma(1, 4, 5, 1), luma(2, 4, 5, 1), luma(1, 9, 9, 1)]
  answers = model.answer_all("luma", requests)
  assert isinstance(answers[1], exported.tf.errors.ResourceExhaustedError)
  assert [x["image"].shape[1] for x in (answers[0], answers[2])] == [4, 9]


def test_answers_of_another_length_are_not_split(model, monkeypatch):
  def answer(signature, inputs):
    return {"image": np.zeros(1), "value": inputs["image"]}

  monkeypatch.setattr(model, "answer", answer)
  requests = [luma(1, 4, 5, 1), luma(1, 4, 5, 1)]
  answers = model.answer_all("luma", requests)
  assert [answer["value"].shape for answer in answers] == [(1, 4, 5, 1)] * 2


def test_requests_of_unlike_types_are_not_merged(model, monkeypatch):
  types = []

  def answer(signature, inputs):
    types.append(inputs["image"].dtype)
    return {"image": inputs["image"]}

  monkeypatch.setattr(model, "answer", answer)
  single = luma(1, 4, 5, 1)
  double = {"image": single["image"].astype(np.float64)}
  model.answer_all("luma", [single, double, single])
  assert types == [np.float32, np.float64]


@pytest.mark.parametrize("value", [2.7, 2**32, np.nan, -1])
def test_whole_numbers_that_a_type_lacks_are_refused(value):
  wanted = {"shape": [None], "dtype": "uint8"}
  with pytest.raises(exported.RefusedError, match="has not all of its numb"):
    exported._tensor("count", np.array([value]), wanted)
  good = exported._tensor("count", np.array([200.0]), wanted)
  assert good.dtype == "uint8" and good.numpy().tolist() == [200]


@pytest.mark.parametrize(
  ("signature", "inputs", "line"),
  [
    ("none", {}, "no signature 'none'; there are luma, png, serving_default"),
    ("png", {}, "'png' takes image_bytes; got nothing"),
    ("png", luma(1, 2, 2, 3), "'png' takes image_bytes; got image"),
    (
      "luma",
      luma(1, 2, 2, 3),
      "image has shape [any, any, any, 1]; got [1, 2, 2, 3]",
    ),
    (
      "luma",
      {"image": np.full((1, 2, 2, 1), b"a", np.object_)},
      "image holds float32; got object",
    ),
    ("luma", luma(1, 0, 4, 1), "image has no elements; got [1, 0, 4, 1]"),
    ("luma", luma(0, 2, 2, 1), "image has no elements; got [0, 2, 2, 1]"),
    (
      "luma",
      {"image": np.full((1, 2, 2, 1), 1e300)},
      "image holds float32, which has not all of its numbers",
    ),
    (
      "luma",
      {"image": np.full((1, 2, 2, 1), 1j)},
      "image holds float32; got complex128",
    ),
    (
      "png",
      {"image_bytes": np.zeros(2, np.float32)},
      "image_bytes holds string; got float32",
    ),
  ],
)
def test_what_does_not_fit_is_refused_in_a_line(model, signature, inputs, line):
  with pytest.raises(exported.RefusedError) as caught:
    model.answer(signature, inputs)
  assert str(caught.value) == line


def test_numbers_of_another_type_are_taken(model):
  image = np.zeros((1, 2, 3, 1), np.float64)
  assert model.answer("luma", {"image": image})["image"].dtype == np.float32


@pytest.mark.parametrize("name", ["saved_model.pb", "manifest.json"])
def test_a_damaged_export_is_not_loaded(folder, tmp_path, name):
  folder = shutil.copytree(folder, tmp_path / "1")
  contents = (folder / name).read_bytes()
  (folder / name).write_bytes(contents[:-20] + bytes(20))
  with pytest.raises(ValueError, match="is no whole export"):
    exported.Exported(folder)


def test_a_library_that_is_missing_is_named(tmp_path, monkeypatch):
  monkeypatch.setattr(exported.importlib.util, "find_spec", lambda _: None)
  with pytest.raises(ValueError, match=r"needs libx\.so; `pip install"):
    exported._library("libx.so")


def test_the_line_of_an_assertion_loses_what_the_graph_adds():
  long = "assertion failed: [the size is] [3] [2]\n\t [[{{node Assert}}]]"
  assert exported.plain(long) == "the size is 3 2"
  real = (
    "Graph execution error:\n\nDetected at node 'a/Reshape' defined at (most"
    " recent call last):\nNode: 'a/Reshape'\nsize 0 does not fit\n\t"
    " [[{{node a/Reshape}}]] [Op:__inference_signature_wrapper_1]"
  )
  assert exported.plain(real) == "size 0 does not fit"
  assert exported.plain("") == "the model failed"
