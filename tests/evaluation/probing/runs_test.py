"""Trained networks are found, compared with their like, and probed once."""

import dataclasses

import numpy as np
import pytest

from tfpercept import models
from tfpercept.evaluation.probing import probe as probing
from tfpercept.evaluation.probing import runs

_IMAGES = np.random.default_rng(0).random((36, 32, 32, 1), np.float32)
_KNOWN = probing.Known(np.repeat(np.arange(4), 9))
_QUICK = probing.Protocol(folds=3, inner=2, penalties=(1.0,), scales=(1.0,))


def _save(folder, spec, seed, *, steps=10, **options):
  network = models.Autoencoder(
    side=32, widths=(4,), seed=seed, **{"code": 3, **options}
  )
  network.build()
  models.save(
    network,
    folder / "model",
    objective=spec,
    training={"seed": seed, "steps": steps, "settings": {}},
  )
  return network


def test_runs_are_found_at_any_depth_and_ordered(tmp_path):
  for seed in (1, 0):
    for spec in ("mse", "mae"):
      _save(tmp_path / f"seed_{seed}" / spec, spec, seed)
  found = runs.load([tmp_path])
  assert [(t.spec, t.seed) for t in found] == [
    *(("mae", 0), ("mae", 1), ("mse", 0), ("mse", 1)),
  ]
  assert found[0].folder == tmp_path / "seed_0/mae"
  assert found[0].training["steps"] == 10


def test_networks_that_do_not_compare_are_refused(tmp_path):
  _save(tmp_path / "a", "mse", 0)
  with pytest.raises(ValueError, match="a second run of mse, 0"):
    _save(tmp_path / "b", "mse", 0)
    runs.load([tmp_path])
  _save(tmp_path / "b", "mae", 0, code=4)
  with pytest.raises(ValueError, match="differ in more than loss and seed"):
    runs.load([tmp_path])
  _save(tmp_path / "b", "mae", 0, steps=20)
  with pytest.raises(ValueError, match="differ in more than loss and seed"):
    runs.load([tmp_path])
  _save(tmp_path / "b", "mae", 1)
  assert len(runs.load([tmp_path])) == 2


def test_a_network_without_a_code_is_not_probed(tmp_path):
  network = models.VAE(side=32, widths=(4,), latent=3)
  models.save(
    network, tmp_path / "model", objective="mse", training={"seed": 0}
  )
  with pytest.raises(ValueError, match=r"need networks with a code.* got vae"):
    runs.subjects(runs.load([tmp_path]), _IMAGES)


def test_what_is_no_autoencoder_is_refused(tmp_path):
  network = models.SRCNN(filters=(4, 3), kernels=(5, 3, 3))
  network.build()
  models.save(
    network, tmp_path / "model", objective="mse", training={"seed": 0}
  )
  with pytest.raises(ValueError, match="is no trained autoencoder"):
    runs.load([tmp_path])


def test_codes_are_compared_with_untrained_ones_components_and_pixels(tmp_path):
  network = _save(tmp_path, "mse", 5)
  subjects = runs.subjects(runs.load([tmp_path]), _IMAGES)
  assert [(s.method, s.seed, s.pca) for s in subjects] == [
    ("mse", 5, None),
    ("untrained encoder", 5, None),
    ("PCA", 0, 3),
    ("pixels", 0, None),
  ]
  codes = [subject.codes() for subject in subjects]
  assert [c.shape[1] for c in codes] == [3, 3, 1024, 1024]
  # The saved network was not trained either, and its seed makes its weights.
  np.testing.assert_array_equal(codes[0], codes[1])
  np.testing.assert_array_equal(codes[0], network.encode(_IMAGES))
  np.testing.assert_array_equal(codes[3][7].reshape(32, 32, 1), _IMAGES[7])


@dataclasses.dataclass
class _Encoder:
  """Counts how often codes are made."""

  calls: int = 0

  def __call__(self):
    self.calls += 1
    return _IMAGES.reshape(36, -1)[:, :5]


def _probe(folder, encoder, **changes):
  options = {"key": {"weights": "a"}, "data": "b", "labels": (1, 2)} | changes
  subject = runs.Subject("a(b=1)", 4, options.pop("key"), encoder)
  return runs.probe(subject, _KNOWN, _QUICK, folder, **options)


def test_a_result_is_kept_and_read_as_it_was(tmp_path):
  encoder = _Encoder()
  first = _probe(tmp_path, encoder)
  assert encoder.calls == 1  # for both kinds of questions
  assert _probe(tmp_path, encoder) == first
  assert encoder.calls == 1
  scores, budget = first
  assert scores == probing.probe(encoder(), _KNOWN, _QUICK)
  assert list(budget) == [1, 2]
  assert {path.name for path in tmp_path.iterdir()} == {
    *("a_b_1_seed_4.json", "a_b_1_seed_4_labels.json"),
  }


@pytest.mark.parametrize(
  "changes", [{"key": {"weights": "c"}}, {"data": "c"}, {"labels": (1, 3)}]
)
def test_a_result_of_other_codes_pictures_or_questions_is_not_used(
  tmp_path, changes
):
  encoder = _Encoder()
  _probe(tmp_path, encoder)
  _probe(tmp_path, encoder, **changes)
  assert encoder.calls == 2


def test_a_damaged_result_is_computed_again(tmp_path):
  first = _probe(tmp_path, _Encoder())
  for path in tmp_path.iterdir():
    path.write_text(path.read_text()[:50])
  assert _probe(tmp_path, _Encoder()) == first


def test_the_digest_changes_with_pictures_and_with_what_is_known():
  digest = runs.digest
  other = _IMAGES.copy()
  other[3, 2, 1] += 0.5
  known = probing.Known(np.repeat(np.arange(4), 9)[::-1].copy())
  assert digest(_IMAGES, _KNOWN) == digest(_IMAGES.copy(), _KNOWN)
  assert digest(_IMAGES, _KNOWN) != digest(other, _KNOWN)
  assert digest(_IMAGES, _KNOWN) != digest(_IMAGES, known)
