"""The registry of codecs."""

import sys

import pytest

from tfpercept import codecs, weights

CLASSICAL = ("avif", "heic", "jpeg", "jpeg2000", "jxl", "png", "webp")


def test_a_spec_round_trips_and_leaves_out_defaults():
  for spec in ("jpeg", "jpeg(subsampling='4:4:4')", "avif(speed=8)"):
    assert codecs.get(spec).spec == spec
  assert codecs.get("webp(method=4)").spec == "webp"
  webp = codecs.get("webp")
  assert codecs.get(webp) is webp


@pytest.mark.parametrize(
  ("spec", "why"),
  [
    ("jpg", "unknown codec 'jpg'. Did you mean 'jpeg'?"),
    ("jpeg(quality=3)", "codec 'jpeg' has no option 'quality'"),
    ("jpeg + webp", "a codec is one name"),
    ("0.5*jpeg", "a codec is one name"),
  ],
)
def test_a_wrong_spec_says_what_would_be_right(spec, why):
  with pytest.raises(ValueError) as caught:  # noqa: PT011 the message is below
    codecs.get(spec)
  assert why in str(caught.value)


@pytest.mark.parametrize(
  ("module", "name", "extra"),
  [
    ("pillow_jxl", "jxl", "formats"),
    ("pillow_heif", "heic", "formats"),
    ("PIL", "jpeg", "images"),
  ],
)
def test_a_codec_without_its_library_says_what_to_install(
  module, name, extra, monkeypatch
):
  monkeypatch.setitem(sys.modules, module, None)
  with pytest.raises(codecs.MissingLibrary, match=rf"tfpercept\[{extra}\]"):
    codecs.get(name)
  found, missing = codecs.at_hand()
  assert name not in [codec.spec for codec in found]
  assert extra in missing[name]


def test_a_codec_without_its_weights_is_not_at_hand(monkeypatch):
  def absent():
    raise weights.MissingWeights("fetch them first")

  made = codecs.CODECS.create

  def create(name, options):
    return absent() if name == "webp" else made(name, options)

  monkeypatch.setattr(codecs.CODECS, "create", create)
  found, missing = codecs.at_hand()
  assert missing["webp"] == "fetch them first"
  assert "jpeg" in [codec.spec for codec in found]


def test_the_classical_codecs_are_at_hand_and_say_who_does_the_work():
  found, missing = codecs.at_hand()
  makers = {codec.spec: codec.made_by for codec in found}
  for name in CLASSICAL:
    assert name not in missing
    assert "Pillow" in makers[name] or "pillow-" in makers[name]


def test_ladders_rise():
  for codec in codecs.at_hand()[0]:
    assert list(codec.qualities) == sorted(set(codec.qualities))
