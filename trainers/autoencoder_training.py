"""Training of autoencoders: its settings, and what follows from them."""

import dataclasses

from tfpercept import distances, models, settings, training
from tfpercept.data import examples
from tfpercept.models.autoencoders import base
from tfpercept.tasks import regression
from tfpercept.training import precision
from trainers import example_settings, initial_weights, reconstructions


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layers(example_settings.Layers):
  """Arguments of an autoencoder.

  Attributes:
    code: Length of the code.
    output: Last nonlinearity, one of `models.autoencoders.base.OUTPUTS`.
  """

  code: int = settings.option(
    64, "Length of the code, the bottleneck.", least=1
  )
  output: str = settings.option(
    "sigmoid",
    "Nonlinearity of the output; linear is not bounded to [0, 1].",
    choices=base.OUTPUTS,
  )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(example_settings.Pictures):
  """Settings of a training of an autoencoder.

  Attributes:
    model: Arguments of the network.
  """

  model: Layers = dataclasses.field(default_factory=Layers)


def train(
  run: training.Run[Settings],
  data: examples.Examples,
  unseen: examples.Examples,
  *,
  initial: models.Autoencoder | None = None,
) -> None:
  """Trains an autoencoder, or resumes it, and writes it to `out / "model"`.

  Args:
    run: The run.
    data: Pictures to train on.
    unseen: Pictures that TensorBoard shows; may be empty.
    initial: A network that has the weights to start from; None for random ones.
  """
  own = run.settings
  objective = distances.get(run.loss)
  batches = examples.Batches(data.images, batch=own.batch, seed=run.seed)
  with training.prepare(run).scope():
    network = models.Autoencoder(
      **own.model.to_json(),
      side=own.side,
      channels=own.channels,
      seed=run.seed,
      dtype=precision.policy(run.precision),
    )
    network.build()
    initial_weights.start(network, initial)
    task = regression.Regression(network, objective)
  training.fit(
    task,
    batches,
    run,
    pictures=reconstructions.show(network, unseen, objective),
  )
  models.save(
    network,
    run.out / "model",
    objective=objective.spec,
    training=run.to_json(),
  )
