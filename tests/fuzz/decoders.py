"""A coverage-guided search for files that decoders cannot bear.

    python -m tests.fuzz.decoders -max_total_time=60

Options are libFuzzer's; `--codec=SPEC` names another decoder than the reference
one, and `--codec=lossless` that of lossless streams. A file that it cannot
bear is left in runs/fuzz. The first byte of what libFuzzer makes says what the
others are: a stream; a stream whose model and checksum are then made right; or
the strings of one behind its size and quality.
"""

import pathlib
import shutil
import sys

import atheris

import tfpercept  # noqa: F401 before, since its coverage is of no interest

with atheris.instrument_imports(include=["tfpercept.codecs"]):
  from tfpercept.codecs.bitstream import container
  from tfpercept.codecs.learned import reference_decoder  # noqa: F401
  from tfpercept.codecs.lossless import lossless_codec  # noqa: F401

from tests.codecs import small_models
from tests.fuzz import mutations, subjects

_FOLDER = pathlib.Path("runs/fuzz")
_OPTIONS = (
  "-max_len=1024",
  "-timeout=600",  # seconds by the clock: the machine may be busy
  "-rss_limit_mb=3000",
  "-seed=1",
  f"-artifact_prefix={_FOLDER}/",
)  # fmt: skip
_KINDS = 3


def stream(data: bytes, subject: subjects.Subject) -> bytes:
  """Returns the file to decode, of what libFuzzer made."""
  kind, rest = data[0] % _KINDS if data else 0, data[1:]
  if kind == 0 or subject.model is None:
    return rest
  if kind == 1:
    return mutations.resealed(rest, subject.model)
  height, width, quality = rest[:3].ljust(3, b"\0")
  header = (
    container.Header(
      codec=container.CODEC_IDS["hyperprior"],
      model=subject.model,
      height=height + 1,
      width=width + 1,
      quality=quality,
      integer=True,
    )
    if subject.model
    else container.Header(
      codec=container.LOSSLESS,
      model=b"",
      height=height + 1,
      width=width + 1,
      grey=bool(quality & 4),
      payload=1 + quality % 3,
    )
  )
  count = len(container.read_header(subject.seeds[0]).lengths)
  payload = rest[3:]
  part = -(-len(payload) // count)
  return container.pack(
    header, [payload[i * part : (i + 1) * part] for i in range(count)]
  )


def main() -> None:
  specs = [a.partition("=")[2] for a in sys.argv if a.startswith("--codec=")]
  options = [a for a in sys.argv if not a.startswith("--codec=")]
  # libFuzzer leaves the process at once, so that nothing could be cleaned up.
  shutil.rmtree(_FOLDER, ignore_errors=True)
  corpus = _FOLDER / "corpus"
  corpus.mkdir(parents=True)
  model = small_models.save_wild(_FOLDER / "model")
  if specs == ["lossless"]:
    subject = subjects.lossless()
  elif specs:
    subject = subjects.of_spec(specs[0])
  else:
    subject = subjects.learned(str(model))[-1]
  for i, seed in enumerate(subject.seeds):
    for kind in range(_KINDS):
      (corpus / f"{i}-{kind}").write_bytes(bytes([kind]) + seed)

  def decode(data: bytes) -> None:
    subjects.outcome(subject, stream(data, subject))

  with subjects.Gate():
    atheris.Setup([*options, *_OPTIONS, str(corpus)], decode)
    atheris.Fuzz()


if __name__ == "__main__":
  main()
