"""What was trained comes back by the spec."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept import distances, weights
from trainers import tuned_distances


def test_parameters_are_written_where_the_spec_finds_them(tmp_path):
  distance = distances.get("0.5*watson_dct(pool='mean') + 0.5*mae")
  (part, _) = distance.distances
  changed = {k: v + 0.125 for k, v in part.checkpoint().items()}
  np.savez(tmp_path / "changed.npz", **changed)
  path = (tmp_path / "changed.npz").as_posix()
  distance = distances.get(
    f"0.5*watson_dct(weights={path!r}, pool='mean') + 0.5*mae"
  )
  spec = tuned_distances.write(distance, tmp_path)
  assert (tmp_path / "weights_0.npz").exists()
  again = distances.get(spec)
  (part, _) = again.distances
  for name, value in part.checkpoint().items():
    np.testing.assert_allclose(value, changed[name], rtol=1e-6)
  assert part.pooling == "mean"


@pytest.mark.parametrize(
  "spec",
  [
    "pim(weights=None, width=2)",
    "robust(adaptive=True, size=(16, 16, 3), levels=2, alpha_init=0.5)",
    "lpips(weights='deeploss_x')",
  ],
)
def test_what_was_trained_comes_back_by_the_spec(spec, tmp_path, monkeypatch):
  load, alex = weights.load, weights.load("lpips_alex")
  monkeypatch.setattr(
    weights, "load", lambda s: alex if s == "deeploss_x" else load(s)
  )
  distance = distances.get(spec)
  distance.trainable = True
  for weight in distance.trainable_weights:
    weight.assign(0.5 * tf.convert_to_tensor(weight) + 0.25)
  again = distances.get(tuned_distances.write(distance, tmp_path))
  side = max(distance.min_size, 16)
  pair = np.random.default_rng(0).uniform(size=(2, 1, side, side, 3))
  np.testing.assert_allclose(again(*pair), distance(*pair), rtol=1e-6)


def test_what_no_file_would_hold_is_not_trained(tmp_path, monkeypatch):
  monkeypatch.setattr(distances.LPIPS, "checkpoint", lambda self: {})
  distance = distances.get("mse + lpips")
  distance.trainable = True
  with pytest.raises(ValueError, match=r"lpips can be trained but its check"):
    tuned_distances.write(distance, tmp_path)
  assert not list(tmp_path.iterdir())
