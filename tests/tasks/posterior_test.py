"""A posterior that collapses or blows up is named."""

import keras
import pytest
import tensorflow as tf
from absl import logging

from tfpercept import models
from tfpercept.tasks import posterior


def ended(guard, step, kl, active):
  model = keras.Sequential()
  model.step = tf.Variable(step)
  guard.set_model(model)
  logs = {"kl": kl, "active_latents": active, "beta": 2.0}
  guard.on_epoch_end(0, logs)


def test_a_collapse_is_named_once_the_warm_up_is_over(monkeypatch):
  said = []
  monkeypatch.setattr(
    logging, "warning", lambda text, *values: said.append(text % values)
  )
  guard = posterior.Guard(8, warmup=100)
  ended(guard, 100, 0.02, 0.0)
  assert not said
  ended(guard, 200, 0.02, 0.0)
  assert "collapsed: at step 200" in said[0]
  assert "--beta=auto" in said[0]
  ended(guard, 300, 5.0, 3.0)  # it may come back
  assert len(said) == 1


def test_a_network_whose_posterior_is_the_prior_has_collapsed():
  network = models.VAE(side=32, latent=3, widths=(4,))
  x = tf.random.uniform((4, 32, 32, 1))
  assert not posterior.is_collapsed(network, x)
  last = network.encoder.layers[-1]
  last.set_weights([0 * w for w in last.get_weights()])
  assert posterior.is_collapsed(network, x)


def test_a_blow_up_stops_the_run():
  guard = posterior.Guard(8, warmup=0)
  ended(guard, 10, 8 * 49.0, 8.0)
  with pytest.raises(posterior.PosteriorError, match="step 20 the KL is 51 na"):
    ended(guard, 20, 8 * 51.0, 8.0)
