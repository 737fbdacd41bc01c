"""Drawn pictures, made by Pillow alone: text, a chart, line art."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_WORDS = (
  "Codecs turn a picture into bytes and back. What was drawn has sharp edges "
  "and few colors; what was photographed has noise and shades. "
)


def text(height: int = 256, width: int = 384, *, size: int = 12) -> np.ndarray:
  """Returns a page of text in Pillow's own font, uint8 `[H, W, 1]`."""
  page = Image.new("L", (width, height), 255)
  draw = ImageDraw.Draw(page)
  font = ImageFont.load_default(size)
  words, top = (_WORDS * 60).split(), 8
  np.random.default_rng(3).shuffle(words)  # or lines would repeat exactly
  while top < height - size:
    line = []
    while draw.textlength(" ".join([*line, words[0]]), font) < width - 16:
      line.append(words.pop(0))
    draw.text((8, top), " ".join(line), font=font, fill=0)
    top += size * 3 // 2
  return np.asarray(page)[..., None]


def chart(height: int = 256, width: int = 384) -> np.ndarray:
  """Returns bars, axes and smoothed lines, uint8 `[H, W, 3]`."""
  large = Image.new("RGB", (2 * width, 2 * height), "white")
  draw = ImageDraw.Draw(large)
  random = np.random.default_rng(0)
  for left in range(40, 2 * width - 60, 50):
    top = int(random.integers(40, 2 * height - 60))
    fill = tuple(random.integers(0, 256, 3).tolist())
    draw.rectangle((left, top, left + 30, 2 * height - 40), fill)
  for fill in ("red", "blue", "green"):
    tops = random.integers(40, 2 * height - 40, 12).tolist()
    draw.line(
      [(40 + i * width // 6, y) for i, y in enumerate(tops)], fill, width=5
    )
  draw.line((40, 2 * height - 40, 2 * width, 2 * height - 40), "black", 4)
  return np.asarray(large.resize((width, height), Image.Resampling.BOX))


def line_art(height: int = 256, width: int = 384) -> np.ndarray:
  """Returns outlined discs, smoothed, uint8 `[H, W, 3]`."""
  large = Image.new("RGB", (2 * width, 2 * height), (250, 245, 230))
  draw = ImageDraw.Draw(large)
  random = np.random.default_rng(1)
  for _ in range(14):
    x, y = random.integers(0, 2 * width), random.integers(0, 2 * height)
    r = int(random.integers(20, 150))
    fill = tuple(random.integers(0, 256, 3).tolist())
    draw.ellipse((x - r, y - r, x + r, y + r), fill, "black", 8)
  return np.asarray(large.resize((width, height), Image.Resampling.BOX))


def gradient(height: int = 256, width: int = 384) -> np.ndarray:
  """Returns shades in both directions, uint8 `[H, W, 3]`."""
  found = np.empty((height, width, 3), np.uint8)
  found[..., 0] = np.linspace(0, 255, width)
  found[..., 1] = np.linspace(0, 255, height)[:, None]
  found[..., 2] = 90
  return found


def noise(height: int = 256, width: int = 384) -> np.ndarray:
  """Returns uniform noise, uint8 `[H, W, 3]`."""
  return np.random.default_rng(2).integers(0, 256, (height, width, 3), np.uint8)
