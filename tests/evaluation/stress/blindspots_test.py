"""Blind spots please the distance they were made for, and are made once."""

import dataclasses
import json
import re

import numpy as np
import pytest
import tensorflow as tf

from tfpercept import descent, distances, registry
from tfpercept.data import packaged
from tfpercept.evaluation.core import tiled
from tfpercept.evaluation.stress import blindspots, blindspots_page
from tfpercept.io import files

SETTINGS = blindspots.Settings(steps=30, learning_rate=0.05, radius=0.004)
SPECS = ("mse", "ssim(window=7)")


def metrics(*specs):
  return {spec: distances.get(spec) for spec in specs}


@pytest.fixture(scope="module")
def reference():
  return packaged.test()["chelsea"][100:132, 150:190]


@pytest.fixture(scope="module")
def made(reference, tmp_path_factory):
  folder = tmp_path_factory.mktemp("spots")
  return folder, blindspots.make(
    reference, metrics(*SPECS), folder, SETTINGS, missing={"lpips": "no file"}
  )


def test_each_distance_falls_far_on_its_own_picture(made):
  _, found = made
  assert [(s.start, s.spec) for s in found.spots] == [
    ("noise", "mse"), ("noise", "ssim(window=7)"), ("held", "ssim(window=7)"),
  ]  # fmt: skip
  for spot in found.spots:
    begun = found.values[spot.start, None][spot.spec]
    assert found.values[spot.start, spot.spec][spot.spec] < begun / 2
    assert spot.picture.dtype == np.uint8


def test_the_held_measure_stays_where_it_is_told(made):
  _, found = made
  for spec in (None, "ssim(window=7)"):
    # A percent for Newton's method under clipping, and for rounding to 8 bits.
    assert found.values["held", spec]["mse"] == pytest.approx(0.004, rel=0.01)


def test_values_are_those_of_the_pictures_in_the_folder(made, reference):
  folder, found = made
  for spot in found.spots:
    part = registry.file_names([spot.spec])[spot.spec]
    file = f"{spot.start}.{part}.png"
    picture = files.read_image(folder / file)
    for spec, value in found.values[spot.start, spot.spec].items():
      measured = tiled.measure(distances.get(spec), reference, picture)
      assert measured.value == value


def test_a_finished_picture_is_not_made_again(made, reference, monkeypatch):
  folder, found = made

  begun = found.starts["noise"]
  monkeypatch.setattr(blindspots, "minimise", lambda *a, **k: begun)
  again = blindspots.make(
    reference, metrics("mse"), folder, SETTINGS, starts=("noise",)
  )
  np.testing.assert_array_equal(again.spots[0].picture, found.spots[0].picture)


@pytest.mark.parametrize("change", ["settings", "reference", "unfinished"])
def test_what_was_made_otherwise_is_made_again(
  reference, tmp_path, monkeypatch, change
):
  settings = blindspots.Settings(steps=1)

  def make(reference, settings, level):
    made = np.full_like(reference, level)
    monkeypatch.setattr(blindspots, "minimise", lambda *a, **k: made)
    found = blindspots.make(
      reference, metrics("mse"), tmp_path, settings, starts=("noise",)
    )
    return found.spots[0].picture[0, 0, 0]

  assert make(reference, settings, 1) == 1
  assert make(reference, settings, 2) == 1
  if change == "settings":
    settings = blindspots.Settings(steps=1, seed=1)
  elif change == "reference":
    reference = reference[::-1]
  else:
    (tmp_path / "noise.mse.json").unlink()
  assert make(reference, settings, 2) == 2
  note = json.loads((tmp_path / "noise.mse.json").read_text())
  assert note["seed"] == settings.seed


def test_a_picture_without_its_note_is_not_taken_for_an_earlier_one(
  reference, tmp_path, monkeypatch
):
  def make(settings, level):
    made = np.full_like(reference, level)
    monkeypatch.setattr(blindspots, "minimise", lambda *a, **k: made)
    found = blindspots.make(
      reference, metrics("mse"), tmp_path, settings, starts=("noise",)
    )
    return found.spots[0].picture[0, 0, 0]

  first, second = (blindspots.Settings(steps=1, seed=i) for i in range(2))
  assert make(first, 1) == 1
  with monkeypatch.context() as patch:
    patch.setattr(blindspots.files, "write_json", _dies)
    with pytest.raises(KeyboardInterrupt):
      make(second, 2)
  assert make(first, 3) == 3


def _dies(*_):
  raise KeyboardInterrupt


def test_other_weights_in_the_same_file_make_another_picture(
  reference, tmp_path, monkeypatch
):
  path = tmp_path / "weights.npz"
  distance = distances.get("watson_dct(channels=1)")
  parameters = distance.checkpoint()
  pictures = []
  for level in range(2):
    np.savez(path, **{**parameters, "alpha": np.float32(level)})
    made = np.full_like(reference, level)
    monkeypatch.setattr(blindspots, "minimise", lambda *a, made=made, **k: made)
    monkeypatch.setattr(blindspots, "_values", lambda *_: {})
    spec = f"watson_dct(channels=1, weights={str(path)!r})"
    found = blindspots.make(
      reference, metrics(spec), tmp_path, SETTINGS, starts=("noise",)
    )
    pictures.append(found.spots[0].picture[0, 0, 0])
  assert pictures == [0, 1]


def test_a_distance_that_breaks_is_named_and_the_rest_goes_on(
  reference, tmp_path, monkeypatch
):
  def breaking(distance, reference, name, settings, **others):
    if distance is not None and distance.spec == "mae":
      raise descent.NonFiniteError("NaN at step 3")
    return reference

  monkeypatch.setattr(blindspots, "minimise", breaking)
  found = blindspots.make(
    reference, metrics("mae", "mse"), tmp_path, SETTINGS, starts=("noise",)
  )
  assert [spot.spec for spot in found.spots] == ["mse"]
  assert found.missing == {"noise: mae": "NaN at step 3"}
  assert not (tmp_path / "noise.mae.png").exists()


def test_starts_follow_from_the_seed(reference):
  one, same, other = (
    blindspots.start(reference, "noise", blindspots.Settings(seed=seed))
    for seed in (1, 1, 2)
  )
  np.testing.assert_array_equal(one, same)
  assert not np.array_equal(one, other)


def test_progress_counts_all_steps(reference, tmp_path):
  seen = []
  settings = blindspots.Settings(steps=2)
  blindspots.make(
    reference, metrics("mse", "mae"), tmp_path, settings,
    progress=lambda steps, what: seen.append((steps, what)),
  )  # fmt: skip
  assert [steps for steps, _ in seen] == [1, 2, 3, 4, 5, 6]
  assert seen[-1][1] == "held: mae"
  assert len(blindspots.plan(metrics("mse", "mae"), settings)) == 3


def test_the_page_shows_every_picture_with_all_values(made, tmp_path):
  _, found = made
  blindspots_page.write(tmp_path / "a.html", "<cat>", found, SETTINGS)
  text = (tmp_path / "a.html").read_text()
  assert "Blind spots: &lt;cat&gt;" in text
  # Reference, two starts, three spots, and a matrix for each start.
  assert text.count("<img ") == 8
  assert text.count('<tr class="marked">') == 3
  own = found.values["noise", "mse"]["mse"]
  assert f'<th scope="row">mse</th><td>{own:.3g}</td>' in text
  assert "<dt>lpips</dt><dd>no file</dd>" in text
  assert "<dt>seed</dt><dd>0</dd>" in text
  assert "<dt>Size</dt><dd>40x32</dd>" in text


def test_the_matrix_tells_how_far_each_came_down(made):
  _, found = made
  ratios, rows, columns = blindspots_page.matrix(found, "noise")
  assert (rows, columns) == (list(SPECS), list(SPECS))
  wanted = np.log10(
    found.values["noise", "mse"]["ssim(window=7)"]
    / found.values["noise", None]["ssim(window=7)"]
  )
  assert ratios[0, 1] == pytest.approx(wanted)


def test_the_page_says_at_rest_only_of_what_came_to_rest(reference, tmp_path):
  enough = dataclasses.replace(SETTINGS, steps=200)
  found = blindspots.make(
    reference, metrics("mse"), tmp_path, enough, starts=("noise",)
  )
  assert found.spots[0].is_at_rest
  # So few steps of so little cannot bring noise to the reference.
  slow = dataclasses.replace(SETTINGS, steps=12, learning_rate=0.001)
  args = (reference, metrics("mse"), tmp_path, slow)
  for _ in range(2):  # made, and read again
    other = blindspots.make(*args, starts=("noise",))
    assert not other.spots[0].is_at_rest
  short = dataclasses.replace(SETTINGS, steps=2)
  unknown = blindspots.make(*args[:3], short, starts=("noise",))
  assert unknown.spots[0].late is None

  def shown(found):
    blindspots_page.write(tmp_path / "a.html", "a", found, SETTINGS)
    return re.findall("<small>(.*?)</small>", (tmp_path / "a.html").read_text())

  assert shown(found) == ["as small as it got"]
  (note,) = shown(other)
  assert re.match(r"still falling: [\d.]+ % of its way", note)
  assert shown(unknown) == ["how far it could fall is not known"]


def test_a_distance_without_an_effect_leaves_the_start(reference):
  found = blindspots.minimise(
    None, reference, "noise", blindspots.Settings(seed=4)
  )
  begun = blindspots.start(reference, "noise", blindspots.Settings(seed=4))
  np.testing.assert_array_equal(
    found, tf.cast(tf.round(begun[0] * 255), tf.uint8)
  )
