"""Pictures of autoencoders for TensorBoard."""

from collections.abc import Callable

import keras
import tensorflow as tf

from tfpercept import distances
from tfpercept.data import examples
from tfpercept.training import callbacks

_SHOWN = 8  # pictures side by side
_SCORED = 256


def show(
  network: keras.Model,
  unseen: examples.Examples,
  objective: distances.Distance,
  also: Callable[[], dict[str, tf.Tensor]] | None = None,
) -> callbacks.Pictures:
  """Shows pictures above their reconstructions, with mean scores.

  Args:
    network: Network from images to images.
    unseen: Held-out pictures; nothing is shown if there are none.
    objective: Distance of the training, whose value is logged beside PSNR.
    also: Function that returns further images by name; None for none.
  """
  psnr = distances.get("psnr")
  distance = distances.get(objective.spec)  # its draws, if any, are its own
  x = tf.constant(unseen.floats()[:_SCORED])

  def shown() -> tuple[dict[str, tf.Tensor], dict[str, float]]:
    more = also() if also else {}
    if not len(unseen):
      return more, {}
    x_hat = network(x)
    rows = [tf.concat(tf.unstack(t[:_SHOWN]), axis=1) for t in (x, x_hat)]
    scores = {
      "held_out/psnr": float(tf.reduce_mean(psnr.score(x, x_hat))),
      "held_out/loss": float(tf.reduce_mean(distance(x, x_hat))),
    }
    return {"input_output": tf.concat(rows, axis=0)[None], **more}, scores

  return callbacks.Pictures(shown)
