"""A small training that can kill itself: `killed_run OUT LOG STEP STRATEGY`.

Appends `step loss` to LOG for each step, the loss in hexadecimal, and dies by
SIGKILL at the end of STEP, unless that is -1. A run that finishes prints the
SHA-256 of the weights and of the optimizer. Under the strategy `mirrored` the
CPU is split into two devices. Under `multi_worker` it is one process of
several, of which `TF_CONFIG` tells.
"""

import hashlib
import os
import pathlib
import signal
import sys

import keras
import numpy as np
import tensorflow as tf

from tfpercept import distances, models, training
from tfpercept.data import crops
from tfpercept.tasks import regression
from tfpercept.training import workers

STEPS, INTERVAL = 17, 4  # the last interval is a short one


class Diary(keras.callbacks.Callback):
  """Writes each loss down at once, then perhaps dies."""

  def __init__(self, path: str, kill_at: int):
    super().__init__()
    self._path, self._kill_at = path, kill_at

  def on_train_batch_end(self, batch, logs):
    step = int(self.model.optimizer.iterations.numpy()) - 1
    with open(self._path, "a") as file:
      file.write(f"{step} {float(logs['loss']).hex()}\n")
    if step == self._kill_at:
      os.kill(os.getpid(), signal.SIGKILL)


def digest(arrays) -> str:
  return hashlib.sha256(b"".join(a.tobytes() for a in arrays)).hexdigest()


def main(out: str, log: str, kill_at: int, strategy: str) -> None:
  if strategy == "mirrored":
    tf.config.set_logical_device_configuration(
      tf.config.list_physical_devices("CPU")[0],
      [tf.config.LogicalDeviceConfiguration()] * 2,
    )
  if strategy == workers.NAME:
    workers.connect()
    out = workers.folder(pathlib.Path(out))
  random = np.random.default_rng(1)
  pairs = [
    (random.random((h, w, 1), np.float32), random.random((h, w, 1), np.float32))
    for h, w in ((40, 31), (25, 60))
  ]
  run = training.Run(
    out=out, steps=STEPS, seed=3, interval=INTERVAL, strategy=strategy
  )
  replicas = training.prepare(run)
  print("replicas", replicas.num_replicas_in_sync)
  with replicas.scope():
    network = models.SRCNN(filters=(8, 4), kernels=(5, 3, 3))
    network.build()
    task = regression.Regression(network, distances.get("0.8*ssim + 0.2*mae"))
  data = crops.PairedCrops(pairs, patch=20, batch=4, seed=run.seed)
  training.fit(task, data, run, extra_callbacks=[Diary(log, kill_at)])
  print(digest(network.get_weights()))
  print(digest([v.numpy() for v in task.optimizer.variables()]))


if __name__ == "__main__":
  main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
