"""Every codec network leaves as the mean-scale hyperprior does."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from export import saved_model, signatures
from tests.codecs import forgery, small_models
from tests.export import served_codec as outside
from tfpercept.codecs.bitstream import container
from tfpercept.codecs.learned import learned_codec
from tfpercept.models.compression import transform_codec

NETWORKS = (
  "factorized_prior", "scale_hyperprior", "channel_wise_hyperprior", "hific"
)  # fmt: skip
SIZES = ((1, 1, 3), (65, 127, 3), (64, 40, 1), (100, 150, 3))


def test_every_codec_network_is_exported():
  assert set(transform_codec.names()) <= set(signatures.SIGNATURES.names())
  assert {*NETWORKS, "mean_scale_hyperprior"} == set(transform_codec.names())


@dataclasses.dataclass(frozen=True)
class Exported:
  """A codec, its signatures, and their SavedModel."""

  codec: learned_codec.Hyperprior
  signatures: signatures.Signatures
  folder: str
  model: object


@pytest.fixture(scope="module", params=NETWORKS)
def exported(request, tmp_path_factory):
  return export(request.param, tmp_path_factory.mktemp("export"))


@pytest.fixture(scope="module")
def sliced(tmp_path_factory):
  return export("channel_wise_hyperprior", tmp_path_factory.mktemp("sliced"))


def export(architecture, place):
  run = small_models.save(
    place / "run", outside.picture(256, 256, 3), architecture=architecture
  )
  found = signatures.load(run)
  saved_model.write_graph(found.served(), place / "1")
  return Exported(
    learned_codec.Hyperprior(model=str(run), engine="tensorflow"),
    found,
    place / "1",
    tf.saved_model.load(str(place / "1")),
  )


def test_files_are_the_bytes_of_python_and_pictures_its_pixels(exported):
  codec, model = exported.codec, exported.model
  images = [outside.picture(*shape) for shape in SIZES]
  for quality in {codec.qualities[0], codec.qualities[-1]}:
    expected = [codec.compress(image, quality=quality) for image in images]
    found = outside.compress(model, *images, quality=quality)
    assert found == expected
    decoded = outside.decompress(model, *expected)
    for image, stream in zip(decoded, expected, strict=True):
      assert outside.close(image, codec.decompress(stream))


def test_fresh_processes_code_alike(exported):
  served = exported.signatures.served()
  both = {name: served[name] for name in ("compress", "decompress")}
  assert both["compress"].tolerance is None  # bytes are equal
  checks = saved_model.check(exported.folder, both)
  assert set(checks) == set(both)


def test_other_files_are_refused_with_a_reason(exported):
  codec, model = exported.codec, exported.model
  stream = codec.compress(outside.picture(65, 64, 3))
  other = forgery.rewritten(stream, codec, model=bytes(8))
  header, strings = forgery.opened(stream, codec)
  elsewhere = dataclasses.replace(header, codec=header.codec % 3 + 1)
  for case, message in (
    (stream[:100] + bytes([stream[100] ^ 1]) + stream[101:], "checksum"),
    (other, "of another model"),
    (container.pack(elsewhere, strings), "this is no .tfp file"),
    (forgery.rewritten(stream, codec, quality=255), "a quality is"),
    (forgery.rewritten(stream, codec, integer=stream[6] < 8), "flags"),
  ):
    assert message in outside.refusal(model, case)
  levels = len(codec.qualities)
  file = outside.png(outside.picture(9, 9, 3))
  _, (line,) = outside.compressed(model, [file], [levels + 0.5])
  assert line.startswith(f"quality is 1 to {levels}; got")


def test_a_coder_outside_asks_once_for_each_slice(sliced):
  """Zeros stand for what is not decoded yet."""
  codec, call = sliced.codec, sliced.model.signatures
  stream = codec.compress(outside.picture(65, 90, 3), quality=3.5)
  symbols = {k: tf.constant(v) for k, v in codec.symbols(stream).items()}
  quality, z = tf.constant([3.5]), symbols["z"]
  y, wanted = np.zeros_like(symbols["y"]), []
  for channels in codec._parameters.slices:
    answer = call["hyper_synthesis"](z=z, y=tf.constant(y), quality=quality)
    wanted.append(answer["indexes"].numpy()[..., channels])
    y[..., channels] = symbols["y"].numpy()[..., channels]
  image = tf.constant(outside.picture(65, 90, 3)[None])
  coded = call["analysis"](image=image, quality=quality)
  np.testing.assert_array_equal(coded["y"], y)
  np.testing.assert_array_equal(coded["indexes"], np.concatenate(wanted, -1))
  decoded = call["synthesis"](z=z, y=tf.constant(y), quality=quality)["image"]
  assert outside.close(decoded.numpy()[0, :65, :90], codec.decompress(stream))


def test_devices_get_the_context_of_each_slice(sliced):
  entries, kept = sliced.signatures.on_device(), sliced.signatures.graph.kept
  contexts = [name for name in entries if name.startswith("context")]
  assert contexts == ["context1", "context2", "context3"]
  assert all(entries[name].precisions == ("float32",) for name in contexts)
  codec, step = sliced.codec, 56
  stream = codec.compress(outside.picture(64, 64, 3), quality=step / 16)
  symbols = codec.symbols(stream)
  told = entries["hyper_synthesis"].function(
    z_hat=tf.constant(symbols["z"], tf.float32)
  )
  parts = list(_parts(codec, symbols, step))
  for i, part in enumerate(parts):
    indexes = told["indexes"].numpy()[..., part.channels]
    indexes = indexes + kept["index_offsets"][step - 16][part.channels]
    if i:
      known = tf.constant(symbols["y"][..., : part.channels.start], tf.float32)
      more = entries[f"context{i}"].function(**{f"symbols{i}": known})
      indexes = indexes + more[f"indexes{i}"].numpy()
    np.testing.assert_array_equal(indexes.clip(0, 63), part.index)


def _parts(codec, symbols, step):
  parts = codec._parameters.parts(symbols["y"].shape[1:3], symbols["z"], step)
  for part in parts:
    yield part
    parts.tell(symbols["y"][:, part.rows, :, part.channels])


def test_every_entry_for_devices_runs_on_its_example(exported):
  network = exported.codec._engine._network
  for name, entry in exported.signatures.on_device().items():
    answers = entry.expected()
    assert set(answers) == set(entry.outputs)
    trials = exported.signatures.trials(name)
    for given, image in trials.values():
      assert set(given) == set(entry.inputs)
      assert (image is not None) == (name == "synthesis")
  side = network.stride
  assert f"sides multiples of {side}" in (
    exported.signatures.on_device()["analysis"].inputs["image"].meaning
  )
