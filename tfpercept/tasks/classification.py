"""Classification of pictures that are moved about while it is learned."""

from typing import Any

import keras
import tensorflow as tf

from tfpercept.tasks import base


class Classification(base.Task):
  """Trains a classifier by cross-entropy.

  Each picture of a batch is shifted by up to `shift` pixels either way, with
  black coming in, and each feature dropped with probability `dropout`.

  A batch is `(x, label)`, float `[N, H, W, C]` in [0, 1] and int `[N]`; its
  terms are `loss` (nats) and `accuracy`.

  Args:
    network: A classifier with `features(x)` and a layer `head` that turns them
      into logits.
    seed: The seed of shifts and drops, which follow from it and the step alone.
    shift: The largest shift in pixels, 0 or more.
    dropout: The share of features that is dropped, in [0, 1).

  Raises:
    ValueError: if `shift` is negative or `dropout` out of range.
  """

  def __init__(
    self,
    network: keras.Model,
    *,
    seed: int = 0,
    shift: int = 2,
    dropout: float = 0.3,
  ):
    if shift < 0 or not 0 <= dropout < 1:
      raise ValueError(
        "shift is 0 or more pixels and dropout a share below 1; got "
        f"shift={shift}, dropout={dropout}"
      )
    super().__init__("classification", seed=seed)
    self.network = network
    self._shift, self._dropout = shift, dropout

  def call(self, x: tf.Tensor) -> tf.Tensor:
    return self.network(x)

  def parts(self) -> dict[str, Any]:
    return {"network": self.network}

  def terms(
    self, batch: base.Pair, *, seed: tf.Tensor, step: tf.Tensor
  ) -> dict[str, tf.Tensor]:
    x, label = batch
    seeds = tf.random.experimental.stateless_split(seed, 2)
    features = self.network.features(shifted(x, seeds[0], by=self._shift))
    features = tf.nn.experimental.stateless_dropout(
      features, self._dropout, seeds[1]
    )
    logits = self.network.head(features)
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(
      labels=label, logits=logits
    )
    hits = tf.argmax(logits, axis=-1, output_type=label.dtype) == label
    return {
      "loss": tf.reduce_mean(loss),
      "accuracy": tf.reduce_mean(tf.cast(hits, tf.float32)),
    }


def shifted(x: tf.Tensor, seed: tf.Tensor, *, by: int) -> tf.Tensor:
  """Shifts each picture by -by to by pixels along both axes; black comes in.

  Args:
    x: `[N, H, W, C]`.
    seed: int32 `[2]`; all shifts are equally likely.
    by: Largest shift, in pixels.
  """
  count, height, width = tf.unstack(tf.shape(x)[:3])
  offsets = tf.random.stateless_uniform(
    [2, count, 1], seed, maxval=2 * by + 1, dtype=tf.int32
  )
  rows, columns = (
    tf.range(side) + offset
    for side, offset in zip((height, width), tf.unstack(offsets), strict=True)
  )
  padded = tf.pad(x, [[0, 0], [by, by], [by, by], [0, 0]])
  padded = tf.gather(padded, rows, axis=1, batch_dims=1)
  found = tf.gather(padded, columns, axis=2, batch_dims=1)
  # A share of a batch has a number of pictures that graphs do not know, and
  # with it they forget the sides.
  return tf.ensure_shape(found, x.shape)
