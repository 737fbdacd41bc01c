"""TensorFlow's debugging switches work with every distance."""

import re

import tensorflow as tf

from tests import forked
from tests.distances import watched_training
from tfpercept import distances, weights
from tfpercept.ops import numerics


def test_every_distance_trains_under_every_switch(weights_or_skip):
  done = forked.run("tests.distances.watched_training")
  assert done.returncode == 0, done.stderr[-2000:]
  lines = done.stdout.splitlines()
  found = [line.removesuffix(f" {watched_training.MISSING}") for line in lines]
  expected = [
    f"{switch} {spec} trained"
    for switch, specs in (
      ("check_numerics", watched_training.SPECS),
      ("both", watched_training.FAST),
      ("eager", watched_training.FAST),
    )
    for spec in specs
  ]
  missing = [each for each in found if each not in lines]
  assert [
    f"{each} trained" if each in missing else each for each in found
  ] == expected
  if missing:
    with weights_or_skip():
      raise weights.MissingWeights(f"not trained: {', '.join(missing)}")


def test_every_distance_is_among_them():
  named = {re.match(r"\w+", s)[0] for s in watched_training.SPECS}
  assert set(distances.names()) <= named


def test_steps_are_compiled_unless_functions_are_to_run_eagerly():
  def step(x):
    return x + 1

  assert numerics.compiled(step) is not step
  tf.config.run_functions_eagerly(True)
  try:
    assert numerics.compiled(step) is step
  finally:
    tf.config.run_functions_eagerly(False)
  assert numerics.may_compile()
