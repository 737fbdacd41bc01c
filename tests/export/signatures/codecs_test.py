"""An exported codec writes and reads the files of the codec in Python."""

import dataclasses
import io
import os
import pathlib
import shutil
import subprocess
import sysconfig

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from export import fresh, saved_model, signatures, tflite
from tests.codecs import small_models
from tests.export.served_codec import (
  QUALITY,
  close,
  compress,
  compressed,
  decompress,
  decompressed,
  picture,
  pixels,
  png,
  refusal,
)
from tfpercept.codecs.base import CorruptStream
from tfpercept.codecs.bitstream import container, range_decoder
from tfpercept.codecs.learned import coding_tables, learned_codec

DECOMPRESS = pathlib.Path(fresh.HERE) / "decompress.c"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
  return small_models.save(tmp_path_factory.mktemp("run"), picture(288, 448, 3))


@pytest.fixture(scope="module")
def codec(run):
  return learned_codec.Hyperprior(model=str(run), engine="tensorflow")


@pytest.fixture(scope="module")
def exported(run):
  return signatures.load(run)


@pytest.fixture(scope="module")
def folder(exported, tmp_path_factory):
  """A SavedModel of all signatures."""
  folder = tmp_path_factory.mktemp("export") / "1"
  saved_model.write_graph(exported.served(), folder)
  return folder


@pytest.fixture(scope="module")
def model(folder):
  return tf.saved_model.load(str(folder))


def test_files_are_the_bytes_of_python_and_pictures_its_pixels(model, codec):
  images = [
    picture(*shape)
    for shape in ((1, 1, 3), (65, 127, 3), (64, 64, 1), (200, 300, 3))
  ]
  expected = [codec.compress(image, quality=QUALITY) for image in images]
  assert compress(model, *images) == expected
  for image, stream in zip(decompress(model, *expected), expected, strict=True):
    assert close(image, codec.decompress(stream))


@pytest.mark.parametrize("quality", [1.0, 4.51, 8.0])
def test_qualities_are_those_of_python(model, codec, quality):
  image = picture(70, 90, 3)
  (stream,) = compress(model, image, quality=quality)
  assert stream == codec.compress(image, quality=quality)
  (decoded,) = decompress(model, stream)
  assert close(decoded, codec.decompress(stream))


def test_a_bad_file_or_quality_answers_for_itself(model, codec):
  image = picture(37, 50, 3)
  good, other = png(image), b"\xff\xd8\xff\xe0 no JPEG"
  files = [good, b"no picture", good, good, good[:90], other, good, b"", good]
  qualities = [2.0, 2.0, 0.9, 8.0, 2.0, 2.0, 8.1, 2.0, np.nan]
  streams, status = compressed(model, files, qualities)
  for place, quality in ((0, 2.0), (3, 8.0)):
    assert streams[place] == codec.compress(image, quality=quality)
  no_picture = "the file is no picture in PNG or JPEG"
  assert status == [
    "",
    no_picture,
    "quality is 1 to 8; got 0.900000",
    "",
    "the picture file is damaged or incomplete",
    "the header of the picture file is damaged",
    "quality is 1 to 8; got 8.100000",
    no_picture,
    "quality is 1 to 8; got nan",
  ]
  assert [not stream for stream in streams] == [bool(line) for line in status]
  assert compressed(model, [], []) == ([], [])


def test_other_qualities_are_refused_by_transforms(model):
  image = tf.constant(picture(64, 64, 3)[None])
  with pytest.raises(tf.errors.InvalidArgumentError, match="quality is 1 to 8"):
    model.signatures["analysis"](image=image, quality=tf.constant([8.1]))


def test_each_picture_of_a_batch_has_its_quality(model, codec):
  image = picture(64, 64, 3)
  qualities = [1.0, 7.5]
  coded = model.signatures["analysis"](
    image=tf.constant(np.stack([image, image])), quality=tf.constant(qualities)
  )
  for place, quality in enumerate(qualities):
    symbols = codec.symbols(codec.compress(image, quality=quality))
    np.testing.assert_array_equal(coded["y"][place], symbols["y"][0])


def test_damaged_files_are_refused_and_other_models_named(model, codec):
  image = picture(65, 64, 3)
  stream = codec.compress(image, quality=QUALITY)
  header, strings = unpacked(codec, stream)
  other = dataclasses.replace(header, model=bytes(8))
  cases = (
    (b"", "a .tfp file has 20 to 8000000 bytes; got 0"),
    (stream[:-1], "strings do not fill the file"),
    (stream[:100] + b"?" + stream[101:], "the checksum is that of another"),
    (container.pack(other, strings), "the file is of another model than"),
  )
  files, status = decompressed(model, stream, *(case for case, _ in cases))
  assert status[0] == ""
  assert close(pixels(files[0]), codec.decompress(stream))
  for line, (_, message) in zip(status[1:], cases, strict=True):
    assert line.startswith(message)
  assert not any(files[1:])


def test_forged_strings_are_refused_where_python_refuses_them(model, codec):
  stream = codec.compress(picture(65, 64, 3), quality=QUALITY)
  header, (z, y, far) = unpacked(codec, stream)
  refused = 0
  for changed in (
    [z + b"x", y, far],
    [z[:3], y, far],
    [z, y[:9], far],
    [z, y + b"xy", far],
    [z, b"\xff" * 50, far],
    [z, y, b"\xff" * 50],
  ):
    case = container.pack(header, changed)
    try:
      expected = codec.decompress(case)
    except CorruptStream:
      assert refusal(model, case)
      refused += 1
    else:
      assert close(decompress(model, case)[0], expected)
  assert refused >= 3


def unpacked(codec, stream):
  return container.unpack(
    stream,
    codec=container.CODEC_IDS["hyperprior"],
    model=codec.identity,
    symbols=codec._coder.counts,
  )


def test_fresh_processes_code_alike_once_they_have_the_ops(exported, folder):
  served = exported.served()
  both = {name: served[name] for name in ("compress", "decompress")}
  assert both["compress"].tolerance is None  # bytes are equal
  checks = saved_model.check(folder, both)
  assert set(checks) == set(both)
  with pytest.raises(fresh.CheckError, match="not registered"):
    fresh.call_saved_model(folder, {"decompress": both["decompress"]})


def test_the_transforms_alone_are_of_builtin_ops(exported, tmp_path):
  served = {k: s for k, s in exported.served().items() if s.library is None}
  assert list(served) == ["analysis", "hyper_synthesis", "synthesis"]
  saved_model.write_graph(served, tmp_path / "1")
  saved = saved_model_pb2.SavedModel()
  saved.ParseFromString((tmp_path / "1" / "saved_model.pb").read_bytes())
  (meta,) = saved.meta_graphs
  nodes = [n.op for f in meta.graph_def.library.function for n in f.node_def]
  assert "Conv2D" in nodes
  assert not {op for op in nodes if "Range" in op and op != "Range"}
  assert not {op for op in nodes if "Entropy" in op or "PyFunc" in op}
  check = saved_model.check(tmp_path / "1", {"analysis": served["analysis"]})
  assert check["analysis"]["max_difference"] == 0


def decode_z(codec, kept, stream):
  """Returns header, hyper-latents and the other strings, by NumPy alone."""
  header, (string, *others) = unpacked(codec, stream)
  channels = len(kept["z_offsets"])
  size = [-(-side // 64) for side in (header.height, header.width)]
  index = np.tile(np.arange(channels), size[0] * size[1])
  z = symbols(string, kept["z_tables"], index) + kept["z_offsets"][index]
  return header, z.reshape(1, *size, channels), others


def decode_y(kept, strings, indexes):
  """Returns latents less their means."""
  index = indexes.ravel()
  y = symbols(strings[0], kept["y_tables"], index)
  last = np.array(
    [len(t.ends) - 2 for t in range_decoder.tables(kept["y_tables"])]
  )[index]
  far = np.flatnonzero(y == last)  # two bytes each
  octets = symbols(strings[1], kept["far_tables"], np.tile([0, 1], len(far)))
  numbers = octets.reshape(-1, 2) @ [256, 1]
  beyond = numbers // 2
  y[far] = np.where(numbers % 2, -1 - beyond, last[far] + beyond)
  return (y + kept["y_offsets"][index]).reshape(indexes.shape)


def symbols(string, tables, index):
  decoder = range_decoder.RangeDecoder(string, range_decoder.tables(tables))
  return np.fromiter(decoder.read(index.tolist()), int, len(index))


def test_a_coder_outside_reads_files_with_the_served_transforms(
  model, codec, exported
):
  image = picture(65, 90, 3)
  stream = codec.compress(image, quality=QUALITY)
  header, z, strings = decode_z(codec, exported.graph.kept, stream)
  z = tf.constant(z, tf.int32)
  quality = tf.constant([header.quality / 16], tf.float32)
  call = model.signatures
  indexes = call["hyper_synthesis"](z=z, quality=quality)["indexes"].numpy()
  y = tf.constant(decode_y(exported.graph.kept, strings, indexes), tf.int32)
  decoded = call["synthesis"](z=z, y=y, quality=quality)["image"].numpy()
  assert close(decoded[0, :65, :90], codec.decompress(stream))
  coded = call["analysis"](image=tf.constant(image[None]), quality=quality)
  np.testing.assert_array_equal(coded["z"], z)
  np.testing.assert_array_equal(coded["y"], y)
  np.testing.assert_array_equal(coded["indexes"], indexes)


@pytest.fixture(scope="module")
def device(exported, tmp_path_factory):
  """Float32 files of all entries, and what lies beside them."""
  folder = tmp_path_factory.mktemp("tflite")
  entries = {
    name: dataclasses.replace(entry, precisions=("float32",))
    for name, entry in exported.on_device().items()
  }
  paths = tflite.convert(exported, entries, folder)
  interpreters = {
    name: tf.lite.Interpreter(str(of["float32"])) for name, of in paths.items()
  }
  (beside,) = exported.beside().values()
  return interpreters, np.load(io.BytesIO(beside), allow_pickle=False)


def test_device_files_are_of_builtin_ops_and_any_size(device):
  interpreters, _ = device
  for interpreter in interpreters.values():
    ops = {op["op_name"] for op in interpreter._get_ops_details()}
    assert not {op for op in ops if op.startswith(("Flex", "CUSTOM"))}
    for details in interpreter.get_input_details():
      assert set(details["shape_signature"][:3].tolist()) == {-1}


def test_a_coder_outside_reads_files_with_the_files_for_devices(device, codec):
  interpreters, kept = device
  call = {
    name: interpreter.get_signature_runner(name)
    for name, interpreter in interpreters.items()
  }
  image = picture(128, 192, 3)
  stream = codec.compress(image, quality=QUALITY)
  header, z, strings = decode_z(codec, kept, stream)
  # As docs/guides/export_codec.md has it.
  parameters = call["hyper_synthesis"](z_hat=z.astype(np.float32))
  step = header.quality - container.STEPS
  indexes = parameters["indexes"].astype(int) + kept["index_offsets"][step]
  y = decode_y(kept, strings, indexes.clip(0, 63))
  low, share = divmod(step / container.STEPS, 1)
  gain, inverse = (
    np.exp((1 - share) * kept[n][int(low)] + share * kept[n][int(low) + 1])
    for n in ("log_gain", "log_inverse")
  )
  means = parameters["means"] * kept["deviation"] * gain
  x_hat = call["synthesis"](
    y_hat=((y + means) * inverse).astype(np.float32),
    quality=np.float32([header.quality / container.STEPS]),
  )["x_hat"]
  assert close(
    np.round(x_hat[0] * 255).astype(np.uint8), codec.decompress(stream)
  )
  # And the way there: latents near the edge between two symbols may part.
  quality = np.float32([header.quality / container.STEPS])
  latents = call["analysis"](
    image=image[None] / np.float32(255), quality=quality
  )
  hyper = call["hyper_analysis"](y=latents["y"], quality=quality)["z"]
  assert np.mean(np.round(hyper) != z) < 0.01
  assert np.mean(np.round(latents["y"] * gain - means) != y) < 0.001


def test_whole_numbers_are_not_kept_in_less_than_float32(exported):
  entries = exported.on_device()
  assert entries["hyper_synthesis"].precisions == ("float32",)
  assert entries["hyper_synthesis"].scale == 0  # nothing may differ
  for name in ("analysis", "hyper_analysis", "synthesis"):
    assert entries[name].precisions == ("float32", "float16")


def test_a_model_without_its_tables_is_refused(run, tmp_path):
  shutil.copytree(run, tmp_path / "model")
  (tmp_path / "model" / coding_tables.FILE).unlink()
  with pytest.raises(ValueError, match="copy the whole model folder again"):
    signatures.load(tmp_path / "model")


def test_a_c_program_decodes_to_the_pixels_of_python(
  exported, folder, codec, tmp_path
):
  compiler = shutil.which("cc")
  if compiler is None:
    message = "there is no C compiler: install one that is called cc"
    if os.environ.get("TFPERCEPT_REQUIRE_SHARED") == "1":
      pytest.fail(message)
    pytest.skip(message)
  libraries = pathlib.Path(sysconfig.get_path("purelib")) / "tensorflow"
  program = tmp_path / "decompress"
  subprocess.run(
    [
      *(compiler, "-Wall", "-Wextra", "-Werror", "-o", program, DECOMPRESS),
      *(f"-I{libraries}/include", f"-L{libraries}", f"-Wl,-rpath,{libraries}"),
      *("-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2"),
    ],
    check=True,
  )
  library = exported.served()["decompress"].library
  stream = codec.compress(picture(65, 90, 3), quality=QUALITY)
  for name, contents in (("good", stream), ("bad", stream[:-1])):
    (tmp_path / name).write_bytes(contents)
  command = [program, folder, library]
  decoded = tmp_path / "decoded.png"
  subprocess.run([*command, tmp_path / "good", decoded], check=True)
  assert close(pixels(decoded.read_bytes()), codec.decompress(stream))
  done = subprocess.run(
    [*command, tmp_path / "bad", tmp_path / "no.png"],
    capture_output=True,
    text=True,
    check=False,
  )
  assert done.returncode == 1
  assert done.stderr == "error: strings do not fill the file\n"
  assert not (tmp_path / "no.png").exists()
