"""Trains an autoencoder under any distance, or one under each of several.

    python -m trainers.autoencoder --loss=mse --loss="ms_ssim(scales=3)" \
        --data=faces.npz --side=48 --out=runs/faces

Several losses get the same pictures, initial weights and steps, and a folder
each below `--out`. Killed at any moment, the same command resumes it.
"""

import dataclasses

from absl import flags, logging

from programs import derived_flags, program
from tfpercept import distances, models, settings, training
from tfpercept.data import examples
from tfpercept.models.autoencoders import base
from tfpercept.tasks import regression
from tfpercept.training import precision
from trainers import (
  example_settings,
  initial_weights,
  network_flags,
  reconstructions,
  run_flags,
  shared_settings,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layers(example_settings.Layers):
  """Arguments of an autoencoder.

  Attributes:
    code: Length of the code.
    output: Last nonlinearity, one of `models.autoencoders.base.OUTPUTS`.
  """

  code: int = settings.option(64, "Width of the bottleneck.", least=1)
  output: str = settings.option(
    "sigmoid", "Linear is not bounded to [0, 1].", choices=base.OUTPUTS
  )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(example_settings.Pictures):
  """Settings of a training of an autoencoder.

  Attributes:
    model: Arguments of the network.
  """

  model: Layers = dataclasses.field(default_factory=Layers)


flags.adopt_module_key_flags(run_flags)  # so that --help lists them
_FLAGS = network_flags.NetworkFlags(Settings)
_ACCESS = derived_flags.Flags(shared_settings.Access)


def main() -> None:
  own, initial = _FLAGS.read()
  runs, data, unseen = example_settings.ready(
    run_flags.runs(own), download=_ACCESS.read().download
  )
  for run in runs:
    train(run, data, unseen, initial=initial)
    logging.info("Trained model in %s", run.out / "model")


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


if __name__ == "__main__":
  program.start(main, also=(training.NonFiniteError,))
