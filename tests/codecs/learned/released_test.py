"""Files of every released model stay readable, to the same symbols.

`released/` has a file of each, of a synthetic picture, and the SHA-256 of its
symbols. An entry is added when a model is released, and none is ever changed or
removed: see "To replace a shipped model" in CONTRIBUTING.
"""

import json
import pathlib

import pytest

from tfpercept import codecs, manifests, offers, weights
from tfpercept.codecs.bitstream import container
from tfpercept.codecs.learned import (
  model_ids,
  model_lookup,
  reference_decoder,
)

FOLDER = pathlib.Path(__file__).parent / "released"
ENTRIES = {
  entry["identity"]: entry
  for entry in json.loads((FOLDER / "released.json").read_text())
}
# Also here, so that an entry that is changed or removed is noticed.
SYMBOLS = {
  "2a1475845cdb6373":
    "49eaad3708f7f5058e1f278d1e6438f75257647914ed4507774db8b69b882672",
  "5fdf17d244d1a464":
    "746165f538bfce3fe82fe1f7d1deb178f3523e8a2761270c5e5b273cc18a4d21",
}  # fmt: skip


def stream(identity):
  return (FOLDER / f"{identity}.tfp").read_bytes()


def test_no_entry_is_changed_or_removed():
  kept = {identity: e["symbols"] for identity, e in ENTRIES.items()}
  assert SYMBOLS.items() <= kept.items()


def test_every_model_that_comes_with_the_package_has_an_entry():
  for name in (*weights.shipped(), *weights.retired()):
    manifest = manifests.read(name)
    if not model_ids.codes(manifest):
      continue
    # tests/codecs/inversion/released_test.py has those of generators.
    if model_ids.bitstream(manifest) != "inversion":
      assert model_ids.identity(manifest).hex() in ENTRIES, name


@pytest.mark.parametrize("identity", ENTRIES)
@pytest.mark.parametrize("engine", offers.ENGINES[1:])
def test_every_engine_reads_the_file_of_every_model(identity, engine):
  data = stream(identity)
  codec = model_lookup.KnownModels(engine=engine).codec_of(data)
  found = codecs.selftest.digest(codec.symbols(data))
  assert found == ENTRIES[identity]["symbols"]
  header = container.read_header(data).header
  assert codec.decompress(data).shape == (header.height, header.width, 3)


@pytest.mark.parametrize("identity", ENTRIES)
def test_the_reference_decoder_reads_the_file_of_every_model(identity):
  data = stream(identity)
  name = model_lookup.KnownModels().name(container.read_header(data).header)
  latents = reference_decoder.ReferenceDecoder(weights.find(name)).latents(data)
  symbols = {"z": latents.z[None], "y": latents.symbols[None]}
  assert codecs.selftest.digest(symbols) == ENTRIES[identity]["symbols"]
