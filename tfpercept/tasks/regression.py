"""Image-to-image regression under any distance."""

from typing import Any

import keras
import tensorflow as tf

from tfpercept import distances
from tfpercept.tasks import base, objectives


class Regression(base.Task):
  """Trains a network so that its output is near the target.

  The objective is the mean over the batch of a distance between target and
  output. A batch is `(x, y)`; its terms are `loss` and each term of a weighted
  sum under its spec.

  Args:
    network: A network that maps `x` to an image of the shape of `y`.
    objective: The distance to minimize.
    train_objective: Whether to train the parameters of the distance as well,
      on its `training_value`, which is then the `loss`.

  Raises:
    ValueError: if a distance that is no likelihood is to be trained.
  """

  def __init__(
    self,
    network: keras.Model,
    objective: distances.Distance,
    *,
    train_objective: bool = False,
  ):
    if train_objective and not objective.likelihood:
      raise ValueError(
        f"{objective.spec} is no likelihood: trained together with a network "
        "it would move itself to 0. Use robust(adaptive=True), or leave the "
        "objective as it is."
      )
    super().__init__("regression")
    self.network = network
    self.objective = objective
    self.objective.trainable = train_objective

  def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
    return self.network(x, training=training)

  def parts(self) -> dict[str, Any]:
    return {"network": self.network, **objectives.parts(self.objective)}

  def terms(
    self, batch: base.Pair, *, seed: tf.Tensor, step: tf.Tensor
  ) -> dict[str, tf.Tensor]:
    x, y = batch
    x_hat = self.network(x, training=True)
    if self.objective.trainable:
      loss = self.objective.training_value(y, x_hat, seed)
      return {"loss": tf.reduce_mean(loss)}
    if not isinstance(self.objective, distances.WeightedSum):
      return {"loss": tf.reduce_mean(self.objective(y, x_hat))}
    values = self.objective.values(y, x_hat)
    total = tf.reduce_mean(self.objective.combine(values))
    return {
      "loss": total,
      **{name: tf.reduce_mean(value) for name, value in values.items()},
    }
