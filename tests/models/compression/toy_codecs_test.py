"""Toy codecs code what they say at the cost they say, and survive saving."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept import models

WEIGHT = 8.0


def vectors(count=500):
  random = np.random.default_rng(0)
  return random.normal(0, (3.0, 0.5, 1.0), (count, 3)).astype(np.float32)


def transform(**options):
  return models.ToyTransformCodec(
    **{"dimensions": 3, "latents": 2, "widths": (8,), **options}
  )


def quantizer():
  codec = models.ToyVectorQuantizer(dimensions=3, entries=16, weight=WEIGHT)
  codec.start(vectors())
  codec.logits.assign(np.linspace(-1, 1, 16))
  return codec


@pytest.mark.parametrize("make", [transform, quantizer])
def test_equal_symbols_have_equal_reproductions_and_costs(make):
  codec = make()
  coded = codec.code(tf.constant(vectors()))
  assert coded.x_hat.shape == (500, 3)
  assert coded.bits.shape == (500,)
  _, first, which = np.unique(
    coded.symbols, axis=0, return_index=True, return_inverse=True
  )
  assert 1 < len(first) < 400
  for values in (coded.x_hat.numpy(), coded.bits.numpy()):
    # Batched products may round the last digits of a row in another way.
    np.testing.assert_allclose(values, values[first][which], rtol=1e-4)


@pytest.mark.parametrize("make", [transform, quantizer])
def test_a_codec_survives_saving(make, tmp_path):
  codec = make()
  codec.set_weights([w + 0.1 for w in codec.get_weights()])
  models.save(codec, tmp_path / "model")
  loaded, manifest = models.load(tmp_path / "model")
  assert manifest["config"] == codec.get_config()
  for one, other in zip(
    codec.code(vectors()), loaded.code(vectors()), strict=True
  ):
    np.testing.assert_array_equal(one, other)


def test_the_quantizer_takes_the_cheapest_entry():
  codec, x = quantizer(), vectors()
  coded = codec.code(tf.constant(x))
  errors = ((x[:, None] - codec.codebook.numpy()) ** 2).sum(axis=-1)
  logits = codec.logits.numpy()
  bits = (np.log(np.exp(logits).sum()) - logits) / np.log(2)
  costs = bits + WEIGHT * errors
  np.testing.assert_array_equal(coded.symbols[:, 0], costs.argmin(axis=1))
  np.testing.assert_allclose(coded.bits, bits[costs.argmin(axis=1)], rtol=1e-5)
  # Some take another than the nearest.
  assert (costs.argmin(axis=1) != errors.argmin(axis=1)).any()


def test_the_transform_rounds_to_whole_numbers_and_adds_their_bits():
  codec, x = transform(), tf.constant(vectors())
  coded = codec.code(x)
  np.testing.assert_array_equal(coded.symbols, np.round(codec.analysis(x)))
  y_hat = tf.cast(coded.symbols, tf.float32)
  np.testing.assert_allclose(coded.x_hat, codec.synthesis(y_hat), rtol=1e-6)
  np.testing.assert_allclose(
    coded.bits, tf.reduce_sum(codec.density.bits(y_hat), axis=1), rtol=1e-6
  )


def test_noisy_coding_is_repeatable_and_near_hard_rounding_when_sharp():
  codec, x = transform(widths=()), tf.constant(vectors())
  codec.start(x.numpy(), weight=WEIGHT)
  seed = tf.constant([1, 2])
  one = codec.noisy(x, sharpness=tf.constant(50.0), seed=seed)
  again = codec.noisy(x, sharpness=tf.constant(50.0), seed=seed)
  for a, b in zip(one, again, strict=True):
    np.testing.assert_array_equal(a, b)
  coded = codec.code(x)
  # Soft rounding moves values to integers, from which noise leads back to them;
  # only latents within about 1 / 50 of a middle come out elsewhere.
  moved = np.abs(one[0] - coded.x_hat).max(axis=1) > 0.1
  assert moved.mean() < 0.1
  other = codec.noisy(x, sharpness=tf.constant(0.0), seed=seed)[0]
  assert (np.abs(other - coded.x_hat).max(axis=1) > 0.1).mean() > 0.5


@pytest.mark.parametrize("mixed", [False, True])
def test_a_linear_start_decorrelates_and_comes_back(mixed):
  x = vectors(5000)
  codec = transform(latents=3, widths=())
  codec.start(x, weight=WEIGHT, mixed=mixed)
  y = codec.analysis(x).numpy()
  step = np.sqrt(6 / (WEIGHT * np.log(2)))
  spread = np.cov(y.T) * step**2
  np.testing.assert_allclose(np.trace(spread), x.var(0).sum(), rtol=1e-3)
  off_diagonal = np.abs(spread - np.diag(np.diag(spread))).max()
  assert off_diagonal > 1 if mixed else off_diagonal < 1e-3
  np.testing.assert_allclose(codec.synthesis(y), x, atol=1e-4)


def test_nonlinear_transforms_have_no_linear_start():
  with pytest.raises(ValueError, match="hidden widths"):
    transform().start(vectors(), weight=WEIGHT)


@pytest.mark.parametrize(
  ("make", "message"),
  [
    (lambda: transform(latents=0), "positive widths"),
    (lambda: transform(dtype="mixed_bfloat16"), "float32"),
    (
      lambda: models.ToyVectorQuantizer(dimensions=2, weight=0.0),
      "positive arguments",
    ),
  ],
)
def test_options_out_of_range_are_refused(make, message):
  with pytest.raises(ValueError, match=message):
    make()
