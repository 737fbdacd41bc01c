"""Clips: video files, and folders of frames, as uint8 arrays in memory.

PyAV decodes. Its wheels include FFmpeg and work with NumPy 1, which TF 2.14
needs (those of OpenCV need NumPy 2). With PyAV a damaged stream is an error and
not a picture that the decoder made up.
"""

import pathlib
import re
from collections.abc import Iterable, Iterator

import numpy as np
import tensorflow as tf

from tfpercept import extras
from tfpercept.data import sources
from tfpercept.io import files

MAX_BYTES = 2**30
"""Limit of decoded frames in bytes: a gigabyte is 1100 frames of 640x480."""


def load(
  paths: Iterable[files.PathLike],
  *,
  max_side: int | None = None,
  max_bytes: int = MAX_BYTES,
) -> list[np.ndarray]:
  """Decodes clips into memory.

  Args:
    paths: Paths of video files of any format that FFmpeg reads, and of folders
      of frames: all pictures of a folder, in the order of their names, 2 before
      10.
    max_side: Limit of the longer side in pixels; larger frames are reduced to
      it by averaging.
    max_bytes: Limit of the memory of all decoded frames together, in bytes.

  Returns:
    Clips, one uint8 `[T, H, W, 3]` for each path. A rotation in a file's
    metadata is not applied; gray becomes RGB.

  Raises:
    ValueError: if a path is neither, a file is damaged, empty or cut short,
      its frames differ in size, or there are more than `max_bytes`. The message
      names all faults at once.
    ImportError: if a video file is given and PyAV is not installed.
  """
  clips, taken, wrong = [], 0, []
  for path in map(pathlib.Path, paths):
    frames = []
    try:
      for frame in _frames(path):
        frames.append(_reduced(frame, max_side))
        if frames[-1].shape != frames[0].shape:
          raise ValueError(
            f"{path} changes its size at frame {len(frames) - 1}, from "
            f"{_size(frames[0])} to {_size(frames[-1])}; split it there"
          )
        taken += frames[-1].nbytes
        if taken > max_bytes:
          break
    except ImportError:
      raise
    except (ValueError, OSError) as error:
      wrong.append(str(error))
      continue
    if taken > max_bytes:
      raise ValueError(
        f"the frames up to {path} take more than {max_bytes / 2**20:.0f} MiB;"
        " use fewer or shorter clips, a smaller max_side, or raise max_bytes"
      )
    clips.append(np.stack(frames))
  if wrong:
    raise ValueError("; ".join(wrong))
  if not clips:
    raise ValueError("no clip given; name video files or folders of frames")
  return clips


def _frames(path: pathlib.Path) -> Iterator[np.ndarray]:
  if path.is_dir():
    pictures = sorted(sources.pictures_in(path), key=_natural)
    _require_once(path, pictures)
    damaged = []
    for picture in pictures:
      try:
        image = files.read_image(picture)
      except ImportError:
        raise
      except (ValueError, OSError) as error:
        damaged.append(str(error))
        continue
      yield np.broadcast_to(image, (*image.shape[:2], 3))
    if damaged:
      raise ValueError(
        f"{'; '.join(damaged)}. Put the frames back, or leave {path} out; "
        "without them frames that were apart would become neighbors"
      )
  elif path.is_file():
    yield from _decoded(path)
  else:
    raise ValueError(
      f"expected a video file or a folder of frames; {path} does not exist"
    )


def _require_once(folder: pathlib.Path, pictures: list[pathlib.Path]) -> None:
  """Raises ValueError if a frame exists twice, such as 1.png and 1.jpg."""
  seen: dict[str, str] = {}
  for picture in pictures:
    twin = seen.setdefault(picture.stem, picture.name)
    if twin != picture.name:
      raise ValueError(
        f"the frame {picture.stem} of {folder} is ambiguous: {twin} and "
        f"{picture.name}"
      )


def _natural(path: pathlib.Path) -> list[tuple[int, str]]:
  """Returns a key that sorts numbers in names by their value."""
  parts = re.split(r"([0-9]+)", path.name)
  return [(int(p), "") if p.isdecimal() else (-1, p) for p in parts]


def _decoded(path: pathlib.Path) -> Iterator[np.ndarray]:
  with extras.needed(f"videos such as {path}, unlike folders of frames,"):
    import av
  count, end = 0, 0.0
  try:
    # An open file and no protocols: FFmpeg would take the name 10:30.mp4 for an
    # address, and a playlist under any name would make it open other files.
    with (
      open(path, "rb") as file,
      av.open(file, options={"protocol_whitelist": "none"}) as container,
    ):
      if not container.streams.video:
        raise ValueError(f"{path} holds no video")
      stream = container.streams.video[0]
      if stream.codec_context is None:
        raise ValueError(f"{path} is of an unknown codec, or damaged")
      # By default FFmpeg paints over the parts that it cannot decode.
      stream.codec_context.options = {"err_detect": "explode"}
      stream.thread_type = "AUTO"
      for frame in container.decode(stream):
        yield frame.to_ndarray(format="rgb24")
        count, end = count + 1, frame.time or 0.0
      expected, duration = stream.frames, container.duration
  except (
    av.error.FFmpegError,
    OSError,
  ) as error:  # an empty file is the latter
    raise ValueError(
      f"{path} is not a video or is damaged after {count} frames "
      f"({error.strerror}); leave it out or make it again"
    ) from error
  _check_whole(path, count, expected, end, duration)


def _check_whole(
  path: pathlib.Path,
  count: int,
  expected: int,
  end: float,
  duration: int | None,
) -> None:
  """Raises ValueError if a video ends early.

  Some formats state no number of frames but only a duration.
  """
  if count < max(expected, 1):
    raise ValueError(
      f"{path} is cut short: {count} frames, its header says {expected}"
    )
  seconds = (duration or 0) / 1e6
  # Sound may outlast the pictures a little.
  if not expected and end < 0.9 * seconds - 1:
    raise ValueError(
      f"{path} is cut short: its last frame is at {end:.1f} s, its header says "
      f"{seconds:.1f} s"
    )


def _reduced(frame: np.ndarray, max_side: int | None) -> np.ndarray:
  height, width = frame.shape[:2]
  if max_side is None or max(height, width) <= max_side:
    return frame
  scale = max_side / max(height, width)
  size = [max(1, round(side * scale)) for side in (height, width)]
  small = tf.image.resize(frame, size, method="area").numpy()
  return np.round(small).astype(np.uint8)


def _size(frame: np.ndarray) -> str:
  return f"{frame.shape[0]}x{frame.shape[1]}"
