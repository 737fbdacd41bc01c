"""The learned codec: a mean-scale hyperprior, entropy-coded to real bytes."""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfpercept import files, models, weights
from tfpercept.codecs import base, coding, container, selftest, strips
from tfpercept.models import entropy, hyper_transforms, transforms
from tfpercept.models import hyperprior as networks

_CODEC = container.CODEC_IDS["hyperprior"]
_STRINGS = ("z", "y")


def save(
  network: keras.Model, folder: files.PathLike, *, dtype: str = "float32",
  **details: Any,
) -> None:  # fmt: skip
  """Writes a trained network and all that codes with it, atomically.

  Args:
    network: A `MeanScaleHyperprior`.
    folder: Where to; an existing folder is replaced.
    dtype: That weights are kept in. In `"float16"` they are rounded first, so
      that tables and integers are those of what is kept.
    **details: JSON values for the manifest.

  Raises:
    ValueError: if the network can not be made exact (`coding.arrays`).
  """
  if dtype != "float32":
    network = _rounded_copy(network, dtype)
  arrays = {coding.FILE: coding.arrays(network)}
  with files.atomic(folder) as temporary:
    models.save(network, temporary, dtype=dtype, arrays=arrays, **details)
    path = temporary / "manifest.json"
    manifest = json.loads(path.read_text())
    codec = Hyperprior(model=str(temporary), check=False)
    manifest[selftest.FIELD] = selftest.vector(codec)
    files.write_json(path, manifest)


def _rounded_copy(network: keras.Model, dtype: str) -> keras.Model:
  """Returns a network whose weights are what `dtype` makes of them."""
  rounded = [w.astype(dtype) for w in network.get_weights()]
  copy = type(network).from_config(network.get_config())
  copy.build()
  copy.set_weights([w.astype(np.float32) for w in rounded])
  for layer in copy.hyper_synthesis.convolutions:
    layer.settle()  # few distinct numbers, which take less room
  return copy


@base.register("hyperprior")
class Hyperprior(base.Codec):
  """Codes pictures by a trained `MeanScaleHyperprior`.

  Quality is 1 to the levels of the model, 8 as a rule, in steps of a sixteenth.
  Files are read by any machine to the same latents; the pictures made of them
  may differ by a few levels of 255 here and there from one machine to another.

  Args:
    model: A run folder, a model folder, or the name of a model that comes with
      the package.
    check: Whether to see that this machine computes exactly.

  Raises:
    ValueError: if there is no such model, or it is damaged.
    selftest.WrongArithmetic: if this machine would read files wrongly.

  Source: Minnen, Ballé, Toderici, 2018; integers: Ballé, Johnston, Minnen,
  "Integer networks for data compression with latent-variable models", 2019.
  """

  def __init__(self, *, model: str = "photo_mse", check: bool = True):
    self.model, self.check = model, check
    self._network, manifest = models.load(model, dtype="float32")
    if not isinstance(self._network, networks.MeanScaleHyperprior):
      raise ValueError(
        f"{model} holds a {manifest['model']}, not a mean_scale_hyperprior"
      )
    self._coding = coding.load(weights.find(model), manifest)
    self._hyper = coding.HyperSynthesis(self._coding)
    self.identity = identity(manifest)
    self.qualities = tuple(float(q) for q in range(1, self._network.levels + 1))
    self._tables = {
      name: entropy.Tables(
        self._coding[f"{name}_tables"], self._coding[f"{name}_offsets"]
      )
      for name in _STRINGS
    }
    self._analysis = tf.function(self._network.analysis, reduce_retracing=True)
    self._synthesis = tf.function(
      self._network.reconstruct, reduce_retracing=True
    )
    if check:
      selftest.check(self, manifest)

  def compress(
    self, image: np.ndarray, *, quality: float | None = None
  ) -> bytes:
    image = base.check_picture(image, self.spec)
    container.check_size(*image.shape[:2])
    step = self._step(quality)
    clock = _Clock()
    y, z = self._latents(image, step)
    clock.lap("transforms")
    strings = self._encode(y, z, step, clock)
    header = container.Header(
      codec=_CODEC,
      model=self.identity,
      height=image.shape[0],
      width=image.shape[1],
      quality=step,
      grey=image.shape[2] == 1,
      integer=True,
    )
    data = container.pack(header, strings)
    clock.lap("coder")
    self.last_seconds = clock.seconds
    return data

  def decompress(self, data: bytes) -> np.ndarray:
    clock = _Clock()
    header, strings = self._unpack(data)
    y_hat = self._decode(header, strings, clock)
    quality = tf.constant([header.quality / coding.STEPS], tf.float32)
    try:
      picture = strips.synthesise(
        lambda y: self._synthesis(y, quality),
        y_hat,
        (header.height, header.width),
      )
    except FloatingPointError as error:
      raise base.CorruptStream(
        f"the latents are no picture's: {error}"
      ) from error
    if header.grey:
      total = picture.sum(axis=-1, keepdims=True, dtype=np.uint16)
      picture = ((total + 1) // 3).astype(np.uint8)
    clock.lap("transforms")
    self.last_seconds = clock.seconds
    return picture

  def symbols(self, data: bytes) -> dict[str, np.ndarray]:
    """Returns the symbols of a stream, which are the same on all machines.

    Returns:
      `z`, int32 `[1, h, w, hyper_latents]`, and `y`, int32 `[1, 4h, 4w,
      latents]`.

    Raises:
      CorruptStream: as `decompress`.
    """
    header, strings = self._unpack(data)
    z = self._read_z(header, strings[0])
    parts = self._read_y(header, strings[1:], z, _Clock())
    return {
      "z": z,
      "y": np.concatenate([part.numpy() for _, part, _ in parts], axis=1),
    }

  def estimated_bits(
    self, image: np.ndarray, *, quality: float | None = None
  ) -> float:
    image = base.check_picture(image, self.spec)
    step = self._step(quality)
    y, z = self._latents(image, step)
    bits = float(
      tf.reduce_sum(
        self._network.prior.bits(
          tf.cast(z.reshape(-1, z.shape[-1]), tf.float32)
        )
      )
    )
    for rows, index, mean in self._parameters(z, step):
      symbols = self._rounded(y[:, rows], mean, step)
      bits += float(
        tf.reduce_sum(
          entropy.normal_bits(
            tf.cast(symbols, tf.float32), tf.cast(index, tf.float32)
          )
        )
      )
    return bits

  def _step(self, quality: float | None) -> int:
    """Returns the quality in sixteenths; the middle one by default."""
    levels = self._network.levels
    if quality is None:
      quality = (1 + levels) / 2
    if not 1 <= quality <= levels:
      raise ValueError(
        f"{self.spec} has qualities from 1 to {levels}; got {quality}"
      )
    return round(quality * coding.STEPS)

  def _sizes(self, height: int, width: int) -> tuple[int, int]:
    """Returns rows and columns of hyper-latents."""
    return -(-height // networks.STRIDE), -(-width // networks.STRIDE)

  def _symbols(self, height: int, width: int) -> list[int]:
    """Returns how many symbols each string of a picture may hold.

    They are those of z, of y, and of what lies beyond the tables of y.
    """
    h, w = self._sizes(height, width)
    config = self._network.get_config()
    ratio = hyper_transforms.STRIDE**2
    latents = h * w * ratio * config["latents"]
    return [h * w * config["hyper_latents"], latents, latents]

  def _latents(
    self, image: np.ndarray, step: int
  ) -> tuple[np.ndarray, np.ndarray]:
    """Returns y, float32 `[1, 4h, 4w, C]`, and z, int32 `[1, h, w, C']`."""
    size = tuple(n * networks.STRIDE for n in self._sizes(*image.shape[:2]))
    quality = tf.constant([step / coding.STEPS], tf.float32)
    colour = np.broadcast_to(image, (*image.shape[:2], 3))
    y = strips.analyse(lambda x: self._analysis(x, quality), colour, size)
    z = self._network.hyper_analysis(self._network.normalised(y))
    limit = hyper_transforms.SYMBOL_LIMIT
    return y, tf.cast(
      tf.clip_by_value(tf.round(z), -limit, limit), tf.int32
    ).numpy()

  def _parameters(
    self, z: np.ndarray, step: int
  ) -> Iterator[tuple[slice, tf.Tensor, tf.Tensor]]:
    """Yields indexes and means of the latents, strip by strip.

    They are int32 and float32 `[1, rows, columns, latents]`; the means are of
    latents that are scaled by the gain.
    """
    hidden = self._hyper.hidden(tf.cast(z, tf.float32))
    offset = self._coding["index_offsets"][step - coding.STEPS]
    log_gain, _ = self._log_gains(step)
    scale = self._coding["deviation"] * np.exp(log_gain)
    height, width = hidden.shape[1:3]
    rows = strips.heights(*(n * transforms.STRIDE for n in (height, width)))
    for top, bottom in strips.spans(height, rows // transforms.STRIDE):
      first = max(top - 1, 0)  # a latent sees one hidden row beyond its own
      part = hidden[:, first : bottom + 1]
      own = slice(top - first, bottom - first)
      index = tf.cast(self._hyper.indexes(part)[:, own], tf.int32) + offset
      mean = self._hyper.means(part)[:, own] * scale
      yield (
        slice(top, bottom),
        tf.clip_by_value(index, 0, entropy.SCALES - 1),
        mean,
      )

  def _log_gains(self, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the logarithms of the gains of a quality, `[latents]` each."""
    position = step / coding.STEPS - 1
    low = min(int(position), self._network.levels - 2)
    share = np.float32(position - low)
    return tuple(
      (1 - share) * self._coding[name][low]
      + share * self._coding[name][low + 1]
      for name in ("log_gain", "log_inverse")
    )

  def _rounded(self, y: np.ndarray, mean: tf.Tensor, step: int) -> tf.Tensor:
    log_gain, _ = self._log_gains(step)
    return tf.cast(tf.round(y * np.exp(log_gain) - mean), tf.int32)

  def _encode(
    self, y: np.ndarray, z: np.ndarray, step: int, clock: "_Clock"
  ) -> list[bytes]:
    encoder = entropy.Encoder(self._tables["z"])
    encoder.write(_channels(z.shape), tf.constant(z))
    strings = [encoder.finish().numpy()]
    clock.lap("coder")
    encoder = entropy.FarEncoder(self._tables["y"])
    for rows, index, mean in self._parameters(z, step):
      symbols = self._rounded(y[:, rows], mean, step)
      clock.lap("transforms")
      encoder.write(index, symbols)
      clock.lap("coder")
    return [*strings, *(string.numpy() for string in encoder.finish())]

  def _unpack(self, data: bytes) -> tuple[container.Header, list[bytes]]:
    """Returns header and strings; raises CorruptStream."""
    header, strings = container.unpack(
      data, codec=_CODEC, model=self.identity, symbols=self._symbols
    )
    levels = self._network.levels
    if not coding.STEPS <= header.quality <= coding.STEPS * levels:
      raise base.CorruptStream(
        f"a quality of {header.quality / coding.STEPS:g}; the model has 1 to "
        f"{levels}"
      )
    if not header.integer:
      raise base.CorruptStream("a hyper-synthesis in floating point")
    return header, strings

  def _decode(
    self, header: container.Header, strings: list[bytes], clock: "_Clock"
  ) -> np.ndarray:
    """Returns the latents of a file, float32 `[1, 4h, 4w, latents]`."""
    z = self._read_z(header, strings[0])
    clock.lap("coder")
    ratio = hyper_transforms.STRIDE
    _, h, w, _ = z.shape
    latents = self._network.get_config()["latents"]
    y_hat = np.empty((1, ratio * h, ratio * w, latents), np.float32)
    _, log_inverse = self._log_gains(header.quality)
    for rows, symbols, mean in self._read_y(header, strings[1:], z, clock):
      values = tf.cast(symbols, tf.float32) + mean
      y_hat[:, rows] = values * np.exp(log_inverse)
    return y_hat

  def _read_z(self, header: container.Header, string: bytes) -> np.ndarray:
    """Returns hyper-latents, int32 `[1, h, w, C]`; raises CorruptStream."""
    shape = (1, *self._sizes(header.height, header.width))
    channels = self._network.get_config()["hyper_latents"]
    decoder = entropy.Decoder(self._tables["z"], string)
    z = _read(decoder, _channels((*shape, channels))).numpy()
    _require_end(decoder, "z")
    limit = hyper_transforms.SYMBOL_LIMIT
    if z.min() < -limit or z.max() > limit:
      raise base.CorruptStream(f"a hyper-latent is beyond {limit}")
    return z

  def _read_y(
    self,
    header: container.Header,
    strings: list[bytes],
    z: np.ndarray,
    clock: "_Clock",
  ) -> Iterator[tuple[slice, tf.Tensor, tf.Tensor]]:
    """Yields symbols, int32, and means of latents, strip by strip."""
    decoder = entropy.FarDecoder(self._tables["y"], *strings)
    for rows, index, mean in self._parameters(z, header.quality):
      clock.lap("transforms")
      symbols = _read(decoder, index)
      clock.lap("coder")
      yield rows, symbols, mean
    _require_end(decoder, "y")


def _read(decoder: entropy.Decoder, table: tf.Tensor) -> tf.Tensor:
  try:
    return decoder.read(table)
  except tf.errors.OpError as error:
    raise base.CorruptStream(f"a string can not be read: {error}") from error


def _require_end(decoder: entropy.Decoder, name: str) -> None:
  if not decoder.finish():
    raise base.CorruptStream(f"the string of {name} does not end as it should")


def _channels(shape: tuple[int, ...]) -> tf.Tensor:
  """Returns the number of the channel of each position."""
  return tf.broadcast_to(tf.range(shape[-1]), shape)


class _Clock:
  """Adds up seconds by the name of what they went into."""

  def __init__(self):
    self.seconds: dict[str, float] = {}
    self._last = time.perf_counter()

  def lap(self, name: str) -> None:
    now = time.perf_counter()
    self.seconds[name] = self.seconds.get(name, 0.0) + now - self._last
    self._last = now


def identity(manifest: Mapping[str, Any]) -> bytes:
  """Returns what files name the model by: 8 bytes.

  They are of the SHA-256 over its architecture, weights and tables.
  """
  kept = {key: manifest[key] for key in ("model", "config", "sha256", "files")}
  text = json.dumps(kept, sort_keys=True, separators=(",", ":"))
  return hashlib.sha256(text.encode()).digest()[:8]
