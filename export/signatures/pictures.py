"""Picture files in a graph, which nobody has looked at before."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from export.signatures import base

_PNG = b"\x89PNG\r\n\x1a\n"
_FIRST_CHUNK = b"\0\0\0\rIHDR"  # its length, 13, and its name
_BYTE_VALUES = (1 << 24, 1 << 16, 1 << 8, 1)  # PNG is big-endian
_HEAD = 24  # bytes of a PNG up to the end of width and height

MAX_PIXELS = 4_000_000
"""Largest number of pixels of a file; a few kilobytes may claim any size."""
MAX_BYTES = 40_000_000
"""Largest size of a picture file: 16-bit RGBA of so many pixels, and more."""
LIMITS = {"max_pixels": MAX_PIXELS, "max_bytes": MAX_BYTES}
"""Limits of a picture file, as the manifest of an export has them."""
PARALLEL = 4
"""Number of pictures of a batch that are worked on at a time."""
MEANING = (
  f"PNG or JPEG file of at most {MAX_PIXELS} pixels, sizes may differ; "
  "alpha is laid over white, 16 bits are read in full, an EXIF rotation is not "
  "applied"
)
STATUS = base.Tensor(
  "string",
  (None,),
  "empty where the answer is good, else one line that says why there is none",
)


class Read(NamedTuple):
  """The picture of a file, or the reason why there is none.

  Attributes:
    reason: Empty, or one line that says why the file was refused, a string.
    image: Float32 `[H, W, 1 or 3]` in [0, 1]; one black pixel if refused.
  """

  reason: tf.Tensor
  image: tf.Tensor


def read(contents: tf.Tensor) -> Read:
  """Returns the picture of a file, or why there is none.

  It raises nothing, in a graph and eagerly, so that a bad file spoils no other
  of its batch. Nothing is decoded before its size is known.

  Args:
    contents: A PNG or JPEG file, a string.
  """
  length = tf.strings.length(contents)
  height, width = _claimed_size(contents)
  reason = first(
    (
      length > MAX_BYTES,
      [f"a picture file has at most {MAX_BYTES} bytes; got ", length],
    ),
    (height < 0, ["the file is no picture in PNG or JPEG"]),
    (
      (height < 1) | (width < 1),
      ["the header of the picture file is damaged"],
    ),
    (
      height * width > MAX_PIXELS,
      [
        f"a picture has at most {MAX_PIXELS} pixels; got ",
        width,
        "x",
        height,
      ],
    ),
  )
  nothing = tf.zeros([0, 0, 0])
  image = if_good(
    reason,
    lambda: attempt(
      lambda file: tf.io.decode_image(
        file, dtype=tf.float32, expand_animations=False
      ),
      contents,
      nothing,
    ),
    nothing,
  )
  image = tf.ensure_shape(image, [None, None, None])
  damaged = (reason == "") & (tf.size(image) < 1)
  reason = tf.where(
    damaged, "the picture file is damaged or incomplete", reason
  )
  black = tf.zeros([1, 1, 1])
  return Read(reason, if_good(reason, lambda: _over_white(image), black))


def first(*cases: tuple[tf.Tensor, Sequence[str | tf.Tensor]]) -> tf.Tensor:
  """Returns the line of the first condition that holds; empty if none does.

  Args:
    *cases: Pairs of a condition, a scalar, and the parts of a line: texts and
      numbers.
  """
  reason = tf.constant("")
  for condition, parts in reversed(cases):
    line = tf.strings.join(
      [
        part
        if isinstance(part, str) or part.dtype == tf.string
        else tf.strings.as_string(part)
        for part in parts
      ]
    )
    reason = tf.where(condition, line, reason)
  return reason


def if_good(
  reason: tf.Tensor, function: Callable[[], Any], otherwise: Any
) -> Any:
  """Returns what a function returns if there is no reason against it.

  Args:
    reason: A string; the function runs if it is empty.
    function: Function without arguments that returns tensors.
    otherwise: Tensors of the same types, whose shapes may be others.
  """
  return tf.cond(reason == "", function, lambda: otherwise)


def attempt(
  function: Callable[[tf.Tensor], tf.Tensor],
  given: tf.Tensor,
  otherwise: tf.Tensor,
) -> tf.Tensor:
  """Returns what a function returns, or something else where it fails.

  A graph knows no exceptions. Data sets do: they can leave out the elements
  whose function failed.

  Args:
    function: Function of one tensor, which may fail.
    given: The argument of the function.
    otherwise: Tensor of the same type and rank, for when it fails.
  """
  outcome = tf.data.Dataset.from_tensors(given).map(function).ignore_errors()
  instead = tf.data.Dataset.from_tensors(otherwise)
  return outcome.concatenate(instead).take(1).get_single_element()


def each(
  function: Callable[..., Any], given: Any, types: Any
) -> tuple[tf.Tensor, ...]:
  """Returns what a function returns for each element of a batch.

  `PARALLEL` elements are worked on at a time: decoders and range coders take
  one processor each.

  Args:
    function: Function from elements of `given` to a tuple of tensors.
    given: Tensor `[N, ...]` or a tuple of them.
    types: Tuple of `tf.TensorSpec`, those of the results.

  Raises:
    tf.errors.InvalidArgumentError: if the tensors have not the same N.
  """
  at_once = None if tf.executing_eagerly() else PARALLEL
  with tf.control_dependencies(_of_one_length(tf.nest.flatten(given))):
    given = tf.nest.map_structure(tf.identity, given)
  found: tuple[tf.Tensor, ...] = tf.map_fn(
    function, given, fn_output_signature=types, parallel_iterations=at_once
  )
  return found


def _of_one_length(given: Sequence[tf.Tensor]) -> list[tf.Operation]:
  """Returns what asserts that tensors have the same number of elements."""
  lengths = [tf.shape(one)[0] for one in given]
  same = tf.reduce_all(tf.equal(lengths, lengths[0]))
  line = (
    "all inputs of a call need the same number of elements, one for each "
    "answer; got"
  )
  check = tf.debugging.Assert(same, [line, *lengths])
  return [check] if check is not None else []  # eagerly there is no operation


def bytes_and_status(
  function: Callable[..., tuple[tf.Tensor, tf.Tensor]], given: Any, name: str
) -> dict[str, tf.Tensor]:
  """Returns the files and the status of each element of a batch.

  Args:
    function: Function from elements of `given` to a file and a reason why there
      is none, which is empty if there is one.
    given: Tensor `[N, ...]` or a tuple of them.
    name: Name of the output that has the files.
  """
  text = tf.TensorSpec((), tf.string)
  files, status = each(function, given, (text, text))
  return {name: files, "status": status}


def _claimed_size(contents: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns height and width as the header of a file claims them, int64.

  They are -1 if it is neither PNG nor JPEG, and 0 if its header is damaged.
  """
  # Zeros follow, so that a short file has all bytes that are looked at.
  padded = tf.strings.join([contents, b"\0" * _HEAD])

  def from_png() -> tf.Tensor:
    # The first chunk comes next. Decoders skip one that they do not know, and
    # take the size from a later one, so it has to be the header.
    place = len(_PNG) + len(_FIRST_CHUNK)
    chunk = tf.strings.substr(padded, len(_PNG), len(_FIRST_CHUNK))
    size = tf.io.decode_raw(tf.strings.substr(padded, place, 8), tf.uint8)
    size = tf.cast(tf.reshape(size, [2, 4]), tf.int64)
    size = tf.reverse(tf.reduce_sum(size * _BYTE_VALUES, axis=1), [0])
    return tf.where(tf.equal(chunk, _FIRST_CHUNK), size, tf.zeros_like(size))

  def from_jpeg() -> tf.Tensor:
    # The decoder's own parser, which refuses a second frame header.
    none = tf.zeros([3], tf.int64)
    return attempt(
      lambda file: tf.io.extract_jpeg_shape(file, tf.int64), contents, none
    )[:2]

  def other() -> tf.Tensor:
    return tf.constant([-1, -1], tf.int64)

  is_png = tf.equal(tf.strings.substr(padded, 0, len(_PNG)), _PNG)
  size = tf.cond(
    tf.io.is_jpeg(contents), from_jpeg, lambda: tf.cond(is_png, from_png, other)
  )
  size = tf.ensure_shape(size, [2])
  return size[0], size[1]


def _over_white(image: tf.Tensor) -> tf.Tensor:
  """Lays `[H, W, 1 to 4]` over white; 2 and 4 channels end in alpha."""
  channels = tf.shape(image)[-1]
  has_alpha = 1 - channels % 2
  alpha = tf.cond(
    has_alpha > 0,
    lambda: image[..., channels - 1 :],
    lambda: tf.ones_like(image[..., :1]),
  )
  return image[..., : channels - has_alpha] * alpha + (1.0 - alpha)
