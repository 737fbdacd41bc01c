"""A task of two optimizers: `ring_gan OUT LOG STEP STRATEGY`.

A generator learns a ring of eight Gaussians against a critic. They take turns:
the critic moves at even steps, the generator at odd ones. All that a task with
several optimizers needs is in this file.

As a program it trains in OUT, appends `step loss critic_loss` to LOG for each
step, in hexadecimal, and dies by SIGKILL at the end of STEP, unless that is -1.
A run that finishes prints the SHA-256 of its whole state. Under the strategy
`mirrored` the CPU is split into two devices; so it is under `spoiled`, where
the batches of steps 4 and 7 hold a NaN and two steps may be skipped.
"""

import hashlib
import math
import os
import signal
import sys
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfpercept import training
from tfpercept.tasks import averaging, base

STEPS, INTERVAL = 17, 3  # so that either phase follows a checkpoint
LATENTS = 4


class Ring:
  """Batches of points near eight places on the unit circle, `[N, 2]`.

  Args:
    batch: The number N of points.
    seed: The seed of the points.
    bad_steps: The steps whose batch holds a NaN.
  """

  def __init__(self, batch: int, seed: int, bad_steps: Sequence[int] = ()):
    self._batch, self._seed = batch, seed
    self._bad_steps = tf.constant(bad_steps, tf.int64, [len(bad_steps)])

  def batches(self, start: int, stop: int) -> tf.data.Dataset:
    return tf.data.Dataset.range(start, stop).map(self._at)

  def _at(self, step: tf.Tensor) -> tf.Tensor:
    seed = tf.stack([self._seed, tf.cast(step, tf.int32)])
    seeds = tf.random.experimental.stateless_split(seed, 2)
    place = tf.random.stateless_uniform(
      [self._batch], seeds[0], maxval=8, dtype=tf.int32
    )
    angle = tf.cast(place, tf.float32) * (math.pi / 4)
    noise = tf.random.stateless_normal([self._batch, 2], seeds[1], stddev=0.02)
    points = tf.stack([tf.cos(angle), tf.sin(angle)], axis=1) + noise
    is_bad = tf.reduce_any(self._bad_steps == step)
    return tf.where(is_bad & (place == place[0])[:, None], math.nan, points)


class RingGAN(base.Task):
  """Trains a generator of points against a critic, in turns.

  Args:
    generator: Maps noise `[N, LATENTS]` to points `[N, 2]`.
    critic: Maps points to logits `[N, 1]` of "is real".
    seed: The seed of the noise.

  Source: Goodfellow et al., "Generative adversarial nets", 2014, with the
  non-saturating loss of section 3.
  """

  def __init__(
    self, generator: keras.Model, critic: keras.Model, *, seed: int = 0
  ):
    super().__init__("ring_gan", seed=seed)
    self.generator, self.critic = generator, critic
    self.averages = averaging.Averages(generator.trainable_variables, 0.9)

  def parts(self):
    return {
      "generator": self.generator,
      "critic": self.critic,
      "averages": self.averages,
    }

  def moves(self):
    return {
      "critic": base.Move(
        self.critic.trainable_variables,
        loss="critic_loss",
        when=lambda step: step % 2 == 0,
      ),
      "generator": base.Move(
        self.generator.trainable_variables,
        clip=1.0,
        when=lambda step: step % 2 == 1,
      ),
    }

  def terms(self, batch, *, seed, step):
    noise = tf.random.stateless_normal([tf.shape(batch)[0], LATENTS], seed)
    real = self.critic(batch)
    fake = self.critic(self.generator(noise))
    return {
      "loss": tf.reduce_mean(tf.nn.softplus(-fake)),
      "critic_loss": tf.reduce_mean(tf.nn.softplus(-real))
      + tf.reduce_mean(tf.nn.softplus(fake)),
    }

  def after_update(self, terms, step):
    self.averages.update(self.generator.trainable_variables, step)


def dense(inputs: int, *widths: int) -> keras.Model:
  """Returns layers with a tanh, which keeps a NaN, after each but the last."""
  layers = [keras.layers.Dense(width, "tanh") for width in widths[:-1]]
  model = keras.Sequential([*layers, keras.layers.Dense(widths[-1])])
  model.build((None, inputs))
  return model


def make(seed: int = 0, width: int = 16) -> RingGAN:
  return RingGAN(
    dense(LATENTS, width, width, 2), dense(2, width, width, 1), seed=seed
  )


def optimizers(rate: float = 1e-3) -> dict[str, keras.optimizers.Optimizer]:
  return {
    "critic": keras.optimizers.Adam(2 * rate, beta_1=0.5),
    "generator": keras.optimizers.Adam(rate, beta_1=0.5),
  }


def digest(task: base.Task) -> str:
  """Returns the SHA-256 of all that a checkpoint of the task holds."""
  checkpoint = tf.train.Checkpoint(**task.state())
  saved = tf.train.TrackableView(checkpoint).descendants()
  found = (each for each in saved if isinstance(each, tf.Variable))
  arrays = [np.asarray(tf.convert_to_tensor(v)) for v in found]
  return hashlib.sha256(b"".join(a.tobytes() for a in arrays)).hexdigest()


class Diary(keras.callbacks.Callback):
  """Writes the losses of each step down at once, then perhaps dies."""

  def __init__(self, path: str, kill_at: int):
    super().__init__()
    self._path, self._kill_at = path, kill_at

  def on_train_batch_end(self, batch, logs):
    step = int(self.model.step.numpy()) - 1
    losses = (float(logs[name]).hex() for name in ("loss", "critic_loss"))
    with open(self._path, "a") as file:
      file.write(f"{step} {' '.join(losses)}\n")
    if step == self._kill_at:
      os.kill(os.getpid(), signal.SIGKILL)


def main(out: str, log: str, kill_at: int, strategy: str) -> None:
  is_spoiled, is_mirrored = strategy == "spoiled", strategy != "none"
  if is_mirrored:
    tf.config.set_logical_device_configuration(
      tf.config.list_physical_devices("CPU")[0],
      [tf.config.LogicalDeviceConfiguration()] * 2,
    )
  run = training.Run(
    out=out,
    steps=STEPS,
    seed=3,
    interval=INTERVAL,
    strategy="mirrored" if is_mirrored else "none",
    skip_nonfinite=2 if is_spoiled else 0,
  )
  with training.prepare(run).scope():
    task = make(run.seed)
    movers = optimizers()
  data = Ring(32, run.seed, bad_steps=(4, 7) if is_spoiled else ())
  diary = Diary(log, kill_at)
  training.fit(task, data, run, optimizer=movers, extra_callbacks=[diary])
  print(digest(task))


if __name__ == "__main__":
  main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
