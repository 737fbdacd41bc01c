"""The doctor finds what is wrong, says what it cannot check, and prints it."""

import contextlib
import json
import math
import os
import pathlib
import sys
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfpercept import cli, distances, losses, registry, weights
from tfpercept.conformance import adapters, goldens, scorecard, suite
from tfpercept.distances import base

GOLDENS = pathlib.Path(__file__).parents[1] / "golden"


def squares(y_true, y_pred):
  return tf.math.squared_difference(y_true, y_pred)


class Charbonnier(keras.losses.Loss):
  """Keeps one value for each pixel, and is not 0 at identity."""

  def call(self, y_true, y_pred):
    return tf.sqrt(tf.reduce_mean(squares(y_true, y_pred), -1) + 1e-6)


def scalar(y_true, y_pred):
  return tf.reduce_mean(squares(y_true, y_pred))


def single_precision(y_true, y_pred):
  return scalar(tf.cast(y_true, tf.float32), tf.cast(y_pred, tf.float32))


def root(y_true, y_pred):
  return tf.sqrt(tf.reduce_mean(squares(y_true, y_pred), [1, 2, 3]))


def raises_in_graphs(y_true, y_pred):
  return tf.reduce_mean(squares(y_true, y_pred), [1, 2, 3]) * len(
    y_true.numpy()
  )


class NeedsArguments(keras.losses.Loss):
  def __init__(self, weight):
    super().__init__()
    self.weight = weight


class Own(base.Distance):
  """A distance of the user's, with a weight."""

  def __init__(self, *, gain=1.0, **kwargs):
    super().__init__(**kwargs)
    self.gain = self.parameter("gain", np.array(gain))

  def embed(self, image):
    return image

  def compare(self, reference, image):
    return [squares(reference, image)]

  def pool(self, maps):
    return tf.convert_to_tensor(self.gain) * tf.reduce_mean(maps[0], [1, 2, 3])


def outcomes(subject, **options):
  options.setdefault("checks", list(suite.CHECKS))
  card = scorecard.examine(subject, **options)
  return {finding.check: finding for finding in card.findings}


def names(findings, outcome):
  return {name for name, f in findings.items() if f.outcome == outcome}


def test_a_registered_distance_passes_what_applies():
  card = scorecard.examine("mse", checks=list(suite.CHECKS))
  assert card.passed
  assert card.subject == "mse"
  assert [f.check for f in card.findings] == list(suite.CHECKS)


def test_a_loss_is_put_to_all_checks_but_those_of_distances():
  found = outcomes(scalar, checks=list(adapters.LACKS))
  assert names(found, "not applicable") == set(adapters.LACKS)
  assert all(finding.message for finding in found.values())
  values = set(suite.CHECKS) - set(adapters.LACKS)
  found = outcomes(Charbonnier, checks=sorted(values))
  assert not names(found, "not applicable")


def test_what_is_wrong_with_a_loss_is_found():
  found = outcomes(Charbonnier())
  assert names(found, "failed") == {"zero_at_identity", "half_precision_inputs"}
  assert "[0.001]" in found["zero_at_identity"].message
  assert names(outcomes(root), "failed") == {
    "finite_second_derivatives",
    "finite_value_and_gradient",
    "half_precision_inputs",
  }


def test_values_for_each_pixel_are_averaged_and_scalars_taken_pair_by_pair():
  random = np.random.default_rng(1)
  pair = [np.float32(random.uniform(size=(3, 9, 8, 3))) for _ in range(2)]
  expected = np.square(pair[0] - pair[1]).mean((1, 2, 3))
  for loss in (squares, scalar):
    found = adapters.find(loss).factory()(*pair)
    np.testing.assert_allclose(found, expected, rtol=1e-6)  # float32 rounding


def test_a_scalar_loss_can_not_show_that_images_do_not_mix():
  found = outcomes(scalar, checks=["batch_equals_loop", "graph_equals_eager"])
  assert found["batch_equals_loop"].outcome == "not applicable"
  assert found["graph_equals_eager"].outcome == "passed"


def test_a_loss_in_float32_has_no_differences_in_float64():
  checks = ["gradient_agrees_with_differences", "single_precision_suffices"]
  found = outcomes(single_precision, checks=checks)
  assert names(found, "not applicable") == set(checks)
  assert "float32" in found[checks[0]].message


def test_errors_of_any_kind_are_failures_in_one_line():
  found = outcomes(raises_in_graphs, checks=["graph_equals_eager"])
  (finding,) = found.values()
  assert finding.outcome == "failed"
  assert finding.message.startswith("AttributeError: ")
  assert "\n" not in finding.message


def test_an_own_distance_is_copied_with_its_weights_and_left_alone():
  distance = Own(gain=3.0)
  distance.gain.assign(5.0)
  found = outcomes(distance)
  assert not names(found, "failed")
  assert found["parameters_survive_saving"].outcome == "passed"
  assert found["config_round_trip"].outcome == "not applicable"
  assert float(tf.convert_to_tensor(distance.gain)) == 5.0
  assert not distance.trainable_variables
  assert not names(outcomes(Own, checks=["config_round_trip"]), "failed")


def test_a_loss_of_ours_is_its_distance():
  found = outcomes(losses.get("ssim(window=7)"), checks=["map_is_local"])
  assert found["map_is_local"].outcome == "passed"


def test_missing_weights_are_no_failure_of_a_distance(monkeypatch, tmp_path):
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
  monkeypatch.delenv("TFPERCEPT_WEIGHTS", raising=False)
  monkeypatch.setenv("TFPERCEPT_OFFLINE", "1")
  with pytest.raises(weights.MissingWeights):
    scorecard.examine('lpips(net="vgg")')


@pytest.mark.parametrize(
  ("subject", "message"),
  [
    ("msee", "Did you mean"),
    ("absent_module:loss", "absent_module:loss cannot be imported"),
    ("math:absent", "math:absent cannot be imported"),
    ("math:pi", "expected a distance or a loss"),
    ("fractions:gcd.absent", "cannot be imported"),
    (NeedsArguments, "NeedsArguments cannot be made without arguments"),
    (lambda y_true: y_true, "cannot be called with two batches of 49x49"),
  ],
)
def test_what_can_not_be_examined_is_an_error(subject, message):
  with pytest.raises(ValueError, match=message):
    scorecard.examine(subject)


def test_unknown_checks_are_an_error():
  with pytest.raises(ValueError, match="no check 'identity'; there are zero"):
    scorecard.examine("mse", checks=["identity"])


def test_speed_is_a_ratio_in_one_line():
  found = outcomes("mse", checks=["speed"])["speed"]
  assert found.outcome == "measured"
  assert "times ms_ssim with gradient" in found.message
  assert "1x256x256x3" in found.message
  assert "\n" not in found.message
  ratio = float(found.message.split()[0])
  assert ratio > 0
  assert math.isfinite(ratio)


@pytest.mark.parametrize(
  ("spec", "count"),
  [
    ("mse", 1),
    ("mae", 1),
    ("ssim", 5),
    ("ms_ssim", 6),
    ('ssim(padding="zero")', 3),
    ("ssim(window=7, sigma=1.0, k1=0.02, k2=0.05)", 1),
    ("nlpd(levels=3)", 1),
  ],
)
def test_golden_cases_are_found_by_spec_and_agree(spec, count):
  card = scorecard.examine(spec, checks=["goldens"], golden_folder=GOLDENS)
  assert [f.outcome for f in card.findings] == ["passed"] * count


def test_all_rules_have_cases_and_all_cases_agree(shared, monkeypatch):
  # Released parameters lie there; VGG-16, where `make weights` has put it.
  places = [str(shared / "data" / "weights")]
  places += filter(None, [os.environ.get("TFPERCEPT_WEIGHTS")])
  folder = shared / "golden" / "losses"
  for rule in goldens.RULES:
    cases = list(goldens.cases_of(folder, rule))
    cases = cases or list(goldens.cases_of(GOLDENS, rule))
    assert cases, rule
    case, options = cases[0]
    spec = registry.Term(rule.distance, options)
    factory = None
    for place in places:
      monkeypatch.setenv("TFPERCEPT_WEIGHTS", place)
      with contextlib.suppress(weights.MissingWeights):
        factory = adapters.find(str(spec)).factory
        break
    if factory is None:
      assert os.environ.get("TFPERCEPT_REQUIRE_SHARED") != "1", spec
      continue
    goldens.compare(factory, case, rule)


def test_goldens_of_other_options_do_not_count():
  found = outcomes(
    "ms_ssim(scales=3)", checks=["goldens"], golden_folder=GOLDENS
  )
  assert found["goldens"].outcome == "not applicable"
  assert "there are of ms_ssim" in found["goldens"].message
  found = outcomes(
    "0.5*mse + 0.5*mae", checks=["goldens"], golden_folder=GOLDENS
  )
  assert found["goldens"].outcome == "not applicable"


def test_a_loss_names_its_own_cases():
  options = {"checks": ["goldens"], "golden_folder": GOLDENS}
  found = outcomes(scalar, golden_cases="pixel/mse", **options)
  assert found["pixel/mse"].outcome == "passed"
  found = outcomes(scalar, golden_cases="pixel/*", **options)
  assert found["pixel/mae"].outcome == "failed"
  assert "instead of" in found["pixel/mae"].message
  found = outcomes(single_precision, golden_cases="pixel/mse", **options)
  assert found["pixel/mse"].outcome == "passed"
  found = outcomes(scalar, golden_cases="nothing/*", **options)
  assert found["goldens"].outcome == "not applicable"
  found = outcomes(scalar, **options)
  assert found["goldens"].outcome == "not applicable"


def test_a_folder_without_goldens_is_an_error(tmp_path):
  with pytest.raises(ValueError, match="expected a folder with images"):
    scorecard.examine("mse", checks=["goldens"], golden_folder=tmp_path)


@pytest.fixture
def module(tmp_path, monkeypatch):
  """A folder with a module of the user's, where the command is run."""
  (tmp_path / "my_losses.py").write_text(
    textwrap.dedent("""
      import tensorflow as tf

      def good(y_true, y_pred):
        y_true, y_pred = tf.cast(y_true, "float32"), tf.cast(y_pred, "float32")
        return tf.reduce_mean(abs(y_true - y_pred), [1, 2, 3])

      def bad(y_true, y_pred):
        return good(y_true, y_pred) + 1
    """)
  )
  monkeypatch.chdir(tmp_path)
  monkeypatch.setattr("sys.path", [*sys.path])
  yield tmp_path
  sys.modules.pop("my_losses", None)


def test_the_command_prints_a_scorecard_and_its_status_says_if_all_is_well(
  module, capsys
):
  options = ["--check=zero_at_identity", "--check=map_is_local"]
  assert cli.main(["doctor", "my_losses:good", *options]) == 0
  lines = capsys.readouterr().out.splitlines()
  assert lines[0].split() == ["passed", "zero_at_identity", "at", "most", "0"]
  assert lines[1].startswith("not applicable  map_is_local")
  assert lines[2] == "my_losses:good: 1 passed, 0 failed, 1 not applicable"
  assert cli.main(["doctor", "my_losses:bad", *options]) == 1
  assert "failed          zero_at_identity" in capsys.readouterr().out
  assert cli.main(["doctor", "my_losses:absent"]) == 2
  assert "error: my_losses:absent cannot" in capsys.readouterr().err


def test_the_command_hands_its_options_on(module, monkeypatch, capsys):
  seen = {}

  def examine(subject, *, each, **options):
    seen.update(options, subject=subject)
    raise ValueError("that is all")

  monkeypatch.setattr(scorecard, "examine", examine)
  flags = ["--min-size=32", "--size-multiple=16", "--channels=1"]
  flags += ["--goldens=folder", "--cases=file/*", "--check=map_is_local"]
  assert cli.main(["doctor", "my_losses:good", *flags]) == 2
  assert "that is all" in capsys.readouterr().err
  assert seen == {
    "subject": "my_losses:good", "min_size": 32, "size_multiple": 16,
    "channels": 1, "golden_folder": "folder", "golden_cases": "file/*",
    "checks": ["map_is_local"],
  }  # fmt: skip


def test_the_command_writes_json(tmp_path, capsys):
  out = tmp_path / "new" / "card.json"
  arguments = ["doctor", "mse", "--check=never_negative", "--format=json"]
  assert cli.main([*arguments, f"--out={out}"]) == 0
  assert capsys.readouterr().out == ""
  card = json.loads(out.read_text())
  assert card["passed"]
  (finding,) = card["findings"]
  assert finding["check"] == "never_negative"
  assert finding["message"].startswith("from 0 to 1 over")


def test_sizes_and_channels_of_a_loss_are_obeyed():
  seen = set()

  def blocks(y_true, y_pred):
    seen.add(tuple(y_true.shape[1:]))
    return scalar(y_true, y_pred)

  checks = ["never_negative", "deterministic"]
  outcomes(blocks, checks=checks, min_size=32, size_multiple=32, channels=1)
  assert seen == {(64, 64, 1)}


def test_every_distance_can_be_named():
  assert all(adapters.find(name).spec == name for name in ("mse", "ssim"))
  assert set(distances.names()) >= {r.distance for r in goldens.RULES}
