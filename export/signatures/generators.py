"""Generators of small pictures from outside: latents to pictures, and back."""

import numpy as np
import tensorflow as tf

from export.signatures import base, sampling
from tfpercept.data import examples, packaged

_TOLERANCE = 1e-5
_EXAMPLES = 3


class GeneratorSignatures(base.Signatures):
  """Signatures of a generator, of which the codec `inversion` makes use.

  Served: `decode`, which is `serving_default` too, makes pictures of latents;
  `sample` draws the latents from a seed; `encode` finds latents in one pass,
  where the generator has a way back. On a device: `decode` and `encode`.

  Quantized latents are whole multiples of `step`, which refines what some
  generators add; 0 stands for latents that are not quantized.
  """

  def served(self) -> dict[str, base.Signature]:
    decode = self._decode()
    served = {
      "serving_default": decode,
      "decode": decode,
      "sample": sampling.signature(self._sampled, self._image("sample")),
    }
    return served | self._encode()

  def on_device(self) -> dict[str, base.Signature]:
    return {"decode": self._decode()} | self._encode()

  def trials(
    self, name: str
  ) -> dict[str, tuple[dict[str, np.ndarray], np.ndarray | None]]:
    side, _, channels = self.network.image_shape
    found = packaged.test()
    data = examples.fitted(list(found.values()), side=side, channels=channels)
    trials: dict[str, tuple[dict[str, np.ndarray], np.ndarray | None]] = {}
    for place, (case, picture) in enumerate(
      zip(found, data.floats(), strict=True)
    ):
      image, ideal = picture[None], None
      if name == "encode":
        given = {"image": image}
      else:
        z = self.network.encode(tf.constant(image))
        if z is None:
          z = self.network.draw(1, tf.constant([place, 0]))
        else:
          ideal = image
        given = {"z": z.numpy(), "step": np.zeros([1], np.float32)}
      trials[case] = given, ideal
    return trials

  def _pictures(self, z: tf.Tensor, step: tf.Tensor) -> dict[str, tf.Tensor]:
    # A step for each picture, where the network multiplies by one for all.
    image = self.network.decode(z, step[:, None, None, None])
    # Linear generators leave the range a little: what is served is a picture.
    return {"image": tf.clip_by_value(image, 0.0, 1.0)}

  def _sampled(self, count: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
    return self._pictures(self.network.draw(count, seed), tf.zeros([1]))

  def _decode(self) -> base.Signature:
    steps = self.network.quantizer_steps
    z = self.network.draw(_EXAMPLES, tf.constant([1, 2])).numpy()
    return base.Signature(
      function=lambda z, step: self._pictures(z, step),
      inputs={
        "z": self._latents("latents"),
        "step": base.Tensor(
          "float32",
          (None,),
          "quantizer step of each, 0 where latents are not quantized",
          (0.0, max(steps)),
        ),
      },
      outputs={"image": self._image("picture")},
      example={
        "z": z,
        "step": np.array([steps[0], steps[-1], 0.0], np.float32),
      },
      tolerance=_TOLERANCE,
      precisions=("float32", "float16"),
    )

  def _encode(self) -> dict[str, base.Signature]:
    shape = self.network.image_shape
    if self.network.encode(tf.zeros([1, *shape])) is None:
      return {}
    noise = np.random.RandomState(0).uniform(size=(_EXAMPLES, *shape))
    image = noise.astype(np.float32)
    return {
      "encode": base.Signature(
        function=lambda image: {"z": self.network.encode(image)},
        inputs={"image": self._image("picture")},
        outputs={"z": self._latents("latents, not quantized")},
        example={"image": image},
        tolerance=_TOLERANCE,
        is_relative=True,
        precisions=("float32", "float16"),
      )
    }

  def _image(self, meaning: str) -> base.Tensor:
    shape = (None, *self.network.image_shape)
    return base.Tensor("float32", shape, meaning, (0.0, 1.0))

  def _latents(self, meaning: str) -> base.Tensor:
    return base.Tensor("float32", (None, self.network.latent), meaning)


for _name in ("dcgan", "klt_generator", "pca", "vae_gan"):
  base.SIGNATURES.register(_name)(GeneratorSignatures)
