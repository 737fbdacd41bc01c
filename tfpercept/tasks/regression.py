"""Image-to-image regression under any distance."""

import keras
import tensorflow as tf

from tfpercept import distances
from tfpercept.tasks import replicas


class Regression(keras.Model):
  """Trains a network so that its output is near the target.

  The objective is the mean over the batch of a distance between target and
  output. `train_step` takes `(x, y)` and logs, for this step alone, `loss`,
  each term of the objective under its spec, and `gradient_norm`.

  Args:
    network: Maps `x` to an image of the shape of `y`.
    objective: The distance to minimise.
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
    super().__init__(name="regression")
    self.network = network
    self.objective = objective
    self.objective.trainable = train_objective
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
    variables = [
      *self.network.trainable_variables,
      *self.objective.trainable_variables,
    ]
    gradients = tape.gradient(terms["loss"], variables)
    # Replicas have equal shares of the batch.
    terms, gradients = replicas.mean((terms, gradients))
    self.optimizer.apply_gradients(
      zip(gradients, variables, strict=True), skip_gradients_aggregation=True
    )
    return {**terms, "gradient_norm": tf.linalg.global_norm(gradients)}

  def _terms(self, y: tf.Tensor, x_hat: tf.Tensor) -> dict[str, tf.Tensor]:
    """Returns the batch means of the objective and its terms."""
    if self.objective.trainable:
      step = tf.cast(self.optimizer.iterations, tf.int32)
      seed = tf.stack([0, step])
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
