"""Image-to-image regression under any distance."""

from typing import Any

import keras
import tensorflow as tf

from tfpercept import distances


class Regression(keras.Model):
  """Trains a network so that its output is near the target.

  The objective is the mean over the batch of a distance between target and
  output. `train_step` takes `(x, y)` and logs, for this step alone, `loss`,
  each term of the objective under its spec, and `gradient_norm`.

  Args:
    network: Maps `x` to an image of the shape of `y`.
    objective: The distance to minimise.
  """

  def __init__(
    self,
    network: keras.Model,
    objective: distances.Distance,
  ):
    super().__init__(name="regression")
    self.network = network
    self.objective = objective
    # Logs are the same on all replicas; by default Keras adds them up.
    self.distribute_reduction_method = "first"

  def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
    return self.network(x, training=training)

  def train_step(
    self, data: tuple[tf.Tensor, tf.Tensor]
  ) -> dict[str, tf.Tensor]:
    x, y = data
    with tf.GradientTape() as tape:
      terms = self._terms(y, self.network(x, training=True))
    variables = self.network.trainable_variables
    gradients = tape.gradient(terms["loss"], variables)
    # Replicas have equal shares of the batch.
    terms, gradients = _mean_over_replicas((terms, gradients))
    self.optimizer.apply_gradients(
      zip(gradients, variables, strict=True), skip_gradients_aggregation=True
    )
    return {**terms, "gradient_norm": tf.linalg.global_norm(gradients)}

  def _terms(self, y: tf.Tensor, x_hat: tf.Tensor) -> dict[str, tf.Tensor]:
    """Returns the batch means of the objective and its terms."""
    if not isinstance(self.objective, distances.WeightedSum):
      return {"loss": tf.reduce_mean(self.objective(y, x_hat))}
    values = self.objective.values(y, x_hat)
    total = tf.reduce_mean(self.objective.combine(values))
    return {
      "loss": total,
      **{name: tf.reduce_mean(value) for name, value in values.items()},
    }


def _mean_over_replicas(values: Any) -> Any:
  """Averages over replicas, so that a bad value on any of them is seen."""
  context = tf.distribute.get_replica_context()
  if context is None or context.num_replicas_in_sync == 1:
    return values
  return context.all_reduce(tf.distribute.ReduceOp.MEAN, values)
