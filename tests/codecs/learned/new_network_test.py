"""A new codec network is a class of its own, and nothing else changes."""

import numpy as np
import pytest
import tensorflow as tf

from tests.codecs import small_models
from tfpercept import models
from tfpercept.codecs.bitstream import container
from tfpercept.codecs.learned import (
  learned_codec,
  model_writer,
  reference_decoder,
)
from tfpercept.models.compression import factorized, transform_codec

NAME = "factorized_of_all_rates"


class ManyRates(transform_codec.TransformCodec):
  """Fixed densities at all rates, which no network of the package has."""

  registered_name = NAME

  def __init__(self, *, latents=8, levels=3, dtype=None, name=None):
    super().__init__(
      widths=(4, 4, 4),
      latents=latents,
      blocks=1,
      levels=levels,
      lmbda=(0.001, 0.1),
      dtype=dtype,
      name=name,
      entropy_model=factorized.FactorizedModel,
    )

  def get_config(self):
    kept = ("latents", "levels", "blocks", "name")
    return {k: v for k, v in super().get_config().items() if k in kept}

  @classmethod
  def from_config(cls, config):
    return cls(latents=config["latents"], levels=config["levels"])


@pytest.fixture
def codec(tmp_path, monkeypatch, photograph):
  monkeypatch.setitem(models.MODELS._factories, NAME, _make)
  network = ManyRates()
  network.build()
  blocks = tf.nn.space_to_depth(photograph(64, 64)[None] / np.float32(255), 16)
  network.start(blocks.numpy().reshape(-1, 16, 16, 3))
  model_writer.save(network, tmp_path / "model")
  return learned_codec.Hyperprior(model=str(tmp_path / "model"))


def _make(*, latents, levels, blocks, dtype=None):
  assert blocks == 1  # as the reference decoder has to know
  return ManyRates(latents=latents, levels=levels, dtype=dtype)


def test_it_codes_at_every_quality(codec):
  picture, sizes = small_models.picture(50, 70), []
  for quality in codec.qualities:
    data = codec.compress(picture, quality=quality)
    assert container.read_header(data).header.codec == 1
    assert codec.decompress(data).shape == picture.shape
    estimated = codec.estimated_bits(picture, quality=quality) / 8
    assert estimated * 0.97 < len(data) < estimated * 1.01 + 32
    sizes.append(len(data))
  assert codec.qualities == (1.0, 2.0, 3.0)
  assert sizes == sorted(sizes)


def test_the_reference_decoder_reads_it(codec):
  data = codec.compress(small_models.picture(50, 70), quality=2.5)
  decoder = reference_decoder.ReferenceDecoder(codec.model)
  found = decoder.latents(data)
  np.testing.assert_array_equal(found.symbols, codec.symbols(data)["y"][0])
  difference = np.abs(decoder.decompress(data) - codec.decompress(data) * 1.0)
  assert difference.max() <= 1  # sums of float32 in another order


def test_it_states_that_effort_does_not_apply(codec):
  with pytest.raises(ValueError, match=f"holds a {NAME}"):
    learned_codec.Hyperprior(model=codec.model, effort=1)
