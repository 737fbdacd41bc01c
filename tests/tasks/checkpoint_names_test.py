"""Names in checkpoints stay, so that runs of older versions resume."""

import keras
import pytest
import tensorflow as tf

from tfpercept import distances, models
from tfpercept.models import patch_critic
from tfpercept.tasks import (
  agreement,
  classification,
  compression,
  generative_compression,
  pim,
  rate_control,
  regression,
  toy_compression,
  variational,
)


def srcnn(loss, **options):
  network = models.SRCNN(filters=(2, 2), kernels=(3, 1, 3))
  network.build()
  return regression.Regression(network, distances.get(loss), **options)


def codec(**options):
  network = models.MeanScaleHyperprior(
    widths=(4, 4, 4), latents=8, hyper_width=4, hyper_latents=4
  )
  network.build()
  return compression.Compression(network, distances.get("mse"), **options)


def vae(beta):
  network = models.VAE(side=32, latent=2, widths=(2, 2))
  network.build()
  return variational.Variational(network, distances.get("mse"), beta=beta)


def digits():
  network = models.DigitClassifier(filters=(2, 2, 2, 2, 2), width=4)
  network.build()
  return classification.Classification(network)


def vectors():
  network = models.ToyVectorQuantizer(dimensions=2, entries=4, weight=1.0)
  return toy_compression.VectorQuantization(network, weight=1.0)


def hific(critic, control="switch"):
  network = models.HiFiC(
    base=2, latents=6, blocks=1, hyper_width=4, hyper_latents=4
  )
  network.build()
  return generative_compression.GenerativeCompression(
    network,
    distances.get("mse"),
    rate_control.CONTROLS[control](0.1, (2.0, 0.1)),
    patch_critic.PatchCritic((4, 4), latents=6) if critic else None,
    decay=0.9,
  )


ADAPTIVE = "robust(adaptive=True, size=(16, 16, 1), color='RGB', levels=2)"
TASKS = {
  "regression": (lambda: srcnn("mse"), []),
  "a trained objective": (
    lambda: srcnn(ADAPTIVE, train_objective=True),
    ["objective"],
  ),
  "an objective that draws": (
    lambda: srcnn("watson_dft(channels=1, shift='random')"),
    ["counters"],
  ),
  "compression": (codec, []),
  "averaged weights": (lambda: codec(decay=0.9), ["averages"]),
  "variational": (lambda: vae(1.0), []),
  "a balance": (
    lambda: vae(variational.Balance(nats_per_latent=1.0, steps=3)),
    ["balance"],
  ),
  "classification": (digits, []),
  "agreement": (
    lambda: agreement.Agreement(
      agreement.Judge(distances.get("watson_dft"), "ratio")
    ),
    [],
  ),
  "pim": (lambda: pim.Slowness(models.PIMNetwork(width=2)), []),
  "toy codecs": (vectors, []),
  "HiFiC without a critic": (lambda: hific(False), ["averages"]),
  "HiFiC": (
    lambda: hific(True, "dual"), ["averages", "critic", "rate_control"]
  ),
}  # fmt: skip


@pytest.mark.parametrize("name", TASKS)
def test_a_task_saves_its_parts_under_the_names_of_old(name):
  make, more = TASKS[name]
  task = make()
  moves = task.moves()
  task.compile({name: keras.optimizers.Adam() for name in moves})
  expected = ["network", "optimizer", "step", *more]
  assert sorted(task.state()) == sorted(expected)
  children = tf.train.TrackableView.children(
    tf.train.Checkpoint(**task.state())
  )
  # An optimizer alone is not in a dictionary of them.
  optimizer = tf.train.TrackableView.children(children["optimizer"])
  assert optimizer.keys() >= ({"_iterations"} if len(moves) == 1 else {*moves})


def test_a_run_that_may_skip_steps_saves_how_many_it_did():
  task = srcnn("mse")
  task.compile(keras.optimizers.Adam(), skip=1)
  assert sorted(task.state()) == ["network", "optimizer", "skipped", "step"]
