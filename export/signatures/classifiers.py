"""The classifier of digits from outside: pictures in, digits out."""

import numpy as np
import tensorflow as tf

from export.signatures import base
from tfpercept.data import examples, packaged
from tfpercept.models import digit_classifier

_TOLERANCE = 1e-5
_SIDE, _CLASSES = digit_classifier.SIDE, digit_classifier.CLASSES


@base.SIGNATURES.register("digit_classifier")
class ClassifierSignatures(base.Signatures):
  """Signatures of a classifier of digits.

  Served: `classify`, which is `serving_default` too, answers the digit and the
  probability of each, `features` what Fréchet distances are measured in. On a
  device: `classify` without the digit, the largest probability's place.
  """

  def served(self) -> dict[str, base.Signature]:
    classify = self._signature(
      self._classified,
      {
        "digit": base.Tensor("int32", (None,), "the likeliest digit"),
        "probabilities": self._probabilities,
      },
    )
    width = self.network.hidden.units
    features = self._signature(
      lambda image: {"features": self.network.features(image)},
      {"features": base.Tensor("float32", (None, width), "hidden values")},
      is_relative=True,
    )
    return {
      "serving_default": classify,
      "classify": classify,
      "features": features,
    }

  def on_device(self) -> dict[str, base.Signature]:
    return {
      "classify": self._signature(
        lambda image: {"probabilities": tf.nn.softmax(self.network(image))},
        {"probabilities": self._probabilities},
      )
    }

  def trials(
    self, name: str
  ) -> dict[str, tuple[dict[str, np.ndarray], np.ndarray | None]]:
    found = packaged.test()
    data = examples.fitted(list(found.values()), side=_SIDE, channels=1)
    return {
      case: ({"image": picture[None]}, None)
      for case, picture in zip(found, data.floats(), strict=True)
    }

  def _classified(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
    logits = self.network(image)
    return {
      "digit": tf.argmax(logits, axis=-1, output_type=tf.int32),
      "probabilities": tf.nn.softmax(logits),
    }

  def _signature(
    self,
    function: base.Function,
    outputs: dict[str, base.Tensor],
    *,
    is_relative: bool = False,
  ) -> base.Signature:
    shape = (None, _SIDE, _SIDE, 1)
    meaning = "light digits on black, 28x28 pixels with two black ones around"
    noise = np.random.RandomState(0).uniform(size=(3, *shape[1:]))
    return base.Signature(
      function=function,
      inputs={"image": base.Tensor("float32", shape, meaning, (0.0, 1.0))},
      outputs=outputs,
      example={"image": noise.astype(np.float32)},
      tolerance=_TOLERANCE,
      is_relative=is_relative,
      precisions=("float32", "float16"),
    )

  @property
  def _probabilities(self) -> base.Tensor:
    return base.Tensor(
      "float32", (None, _CLASSES), "of the digits 0 to 9", (0.0, 1.0)
    )
