"""The tool that makes data of emoji keeps what is alike in one part."""

import numpy as np
import pytest
from PIL import Image

from tools import emoji_pictures


@pytest.mark.parametrize(
  ("one", "other", "is_alike"),
  [
    ("1f44d.png", "1f44d-1f3ff.webp", True),  # thumbs of any skin
    ("1f468-200d-1f33e.png", "1f469-1f3fb-200d-1f33e.png", True),  # farmers
    ("1f550.png", "1f565.png", True),  # clocks
    ("1f1e9-1f1ea.png", "1f1e9-1f1f0.png", False),  # flags, both of D
    ("1f600.png", "1f601.png", False),
  ],
)
def test_variants_of_an_emoji_are_one_group(one, other, is_alike):
  groups = emoji_pictures.group(one), emoji_pictures.group(other)
  assert (groups[0] == groups[1]) == is_alike


def test_about_a_tenth_of_the_groups_is_tested():
  tested = [emoji_pictures.is_tested(0x1F300 + i) for i in range(1000)]
  assert 60 < sum(tested) < 140


def test_parts_share_no_group_and_pictures_lie_on_white(tmp_path):
  assets = tmp_path / "package" / "assets"
  assets.mkdir(parents=True)
  for point in range(0x1F600, 0x1F620):
    for skin in ("", "-1f3fb"):
      clear = Image.new("RGBA", (128, 128), (255, 0, 0, 0))
      clear.save(assets / f"{point:x}{skin}.webp", lossless=True)
  (tmp_path / "package" / "LICENSE").write_text("MIT")
  emoji_pictures.main(
    [f"--fluent={tmp_path}/package", f"--out={tmp_path}/out", "--side=32"]
  )
  with np.load(tmp_path / "out" / "emoji.npz") as made:
    assert not set(made["y_train"]) & set(made["y_test"])
    assert len(made["x_train"]) + len(made["x_test"]) == 64
    assert made["x_train"].shape[1:] == (32, 32, 3)
    assert made["x_train"].min() == 255
  assert (tmp_path / "out" / "fluent.LICENSE").read_text() == "MIT"


def test_a_folder_without_emoji_is_refused(tmp_path, capsys):
  with pytest.raises(SystemExit):
    emoji_pictures.main([f"--google={tmp_path}", f"--out={tmp_path}/out"])
  assert "holds no emoji" in capsys.readouterr().err
