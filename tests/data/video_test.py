"""Clips are decoded whole, or refused with the reason."""

import pathlib
import sys

import numpy as np
import pytest

from tfpercept.data import video
from tfpercept.io import files

FRAMES, HEIGHT, WIDTH = 8, 48, 64


def frame(number):
  """Gray of the frame's number, with a white square that moves right."""
  image = np.full((HEIGHT, WIDTH, 3), 20 * number, np.uint8)
  image[16:32, 4 * number : 4 * number + 16] = 255
  return image


@pytest.fixture
def clip(tmp_path):
  """An H.264 file made here."""
  av = pytest.importorskip("av", reason="PyAV is in the extra 'video'")
  path = tmp_path / "clip.mp4"
  with av.open(str(path), "w") as container:
    stream = container.add_stream("libx264", rate=25, options={"crf": "1"})
    stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv444p"
    for number in range(FRAMES):
      picture = av.VideoFrame.from_ndarray(frame(number), format="rgb24")
      container.mux(stream.encode(picture))
    container.mux(stream.encode())
  return path


def test_a_video_file_gives_all_its_frames_in_order(clip):
  (found,) = video.load([clip])
  assert found.shape == (FRAMES, HEIGHT, WIDTH, 3)
  assert found.dtype == np.uint8
  expected = np.stack([frame(n) for n in range(FRAMES)])
  # Nearly lossless coding; 8-bit YCbCr alone moves a value by 2.
  assert np.abs(found.astype(int) - expected).max() <= 6


def test_a_folder_of_frames_is_a_clip_in_the_order_of_names(tmp_path):
  for number in (2, 0, 1):
    files.write_image(tmp_path / f"{number}.png", frame(number))
  (found,) = video.load([tmp_path])
  np.testing.assert_array_equal(found, [frame(n) for n in range(3)])


def test_frames_are_in_the_order_of_the_numbers_in_their_names(tmp_path):
  for number in (1, 2, 10):
    files.write_image(tmp_path / f"f{number}.png", frame(number))
  (found,) = video.load([tmp_path])
  np.testing.assert_array_equal(found, [frame(n) for n in (1, 2, 10)])


def test_a_name_is_no_address(clip, monkeypatch):
  monkeypatch.chdir(clip.parent)
  clip.rename("10:30.mp4")
  (found,) = video.load(["10:30.mp4"])
  assert len(found) == FRAMES


@pytest.mark.parametrize(
  ("name", "text"),
  [
    ("list.mp4", "ffconcat version 1.0\nfile clip.mp4\n"),
    ("list.ffconcat", "ffconcat version 1.0\nfile clip.mp4\n"),
    (
      "list.m3u8",
      "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.3,\nclip.ts\n"
      "#EXT-X-ENDLIST\n",
    ),
  ],
)
def test_a_playlist_opens_no_other_file(clip, name, text, monkeypatch):
  monkeypatch.chdir(clip.parent)
  remux(clip, clip.with_suffix(".ts"))
  clip.with_name(name).write_text(text)
  with pytest.raises(ValueError, match=f"{name} is not a video"):
    video.load([name])


def remux(source, path):
  import av

  with av.open(str(source)) as old, av.open(str(path), "w") as new:
    stream = new.add_stream("mpeg4", rate=25)
    stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    for picture in old.decode(video=0):
      new.mux(stream.encode(picture.reformat(format="yuv420p")))
    new.mux(stream.encode())


def test_large_frames_are_reduced_by_averaging(tmp_path):
  files.write_image(tmp_path / "0.png", frame(3))
  (found,) = video.load([tmp_path], max_side=32)
  blocks = frame(3).reshape(24, 2, 32, 2, 3).mean(axis=(1, 3))
  np.testing.assert_array_equal(found[0], np.round(blocks))
  (same,) = video.load([tmp_path], max_side=64)
  np.testing.assert_array_equal(same[0], frame(3))


def test_more_than_the_bound_is_refused_while_decoding(tmp_path):
  for number in range(3):
    files.write_image(tmp_path / f"{number}.png", frame(number))
  size = 3 * frame(0).nbytes
  assert len(video.load([tmp_path], max_bytes=size)[0]) == 3
  with pytest.raises(ValueError, match=r"take more than .* smaller max_side"):
    video.load([tmp_path], max_bytes=size - 1)


def damaged(clip, change):
  data = bytearray(clip.read_bytes())
  change(data)
  path = clip.with_name(f"damaged{clip.suffix}")
  path.write_bytes(data)
  return path


def wipe(data):
  begin = data.index(b"mdat") + 4
  data[begin + 900 : begin + 1100] = bytes(200)


def unknown_codec(data):
  place = data.index(b"avc1", data.index(b"stsd"))
  data[place : place + 4] = b"xxxx"


def cut(data):
  del data[len(data) // 2 :]


@pytest.mark.parametrize("change", [wipe, cut, bytearray.clear, unknown_codec])
def test_a_damaged_file_is_named_and_not_painted_over(clip, change):
  path = damaged(clip, change)
  with pytest.raises(ValueError, match=rf"{path} is .*damaged"):
    video.load([path])


def test_a_file_that_ends_early_is_refused(shared, tmp_path):
  pytest.importorskip("av", reason="PyAV is in the extra 'video'")
  data = (shared / "data/video/flipping_a_pancake.mkv").read_bytes()
  path = tmp_path / "half.mkv"
  path.write_bytes(data[: len(data) // 2])
  with pytest.raises(ValueError, match=r"cut short: .* at 5\.\d s.* 10\.4 s"):
    video.load([path])


def test_sound_alone_is_no_clip(tmp_path):
  av = pytest.importorskip("av", reason="PyAV is in the extra 'video'")
  path = tmp_path / "sound.wav"
  with av.open(str(path), "w") as container:
    stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
    silence = av.AudioFrame.from_ndarray(
      np.zeros((1, 800), np.int16), format="s16", layout="mono"
    )
    silence.sample_rate = 8000
    container.mux(stream.encode(silence))
    container.mux(stream.encode())
  with pytest.raises(ValueError, match="holds no video"):
    video.load([path])


def test_frames_of_two_sizes_are_refused(tmp_path):
  files.write_image(tmp_path / "0.png", frame(0))
  files.write_image(tmp_path / "1.png", frame(0)[:-2])
  with pytest.raises(ValueError, match="frame 1, from 48x64 to 46x64"):
    video.load([tmp_path])


def test_what_is_not_there_is_refused(tmp_path):
  with pytest.raises(ValueError, match="does not exist"):
    video.load([tmp_path / "none.mp4"])
  with pytest.raises(ValueError, match="no clip given"):
    video.load([])


def test_without_the_decoder_the_extra_is_named(tmp_path, monkeypatch):
  path = tmp_path / "clip.mp4"
  path.write_bytes(b"")
  monkeypatch.setitem(sys.modules, "av", None)
  with pytest.raises(ImportError, match=r"tfpercept\[video\]"):
    video.load([path])


def test_real_clips_have_the_frames_that_their_table_states(shared):
  pytest.importorskip("av", reason="PyAV is in the extra 'video'")
  folder = pathlib.Path(shared) / "data/video"
  clips = video.load(
    [folder / "carphone_pristine.mp4", folder / "flipping_a_pancake.mkv"]
  )
  assert [c.shape for c in clips] == [(120, 144, 176, 3), (310, 240, 426, 3)]
  for found in clips:
    step = np.abs(np.diff(found[:40].astype(np.int16), axis=0)).mean()
    jump = np.abs(found[30].astype(np.int16) - found[0]).mean()
    assert 0 < step < jump  # neighbors are nearer than frames a second apart


def test_a_frame_in_two_formats_is_refused_by_name(tmp_path):
  for name in ("1.png", "2.png", "1.bmp"):
    files.write_image(tmp_path / name, np.zeros((4, 4, 3), np.uint8))
  with pytest.raises(ValueError, match=r"frame 1 of .*: 1\.bmp and 1\.png"):
    video.load([tmp_path])


def test_all_that_is_wrong_with_clips_is_named_at_once(tmp_path):
  for clip in ("a", "b"):
    for frame in range(3):
      image = np.full((8, 8, 3), frame, np.uint8)
      files.write_image(tmp_path / clip / f"{frame}.png", image)
    (tmp_path / clip / "1.png").write_bytes(b"x")
    (tmp_path / clip / "2.png").write_bytes(b"x")
  with pytest.raises(ValueError, match="Put the frames back") as caught:
    video.load([tmp_path / "a", tmp_path / "no", tmp_path / "b"])
  for name in ("a/1.png", "a/2.png", "no does not exist", "b/1.png", "b/2.png"):
    assert name in str(caught.value)
