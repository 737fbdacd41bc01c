"""Arms are ranked by measures that are not in their loss."""

import json
import math

import numpy as np
import pytest

from tfpercept import distances
from tfpercept.evaluation.realism import terms


def result(arm, values, seeds=2, grids=(False, True)):
  return terms.Result(
    arm, {k: np.full(seeds, v) for k, v in values.items()}, grids[:seeds]
  )


@pytest.mark.parametrize("spec", list(filter(None, terms.TERMS.values())))
def test_terms_are_specs_that_take_the_crops_of_the_trainer(spec):
  distance = distances.get(spec)
  crops = np.random.default_rng(0).uniform(size=(2, 1, 121, 121, 3))
  found = distance(*crops.astype(np.float32))
  assert found.shape == (1,)
  assert np.isfinite(found).all()


def test_each_term_has_an_arm_without_and_with_a_critic():
  names = [arm.name for arm in terms.arms(["none", "pim"])]
  assert names == ["none", "none+critic", "pim", "pim+critic"]
  with pytest.raises(ValueError, match=r"terms are none, .*; got vmaf"):
    terms.arms(["none", "vmaf"])


@pytest.mark.parametrize(
  ("term", "measure", "expected"),
  [
    ("lpips", "lpips", True),
    ("lpips", "patch_frechet_alex", True),
    ("lpips", "patch_frechet_pim", False),
    ("pim", "linear_critic_pim", True),
    ("nlpd", "patch_mmd_alex", False),
    ("ms_ssim", "ms_ssim(scales=4)", True),
    ("none", "mse", False),
  ],
)
def test_an_arm_knows_what_it_was_trained_on(term, measure, expected):
  assert terms.Arm(term, has_critic=True).trained_on(measure) is expected


def test_ranks_leave_out_measures_of_the_own_loss():
  values = {
    "none": {"patch_frechet_alex": 3.0, "patch_frechet_pim": 2.0},
    # The best in its own features, which do not count.
    "lpips": {"patch_frechet_alex": 0.0, "patch_frechet_pim": 3.0},
    "nlpd": {"patch_frechet_alex": 4.0, "patch_frechet_pim": 1.0},
  }
  found = terms.ranks(
    [result(terms.Arm(name, has_critic=False), v) for name, v in values.items()]
  )
  assert found == {"none": 0.25, "lpips": 1.0, "nlpd": 0.5}


def test_dists_ranks_all_arms():
  values = {
    "none": {"patch_frechet_pim": 2.0, "dists": 0.3},
    "pim": {"patch_frechet_pim": 1.0, "dists": 0.2},
    "lpips": {"patch_frechet_pim": 3.0, "dists": 0.1},
  }
  results = [
    result(terms.Arm(name, has_critic=False), v) for name, v in values.items()
  ]
  # Of the two that PIM's features judge, none is the better.
  assert terms.ranks(results) == {"none": 0.5, "pim": 0.5, "lpips": 0.5}
  text = terms.to_text(results, values["none"], sample="A sample.")
  assert "in the measures of sets and in dists, without" in text
  assert all(spec != terms.OUTSIDE for spec in terms.TERMS.values())


def test_an_arm_that_was_trained_on_all_measures_has_no_rank():
  arm = terms.Arm("lpips", has_critic=False)
  other = terms.Arm("none", has_critic=False)
  found = terms.ranks(
    [result(a, {"patch_frechet_alex": 1.0}) for a in (arm, other)]
  )
  assert math.isnan(found["lpips"])


def test_the_table_marks_own_measures_and_has_the_best_first():
  measures = {"lpips": 0.2, "patch_frechet_pim": 1.0}
  own, other = np.array([0.1, 0.2]), np.array([0.4, 0.6])
  results = [
    result(terms.Arm("none", has_critic=False), measures),
    terms.Result(
      terms.Arm("lpips", has_critic=True),
      {"lpips": own, "patch_frechet_pim": other},
      (True, True),
    ),
  ]
  text = terms.to_text(results, measures, sample="A sample.")
  lines = text.splitlines()
  assert lines[2].split() == (
    ["lpips+critic", "0.00", "0.15+-0.05*", "0.5+-0.1", "2/2"]
  )
  assert lines[3].split()[:2] == ["none", "1.00"]
  assert text.endswith("A sample.")
  made = json.loads(json.dumps(terms.to_json(results, measures)))
  assert made["arms"][1]["trained_on"] == ["lpips"]
  assert made["arms"][1]["values"]["lpips"] == [0.1, 0.2]
