"""What a training of HiFiC logs of pictures that it does not see."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tests.codecs import small_models
from tfpercept import distances, models, training
from tfpercept.models import patch_critic
from tfpercept.tasks import base, generative_compression, rate_control
from trainers import hific_settings, hific_training

SMALL = {
  "base": 2, "latents": 6, "blocks": 0, "hyper_width": 4, "hyper_latents": 4
}  # fmt: skip


def task(critic, loss="mae"):
  network = models.HiFiC(**SMALL)
  network.build()
  return generative_compression.GenerativeCompression(
    network,
    distances.get(loss),
    rate_control.Switch(0.1, (2.0, 0.1)),
    patch_critic.PatchCritic((4, 4), latents=6) if critic else None,
  )


@pytest.fixture
def unseen(tmp_path):
  run = training.Run(
    out=tmp_path,
    steps=1,
    settings=hific_settings.Settings(model=SMALL, patch=64, batch=1),
  )
  pictures = [small_models.picture(64, 70)]
  return hific_training._crops(pictures, run, seed=1)


def test_held_out_pictures_tell_what_the_critic_sees(unseen, monkeypatch):
  monkeypatch.setattr(hific_training, "_ESTIMATED", 1)
  estimate = hific_training._estimate(task(critic=True), unseen)
  found = estimate()
  assert found.keys() == {
    f"held_out/{name}"
    for name in (
      "critic_loss", "critic_real", "critic_fake", "divergence", "critic_logit"
    )
  }  # fmt: skip
  assert found["held_out/divergence"] <= math.log(2)  # of Jensen and Shannon
  assert estimate() == found  # the same crops and noise each time


def test_a_look_at_held_out_pictures_draws_nothing(unseen, monkeypatch):
  """A training that is resumed would go on with other draws."""
  monkeypatch.setattr(hific_training, "_ESTIMATED", 2)
  trained = task(critic=True, loss="watson_dft(shift='random')")
  draws = trained.objective.weights[-1]
  draws.assign(5)
  hific_training._estimate(trained, unseen)()
  assert draws.numpy() == 5


def test_without_a_critic_there_is_nothing_to_tell(unseen):
  assert hific_training._estimate(task(critic=False), unseen)() == {}


@pytest.mark.parametrize(("held_out", "counts"), [(2, (3, 2)), (9, (1, 4))])
def test_the_last_pictures_are_held_out(monkeypatch, held_out, counts):
  pictures = [np.full((64, 64, 3), i, np.uint8) for i in range(5)]
  monkeypatch.setattr(hific_training.sources, "load", lambda *_, **__: pictures)
  own = hific_settings.Settings(model={}, held_out=held_out, largest=1.0)
  parts = hific_training._pictures_of(own, download=False)
  assert tuple(map(len, parts)) == counts
  assert [p[0, 0, 0] for part in parts for p in part] == list(range(5))


def test_the_rates_of_learning_and_of_the_target_are_those_asked_for(tmp_path):
  own = hific_settings.Settings(
    model=SMALL, rate_control="dual", dual_pace=0.25, rate_warmup=7,
    critic_rate=3.0, fall=0.5,
  )  # fmt: skip
  control = own.control()
  assert control._pace == 0.25
  target = [float(control.target(tf.constant(step))) for step in (6, 7)]
  assert target[0] > target[1] == pytest.approx(own.target)
  run = training.Run(
    out=tmp_path, steps=10, warmup=0, learning_rate=0.5, settings=own
  )
  moves = dict.fromkeys(("generator", "critic"), base.Move([]))
  found = hific_training._optimizers(run, moves)
  first = {name: float(o._learning_rate(0)) for name, o in found.items()}
  assert first["critic"] == pytest.approx(3 * first["generator"])
