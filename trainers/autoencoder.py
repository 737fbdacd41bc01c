"""Trains an autoencoder under any distance, or one under each of several.

    python -m trainers.autoencoder --loss=mse --loss="ms_ssim(scales=3)" \
        --data=faces.npz --side=48 --out=runs/faces

Several losses get the same pictures, initial weights and steps, and a folder
each below `--out`. Killed at any moment, the same command resumes it.
"""

from absl import flags, logging

from programs import program
from tfpercept import distances, models, training
from tfpercept.data import examples
from tfpercept.models.autoencoders import base
from tfpercept.tasks import regression
from tfpercept.training import precision
from trainers import (
  example_flags,
  initial_weights,
  reconstructions,
  run_flags,
)

flags.adopt_module_key_flags(run_flags)  # so that --help lists them
flags.adopt_module_key_flags(example_flags)
_CODE = flags.DEFINE_integer("code", 64, "Width of the bottleneck.", 1)
_OUTPUT = flags.DEFINE_enum(
  "output", "sigmoid", base.OUTPUTS, "Linear is not bounded to [0, 1]."
)
_INITIAL = flags.DEFINE_string(
  "initial",
  None,
  "A finished run of a like network, to start from its weights.",
)


def main() -> None:
  model = {
    **example_flags.layers(),
    "code": _CODE.value,
    "output": _OUTPUT.value,
  }
  initial, told = initial_weights.load(_INITIAL.value)
  runs = example_flags.runs({"model": model, **told})
  data, unseen = example_flags.load(runs[0])
  for run in runs:
    train(run, data, unseen, initial=initial)
    logging.info("Trained model in %s", run.out / "model")


def train(
  run: training.Run,
  data: examples.Examples,
  unseen: examples.Examples,
  *,
  initial: models.Autoencoder | None = None,
) -> None:
  """Trains an autoencoder, or resumes it, and writes it to `out / "model"`.

  Args:
    run: Its `settings` hold `side`, `channels`, `batch` and `model` (the other
      arguments of the network).
    data: What to train on.
    unseen: What TensorBoard shows; may be empty.
    initial: Has the weights to start from; random ones by default.
  """
  settings = run.settings
  objective = distances.get(run.loss)
  batches = examples.Batches(
    data.images, batch=settings["batch"], seed=run.seed
  )
  with training.prepare(run).scope():
    network = models.Autoencoder(
      **settings["model"],
      side=settings["side"],
      channels=settings["channels"],
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
