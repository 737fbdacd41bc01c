"""Files are written whole or not at all; bad pictures are named."""

import numpy as np
import pytest
from PIL import Image

from tfpercept import files


def test_a_failing_write_leaves_the_old_file_and_nothing_else(tmp_path):
  path = tmp_path / "x.txt"
  files.write_text(path, "old")
  with pytest.raises(RuntimeError), files.atomic(path) as temporary:
    temporary.write_text("half")
    raise RuntimeError
  assert path.read_text() == "old"
  assert [p.name for p in tmp_path.iterdir()] == ["x.txt"]


def test_a_folder_is_replaced_whole(tmp_path):
  for content in ("one", "two"):
    with files.atomic(tmp_path / "folder") as temporary:
      temporary.mkdir()
      (temporary / content).write_text(content)
  assert [p.name for p in tmp_path.rglob("*")] == ["folder", "two"]


def test_json_with_nan_is_refused(tmp_path):
  with pytest.raises(ValueError, match="not JSON compliant"):
    files.write_json(tmp_path / "x.json", {"a": float("nan")})
  assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [(5, 7, 3), (5, 7, 1)])
def test_pictures_survive_a_round_trip(tmp_path, shape):
  image = np.random.randint(0, 256, shape, np.uint8)
  files.write_image(tmp_path / "x.png", image)
  np.testing.assert_array_equal(files.read_image(tmp_path / "x.png"), image)


def test_transparency_is_laid_over_white(tmp_path):
  Image.new("RGBA", (2, 2), (255, 0, 0, 0)).save(tmp_path / "x.png")
  assert (files.read_image(tmp_path / "x.png") == 255).all()


def test_16_bit_grey_is_reduced_to_8_bits(tmp_path):
  values = np.array([[0, 257, 65535]], np.uint16)
  Image.fromarray(values).save(tmp_path / "x.png")
  image = files.read_image(tmp_path / "x.png")
  np.testing.assert_array_equal(image[..., 0], [[0, 1, 255]])


def test_bad_pictures_are_named_with_the_reason(tmp_path):
  (tmp_path / "empty.png").write_bytes(b"")
  (tmp_path / "text.png").write_text("hello")
  image = np.random.randint(0, 256, (64, 64, 3), np.uint8)
  files.write_image(tmp_path / "cut.png", image)
  data = (tmp_path / "cut.png").read_bytes()
  (tmp_path / "cut.png").write_bytes(data[: len(data) // 2])
  frames = [Image.new("L", (2, 2), level) for level in (0, 255)]
  frames[0].save(
    tmp_path / "moving.png", save_all=True, append_images=frames[1:]
  )
  for name, reason in {
    "empty": "not a readable picture",
    "text": "not a readable picture",
    "cut": "not a readable picture",
    "moving": "animated",
    "absent": "does not exist",
  }.items():
    with pytest.raises(ValueError, match=f"{name}.png.*{reason}"):
      files.read_image(tmp_path / f"{name}.png")


def test_a_folder_without_pictures_is_refused(tmp_path):
  with pytest.raises(ValueError, match="no picture in"):
    files.list_images(tmp_path)
  with pytest.raises(ValueError, match="expected a folder"):
    files.list_images(tmp_path / "absent")


def test_sha256_is_that_of_the_content(tmp_path):
  files.write_bytes(tmp_path / "x", b"abc")
  assert files.sha256(tmp_path / "x").startswith("ba7816bf8f01cfea")


@pytest.mark.parametrize("alpha", [0, 100, 255])
def test_grey_with_transparency_stays_grey(tmp_path, alpha):
  Image.new("LA", (3, 2), (50, alpha)).save(tmp_path / "a.png")
  found = files.read_image(tmp_path / "a.png")
  assert found.shape == (2, 3, 1)
  # Pillow rounds twice.
  assert (
    abs(int(found[0, 0, 0]) - (50 * alpha + 255 * (255 - alpha)) / 255) <= 1
  )


@pytest.mark.parametrize("mode", ["F", "I"])
def test_numbers_of_unknown_range_are_refused(tmp_path, mode):
  Image.new(mode, (3, 2), 1).save(tmp_path / "a.tif")
  with pytest.raises(ValueError, match="give a picture of 8 or 16 bits"):
    files.read_image(tmp_path / "a.tif")
