"""The table of all exports covers all there is, and goes on where it was."""

import functools
import types

import pytest

from export import everything, fresh, signatures, tflite
from tfpercept import distances, models, offers


def test_every_registered_kind_has_a_subject():
  kinds = {everything.kind_of(name) for name in offers.shipped()}
  # `pim` is exported as a distance, which is in the table.
  assert kinds | set(everything.UNTRAINED) | {"pim"} == set(
    models.MODELS.names()
  )
  specs = [spec for spec, _ in everything.every_distance()]
  assert specs == [*distances.names(), everything.SUM]


def test_untrained_networks_are_written_and_loaded(tmp_path):
  found = dict(everything.networks(tmp_path))
  exported = found["toy_vector_quantizer, untrained"]()
  assert exported.manifest["model"] == "toy_vector_quantizer"


def test_a_row_is_that_of_the_manifest_and_what_is_there_is_kept(
  tmp_path, monkeypatch
):
  def answers(folder, served, libraries):
    return {name: s.expected() for name, s in served.items()}

  monkeypatch.setattr(fresh, "call_saved_model", answers)
  subject = functools.partial(signatures.load_distance, "mae")
  row = everything.saved("mae", subject, tmp_path)
  name, found, size, share, beyond = row
  assert (name, found, beyond) == ("mae", "score, score_png, map", "none")
  assert float(size) > 0 and float(share) == 0
  assert everything.saved("mae", None, tmp_path) == row  # not made again


@pytest.fixture
def printed(tmp_path, monkeypatch, capsys):
  """Exports one network that fails and one distance; returns rows, status."""

  def saved(name, subject, out):
    if name == "bad, untrained":
      raise RuntimeError("one|two\nthree")
    return [name, "score", "1.00", "0", "none"]

  monkeypatch.setattr(
    everything, "networks", lambda work: [("bad, untrained", None)]
  )
  monkeypatch.setattr(everything, "every_distance", lambda: [("good", None)])
  monkeypatch.setattr(everything, "saved", saved)

  def run(*only):
    given = types.SimpleNamespace(out=tmp_path, tflite=False, only=list(only))
    monkeypatch.setattr(everything.flags, "FLAGS", given)
    with pytest.raises(SystemExit) as error:
      everything.main()
    return capsys.readouterr().out.splitlines()[2:], error.value.code

  return run


BAD = (
  r"| bad, untrained | not exported: RuntimeError: one\|two three |  |  |  |"
)
GOOD = "| good | score | 1.00 | 0 | none |"


def test_an_export_that_fails_has_a_row_and_the_others_follow(printed):
  assert printed() == ([BAD, GOOD], 1)


def test_subjects_are_chosen_by_their_names_alone(printed):
  assert printed("bad, untrained") == ([BAD], 1)
  assert printed("good") == ([GOOD], 0)
  with pytest.raises(ValueError, match="bad, untrained; good; got mas; mes"):
    printed("good", "mes", "mas")


def test_distances_that_need_fixed_sizes_get_them(tmp_path, monkeypatch):
  asked = []

  def export(exported, place):
    asked.append((exported.size, place.name))
    if exported.size is None:
      raise tflite.Refused("TFLite has no EnsureShape")
    place.mkdir()
    raise ValueError("far enough")

  monkeypatch.setattr(tflite, "export", export)
  subject = functools.partial(signatures.load_distance, "mae")
  with pytest.raises(ValueError, match="far enough"):
    everything.on_device("mae", subject, tmp_path)
  assert asked == [(None, "mae"), ((256, 256), "mae_fixed")]
