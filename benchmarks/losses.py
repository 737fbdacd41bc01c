"""Prints how fast the distances are beside their peers.

    python -m benchmarks.losses

Ours and the peer take turns in one process, on photographs with noise; a ratio
above 1 means that ours is faster. The last column is the largest relative error
of our float32 value, and of the peer's, against our float64 value.
"""

import functools
import os
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from absl import app, flags

import tfpercept as tp
from benchmarks import timing
from tfpercept.data import packaged

Distance = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]

_SHAPES = flags.DEFINE_list(
  "shapes", "8x256x256x3,1x512x768x3", "Batches of pictures, as NxHxWx3."
)
_ROUNDS = flags.DEFINE_integer("rounds", 20, "Timed calls of each.")
_THREADS = flags.DEFINE_integer("threads", 2, "Threads of TensorFlow.")


def _tf_ssim(reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
  return 1 - tf.image.ssim(reference, image, max_val=1.0)


def _tf_ms_ssim(reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
  return 1 - tf.image.ssim_multiscale(reference, image, max_val=1.0)


PEERS: dict[str, tuple[str, Distance]] = {
  "ssim": ("tf.image.ssim", _tf_ssim),
  "ms_ssim": ("tf.image.ssim_multiscale", _tf_ms_ssim),
}


def main(argv: list[str]) -> None:
  """Prints a table in Markdown."""
  if len(argv) > 1:
    raise app.UsageError(f"no arguments are taken; got {' '.join(argv[1:])}")
  tf.config.threading.set_intra_op_parallelism_threads(_THREADS.value)
  tf.config.threading.set_inter_op_parallelism_threads(_THREADS.value)
  print(
    f"TensorFlow {tf.__version__}, {_THREADS.value} threads, medians of "
    f"{_ROUNDS.value} calls\n\n"
    "| distance | peer | pictures | traced | and gradient | compiled"
    " | and gradient | eager | and gradient | error, peer's |\n"
    f"| --- | --- | --- |{' ---: |' * 7}"
  )
  for spec, (peer_name, peer) in PEERS.items():
    for text in _SHAPES.value:
      shape = tuple(int(size) for size in text.split("x"))
      cells = [spec, f"`{peer_name}`", text, *_row(spec, peer, shape)]
      print(f"| {' | '.join(cells)} |", flush=True)


def _row(spec: str, peer: Distance, shape: tuple[int, ...]) -> list[str]:
  """Speed ratios with our milliseconds, and the errors, for one shape."""
  reference, image = photographs(shape)
  ours = tp.distances.get(spec)
  ratios = []
  for wrap_ours, wrap_peer in (
    (tf.function, tf.function),
    # XLA slows the peer down or rejects it.
    (functools.partial(tf.function, jit_compile=True), tf.function),
    (lambda f: f, lambda f: f),
  ):
    for mode in (_forward, _with_gradient):
      functions = {
        "ours": wrap_ours(mode(ours)),
        "peer": wrap_peer(mode(peer)),
      }
      seconds = timing.medians(
        {
          name: lambda f=f: tf.nest.map_structure(_wait, f(reference, image))
          for name, f in functions.items()
        },
        rounds=_ROUNDS.value,
      )
      ratio = seconds["peer"] / seconds["ours"]
      ratios.append(f"{ratio:.1f} ({seconds['ours'] * 1e3:.0f} ms)")
  exact = tp.distances.get(spec, dtype="float64")(reference, image).numpy()
  errors = [
    np.abs(tf.function(f)(reference, image).numpy() / exact - 1).max()
    for f in (ours, peer)
  ]
  return [*ratios, ", ".join(f"{error:.0e}" for error in errors)]


def _forward(distance: Distance):
  def forward(reference, image):
    return distance(reference, image)

  return forward


def _with_gradient(distance: Distance):
  """The value and its gradient with respect to the image, as in training."""

  def with_gradient(reference, image):
    with tf.GradientTape() as tape:
      tape.watch(image)
      value = distance(reference, image)
    return value, tape.gradient(value, image)

  return with_gradient


def _wait(tensor: tf.Tensor) -> None:
  tensor.numpy()


def photographs(shape: tuple[int, ...]) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns pictures `[N, H, W, 3]` in [0, 1], and the same with noise."""
  random = np.random.default_rng(0)
  count, height, width, _ = shape
  pictures = packaged.train() + list(packaged.test().values())
  colour = [p for p in pictures if p.ndim == 3 and p.shape[-1] == 3]
  crops = []
  for n in range(count):
    picture = colour[n % len(colour)]
    tall, wide = (
      -(-s // p)
      for s, p in zip((height, width), picture.shape[:2], strict=True)
    )
    crops.append(np.tile(picture, (tall, wide, 1))[:height, :width] / 255)
  reference = np.stack(crops).astype(np.float32)
  noise = random.normal(0, 0.03, shape).astype(np.float32)
  return tf.constant(reference), tf.constant(np.clip(reference + noise, 0, 1))


if __name__ == "__main__":
  app.run(main)
