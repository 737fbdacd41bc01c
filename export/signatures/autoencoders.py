"""Autoencoders and VAEs from outside: pictures to codes, and back."""

import abc

import numpy as np
import tensorflow as tf

from export.signatures import base, sampling
from tfpercept.data import examples, packaged

# Two programs may sum products in another order; measured differences are
# below 1e-6 of the largest output.
_TOLERANCE = 1e-5
_UNIT = (0.0, 1.0)
_EXAMPLES = 3


class CoderSignatures(base.Signatures):
  """Base of the signatures of autoencoders and VAEs.

  Served: `encode`, `decode` and `reconstruct`, which is `serving_default` too.
  On a device: the same three, a file each. Pictures are of the network's own
  size; batches are of any.
  """

  def served(self) -> dict[str, base.Signature]:
    reconstruct = self._reconstruct()
    return {
      "serving_default": reconstruct,
      "encode": self._encode(),
      "decode": self._decode(),
      "reconstruct": reconstruct,
    }

  def on_device(self) -> dict[str, base.Signature]:
    served = self.served()
    return {name: served[name] for name in ("encode", "decode", "reconstruct")}

  def trials(
    self, name: str
  ) -> dict[str, tuple[dict[str, np.ndarray], np.ndarray | None]]:
    height, _, channels = self.network.image_shape
    pictures = packaged.test()
    data = examples.fitted(
      list(pictures.values()), side=height, channels=channels
    )
    trials = {}
    for case, picture in zip(pictures, data.floats(), strict=True):
      image = picture[None]
      if name == "decode":
        given = {self.code: self.codes(tf.constant(image)).numpy()}
      else:
        given = {"image": image}
      trials[case] = given, None if name == "encode" else image
    return trials

  @property
  @abc.abstractmethod
  def code(self) -> str:
    """Name of what `decode` takes."""

  @abc.abstractmethod
  def codes(self, image: tf.Tensor) -> tf.Tensor:
    """Returns what `decode` would take to rebuild images."""

  @abc.abstractmethod
  def encoded(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
    """Returns what `encode` answers."""

  @abc.abstractmethod
  def meanings(self) -> dict[str, str]:
    """Returns what stands in the manifest of each output of `encode`."""

  def image_tensor(self, meaning: str) -> base.Tensor:
    """Returns the type of pictures."""
    # A linear output is clipped: what leaves is a picture.
    return base.Tensor(
      "float32", (None, *self.network.image_shape), meaning, _UNIT
    )

  def decoded(self, codes: tf.Tensor) -> dict[str, tf.Tensor]:
    """Returns the pictures of codes."""
    return {"image": tf.clip_by_value(self.network.decode(codes), 0.0, 1.0)}

  def _encode(self) -> base.Signature:
    image = _noise(self.network.image_shape)
    answers = self.encoded(tf.constant(image))
    shape = (None, self._length)
    return base.Signature(
      function=lambda image: self.encoded(image),
      inputs={"image": self.image_tensor("picture")},
      outputs={
        name: base.Tensor("float32", shape, meaning)
        for name, meaning in self.meanings().items()
      },
      example={"image": image},
      tolerance=_TOLERANCE * (scale := _largest(answers)),
      scale=scale,
    )

  def _decode(self) -> base.Signature:
    codes = self.codes(tf.constant(_noise(self.network.image_shape))).numpy()
    # Named by the network, so the function takes it by that name.
    return base.Signature(
      function=lambda **given: self.decoded(given[self.code]),
      inputs={self.code: base.Tensor("float32", (None, self._length), "code")},
      outputs={"image": self.image_tensor("picture")},
      example={self.code: codes},
      tolerance=_TOLERANCE,
    )

  def _reconstruct(self) -> base.Signature:
    return base.Signature(
      function=lambda image: self.decoded(self.codes(image)),
      inputs={"image": self.image_tensor("picture")},
      outputs={"image": self.image_tensor("picture, rebuilt from its code")},
      example={"image": _noise(self.network.image_shape)},
      tolerance=_TOLERANCE,
    )

  @property
  def _length(self) -> int:
    return self.network.decoder.input_shape[-1]


@base.SIGNATURES.register("autoencoder")
class AutoencoderSignatures(CoderSignatures):
  """Signatures of an autoencoder: codes are vectors of any range."""

  code = "code"

  def codes(self, image: tf.Tensor) -> tf.Tensor:
    return self.network.encode(image)

  def encoded(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
    return {"code": self.network.encode(image)}

  def meanings(self) -> dict[str, str]:
    return {"code": "code"}


@base.SIGNATURES.register("vae")
class VAESignatures(CoderSignatures):
  """Signatures of a VAE: `encode` answers mean and log variance of q(z|x).

  Served besides: `sample`, pictures of latents from the prior. They follow from
  a seed, so that a request can be repeated. It is not for devices, since TFLite
  has no such generator: draw z there, from the standard normal, and decode it.
  """

  code = "z"

  def served(self) -> dict[str, base.Signature]:
    return {**super().served(), "sample": self._sample()}

  def codes(self, image: tf.Tensor) -> tf.Tensor:
    return self.network.encode(image)[0]

  def encoded(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
    mean, log_variance = self.network.encode(image)
    return {"mean": mean, "log_variance": log_variance}

  def meanings(self) -> dict[str, str]:
    return {
      "mean": "mean of q(z|x)",
      "log_variance": "natural logarithm of its variance",
    }

  def _sample(self) -> base.Signature:
    return sampling.signature(
      lambda count, seed: {"image": self.network.sample(count, seed)},
      self.image_tensor("sample"),
    )


def _noise(shape: tuple[int, int, int]) -> np.ndarray:
  noise = np.random.RandomState(0).uniform(size=(_EXAMPLES, *shape))
  return noise.astype(np.float32)


def _largest(answers: dict[str, tf.Tensor]) -> float:
  return max(1.0, *(float(tf.reduce_max(tf.abs(a))) for a in answers.values()))
