"""Pictures come to one size with their labels, in batches that repeat."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from tfpercept.data import examples
from tfpercept.io import files


@pytest.fixture
def faces(tmp_path):
  """A file like those of face databases: pictures, labels, names."""
  random = np.random.default_rng(0)
  images = random.integers(0, 256, (10, 40, 40), np.uint8)
  np.savez(
    tmp_path / "faces.npz",
    images=images,
    identity=np.arange(10),
    azimuth=np.linspace(-90, 90, 10),
    landmarks=np.zeros((10, 5)),
    filename=np.array([f"face{i}.pgm" for i in range(10)]),
  )
  return str(tmp_path / "faces.npz"), images


def test_pictures_of_the_right_size_are_kept_with_labels_of_their_number(faces):
  path, images = faces
  data = examples.load([path], side=40, channels=1)
  np.testing.assert_array_equal(data.images[..., 0], images)
  assert sorted(data.labels) == ["azimuth", "identity"]
  part = data.take(np.arange(10) > 7)
  assert part.labels["identity"].tolist() == [8, 9]
  assert part.images.shape == (2, 40, 40, 1)


def test_keras_layout_has_two_parts(tmp_path):
  path = tmp_path / "digits.npz"
  random = np.random.default_rng(0)
  arrays = {
    "x_train": random.integers(0, 256, (6, 28, 28), np.uint8),
    "y_train": np.arange(6),
    "x_test": random.integers(0, 256, (4, 28, 28), np.uint8),
    "y_test": np.arange(4),
  }
  np.savez(path, **arrays)
  for split in examples.SPLITS:
    data = examples.load(
      [str(path)], side=32, channels=1, fit="pad", split=split
    )
    inside = data.images[:, 2:-2, 2:-2, 0]
    np.testing.assert_array_equal(inside, arrays[f"x_{split}"])
    # The border goes on outwards.
    np.testing.assert_array_equal(data.images[:, 0, 2:-2, 0], inside[:, 0])
    assert data.labels["label"].tolist() == arrays[f"y_{split}"].tolist()


def test_labels_of_keras_color_pictures_are_read(tmp_path):
  path = str(tmp_path / "cifar.npz")
  images = np.zeros((5, 32, 32, 3), np.uint8)
  np.savez(path, x_train=images, y_train=np.arange(5)[:, None])
  data = examples.load([path], side=32, channels=3)
  assert data.labels["label"].tolist() == [0, 1, 2, 3, 4]


def test_a_file_that_is_not_there_is_named(tmp_path):
  path = str(tmp_path / "none.npz")
  with pytest.raises(ValueError, match=r"no file of pictures .*none\.npz"):
    examples.load([path], side=32, channels=3)


def test_resizing_takes_the_middle_square_and_keeps_its_mean(tmp_path):
  picture = np.zeros((60, 100, 3), np.uint8)
  picture[:, 20:80] = 200  # all that the middle square sees
  files.write_image(tmp_path / "a.png", picture)
  files.write_image(tmp_path / "b.png", np.full((33, 33, 3), 90, np.uint8))
  data = examples.load([str(tmp_path)], side=32, channels=3)
  assert data.images.shape == (2, 32, 32, 3)
  assert np.unique(data.images[0]).tolist() == [200]
  assert np.unique(data.images[1]).tolist() == [90]
  assert data.labels == {}


def test_crops_tile_photographs_at_three_sizes(tmp_path):
  files.write_image(tmp_path / "a.png", np.zeros((130, 200, 3), np.uint8))
  data = examples.load([str(tmp_path)], side=32, channels=1, fit="crops")
  # 130x200, 65x100 and 33x50 hold 4x6, 2x3 and 1x1.
  assert data.images.shape == (24 + 6 + 1, 32, 32, 1)


def test_color_turns_gray_by_the_weights_of_bt_601(tmp_path):
  picture = np.zeros((32, 32, 3), np.uint8)
  picture[..., 1] = 100
  files.write_image(tmp_path / "a.png", picture)
  data = examples.load([str(tmp_path)], side=32, channels=1)
  assert np.unique(data.images).tolist() == [59]  # 0.587 * 100


def test_sources_are_joined_with_the_labels_that_all_have(faces, tmp_path):
  path, _ = faces
  np.savez(
    tmp_path / "more.npz",
    faces=np.zeros((2, 40, 40), np.uint8),
    identity=np.array([7, 7]),
  )
  more = str(tmp_path / "more.npz")
  data = examples.load([path, more], side=40, channels=1)
  assert len(data) == 12
  assert list(data.labels) == ["identity"]
  assert data.labels["identity"].tolist() == [*range(10), 7, 7]


def test_a_tfds_data_set_is_read_by_name():
  with tfds.testing.mock_data(num_examples=3):
    data = examples.load(["stl10"], side=96, channels=1, split="test")
  assert data.images.shape == (3, 96, 96, 1)


@pytest.mark.parametrize(
  ("names", "options", "message"),
  [
    ([], {}, "no source of pictures"),
    (["packaged"], {"fit": "stretch"}, "fit is one of resize, pad, crops"),
    (["packaged"], {"split": "test"}, "packaged has no part 'test'; hold some"),
    (["packaged"], {"split": "all"}, "split is one of train, test"),
    (["packaged"], {"channels": 2}, "1 or 3 channels; got 40, 2"),
    (["packaged"], {"fit": "pad"}, "cannot be padded to 40x40"),
    (["packaged"], {"fit": "crops", "side": 5000}, "no picture is as large"),
  ],
)
def test_what_can_not_be_done_is_refused(names, options, message):
  with pytest.raises(ValueError, match=message):
    examples.load(names, **{"side": 40, "channels": 1, **options})


@pytest.mark.parametrize(
  ("arrays", "message"),
  [
    ({"a": np.zeros((3, 8, 8))}, "should be uint8, gray or RGB; they are f"),
    ({"a": np.zeros((3, 8, 8, 2), np.uint8)}, "gray or RGB; they are uint8"),
    ({"a": np.zeros((0, 8, 8), np.uint8)}, "they are uint8 .0, 8, 8, 1."),
    ({"a": np.zeros(3, np.uint8)}, "it holds none"),
    (dict.fromkeys("ab", np.zeros((3, 8, 8), np.uint8)), "it holds a, b"),
  ],
)
def test_files_without_one_array_of_pictures_are_refused(
  tmp_path, arrays, message
):
  np.savez(tmp_path / "a.npz", **arrays)
  with pytest.raises(ValueError, match=message):
    examples.load([str(tmp_path / "a.npz")], side=32, channels=1)


@pytest.mark.parametrize("fit", examples.FITS)
def test_a_folder_of_damaged_pictures_only_is_left_out(tmp_path, fit):
  for name in ("good", "bad"):
    (tmp_path / name).mkdir()
  picture = np.full((32, 32, 3), 90, np.uint8)
  files.write_image(tmp_path / "good" / "a.png", picture)
  (tmp_path / "bad" / "b.png").write_bytes(b"no picture")
  names = [str(tmp_path / name) for name in ("bad", "good")]
  options = {"side": 32, "channels": 3, "fit": fit}
  data = examples.load(names, skip_damaged=True, **options)
  np.testing.assert_array_equal(data.images, picture[None])
  with pytest.raises(ValueError, match=r"b\.png"):
    examples.load(names[:1], skip_damaged=True, **options)
  with pytest.raises(ValueError, match="there is no picture"):
    examples.fitted([], **options)


def test_what_is_held_out_is_not_trained_on(faces):
  data = examples.load([faces[0]], side=40, channels=1)
  train_on, unseen = examples.hold_out(data, 0.3, seed=1)
  assert len(unseen) == 3
  together = [*train_on.labels["identity"], *unseen.labels["identity"]]
  assert sorted(together) == list(range(10))
  again = examples.hold_out(data, 0.3, seed=1)[1]
  np.testing.assert_array_equal(unseen.images, again.images)
  assert len(examples.hold_out(data, 0.0, seed=1)[1]) == 0
  with pytest.raises(ValueError, match="of 10 pictures 10 cannot be"):
    examples.hold_out(data, 0.99, seed=1)


def numbered(count):
  return np.arange(count, dtype=np.uint8).reshape(count, 1, 1, 1)


def drawn(batches, start, stop):
  return [
    np.round(x.numpy().ravel() * 255).astype(int).tolist()
    for x, _ in batches.batches(start, stop)
  ]


def test_each_time_around_all_are_seen_in_another_order():
  batches = examples.Batches(numbered(12), batch=4, seed=3)
  first, second = drawn(batches, 0, 3), drawn(batches, 3, 6)
  for batches_of_one_round in (first, second):
    assert sorted(itertools.chain(*batches_of_one_round)) == list(range(12))
  assert first != second
  assert drawn(examples.Batches(numbered(12), batch=4, seed=4), 0, 3) != first


def test_a_batch_follows_from_seed_and_step_alone():
  whole = drawn(examples.Batches(numbered(10), batch=4, seed=3), 0, 9)
  later = examples.Batches(numbered(10), batch=4, seed=3)
  assert drawn(later, 5, 9) == whole[5:]
  x, y = later.at(tf.constant(7))
  np.testing.assert_array_equal(x, y)
  assert np.round(x.numpy().ravel() * 255).tolist() == whole[7]


@pytest.mark.parametrize("batch", [0, 11])
def test_a_batch_larger_than_the_data_is_refused(batch):
  with pytest.raises(ValueError, match=f"at most all 10; got {batch}"):
    examples.Batches(numbered(10), batch=batch, seed=0)


def test_a_round_of_batches_holds_every_picture_once_with_its_label():
  images = np.arange(6, dtype=np.uint8)[:, None, None, None] * np.ones(
    (6, 2, 2, 1), np.uint8
  )
  data = examples.Batches(images, labels=np.arange(6) * 10, batch=3, seed=1)
  rounds = []
  for start in (0, 2):
    batches = list(data.batches(start, start + 2))
    x, label = (np.concatenate(part) for part in zip(*batches, strict=True))
    np.testing.assert_array_equal(np.round(x[:, 0, 0, 0] * 2550), label)
    assert sorted(label) == [0, 10, 20, 30, 40, 50]
    rounds.append(label.tolist())
  assert rounds[0] != rounds[1]
  np.testing.assert_array_equal(
    next(iter(data.batches(1, 2)))[1], rounds[0][3:]
  )


def test_labels_of_another_number_are_refused():
  with pytest.raises(ValueError, match=r"each of 10 pictures; got \[9\]"):
    examples.Batches(numbered(10), labels=np.arange(9), batch=2, seed=0)
