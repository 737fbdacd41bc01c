"""Trains a small model under every distance while TensorFlow is watched.

A program of its own, since `enable_check_numerics` is for a whole process.
Prints a line for each distance and switch.
"""

import keras
import numpy as np
import tensorflow as tf

from tfpercept import losses, weights

SPECS = (
  "delta_e",
  "dists",
  "lpips",
  "mae",
  "ms_ssim(scales=2, window=5)",
  "mse",
  "nlpd(levels=3)",
  "pim",
  "psnr",
  "robust",
  "robust(adaptive=True, size=(48, 48, 3), levels=2)",
  "ssim",
  "watson_dct",
  "watson_dft",
  "watson_vgg",
  "0.84*ssim + 0.16*mae",
)

MISSING = "missing"
"""What comes of a distance whose weights have to be fetched."""
FAST = ("ssim", "nlpd(levels=3)", "watson_dct")
"""Those among them with steps of their own that XLA compiles."""


def train(spec: str, **options) -> str:
  """Takes a step; says what came of it."""
  images = np.random.default_rng(0).uniform(size=(1, 48, 48, 3))
  images = images.astype(np.float32)
  layers = [keras.Input((48, 48, 3)), keras.layers.Conv2D(3, 3, padding="same")]
  model = keras.Sequential(layers)
  try:
    model.compile(optimizer="sgd", loss=losses.get(spec), **options)
  except weights.MissingWeights:
    return MISSING
  history = model.fit(images, images, verbose=0).history["loss"]
  return "trained" if np.isfinite(history).all() else f"loss {history}"


def main() -> None:
  """Turns on one switch after the other."""
  tf.debugging.enable_check_numerics()
  for spec in SPECS:
    print("check_numerics", spec, train(spec), flush=True)
  for spec in FAST:
    print("both", spec, train(spec, run_eagerly=True), flush=True)
  tf.debugging.disable_check_numerics()
  tf.config.run_functions_eagerly(True)
  for spec in FAST:
    print("eager", spec, train(spec), flush=True)


if __name__ == "__main__":
  main()
