"""Gives decoders thousands of damaged files, the same ones each time.

    python -m tests.fuzz.mutations --files=100000

All decoders of a small learned codec read them, that of lossless streams and
that of a small generator's latents; or `--codec=SPEC`, or those of
`--model=FOLDER`. Half of the files have the right checksum and the right model,
so that what was changed reaches the entropy decoder. A file is either a picture
or refused with a reason; one that takes longer than `--seconds` of the
processors, more memory than `--megabytes` beyond what a decoder has at rest, or
ends in another error ends the program. The file is a function of the seed and
of its number.
"""

import argparse
import collections
import contextlib
import dataclasses
import itertools
import pathlib
import random as random_lib
import resource
import struct
import sys
import tempfile
import zlib
from typing import NamedTuple

from tests.codecs import small_models
from tests.fuzz import limits, subjects
from tfpercept.codecs.bitstream import container

_BYTES = (0, 1, 2, 0x7F, 0x80, 0x81, 0xFE, 0xFF)  # at the ends of something
_FLAGS, _MODEL = 6, 7  # where a stream has its model, if it has no seed
_SHORT = 0x80
_SIDES = (1, 2, 63, 64, 65, 127, 128, 200, 255, 256, 257, 65535)


def mutated(data: bytes, random: random_lib.Random) -> bytes:
  """Returns bytes with 1 to 4 changes."""
  found = bytearray(data)
  for _ in range(random.randint(1, 4)):
    at = random.randrange(len(found) + 1)
    end = min(len(found), at + random.choice((1, 1, 1, 2, 4, 16, 64)))
    match random.randrange(7):
      case 0 if at < len(found):
        found[at] ^= 1 << random.randrange(8)
      case 1 if at < len(found):
        found[at] = random.choice(_BYTES)
      case 2:
        del found[at:end]
      case 3:
        found[at:at] = random.randbytes(random.choice((1, 2, 5, 32)))
      case 4:
        found[at:end] = random.randbytes(end - at)
      case 5:
        found[at:at] = found[at:end]
      case 6:
        del found[at:]
  return bytes(found)


def resealed(data: bytes, model: bytes) -> bytes:
  """Returns a file with its model's name and checksum as they should be."""
  body = bytearray(data[: -_form(data).checksum].ljust(_MODEL, b"\0"))
  form = _form(body)
  model = model[: form.model]
  body[_MODEL : _MODEL + len(model)] = model
  return bytes(body) + _checksum(body, form)


def repacked(data: bytes, random: random_lib.Random) -> bytes:
  """Returns a whole file with other strings, and perhaps another size."""
  described = container.read_header(data)
  ends = list(itertools.accumulate(described.lengths, initial=0))
  tail = _form(data).checksum
  payload = data[len(data) - tail - ends[-1] : -tail]
  strings = [payload[i:j] for i, j in itertools.pairwise(ends)]
  header = described.header
  if random.random() < 0.3:
    header = dataclasses.replace(
      header,
      height=random.choice(_SIDES),
      width=random.choice(_SIDES),
      **(
        {"payload": random.randint(1, 3)}
        if header.is_lossless
        else {"quality": random.randrange(256)}
      ),
      grey=random.random() < 0.5,
    )
  chosen = random.randrange(len(strings))
  return container.pack(
    header,
    [
      mutated(string, random)
      if i == chosen or random.random() < 0.3
      else string
      for i, string in enumerate(strings)
    ],
  )


def numbered(subject: subjects.Subject, number: int, seed: int) -> bytes:
  """Returns one of the damaged files."""
  random = random_lib.Random(f"{seed} {number}")
  data = random.choice(subject.seeds)
  if number % 2 and subject.model is not None:
    if number % 4 == 1:
      return repacked(data, random)
    return resealed(mutated(data, random), subject.model)
  if random.random() < 0.2:
    return data[: random.randrange(30)] + random.randbytes(random.randrange(99))
  return mutated(data, random)


def run(
  subject: subjects.Subject,
  files: int,
  *,
  seed: int = 1,
  first: int = 0,
  seconds: float = 60,
) -> collections.Counter:
  """Returns how many files had each outcome, and how many were `decoded`.

  Raises:
    AssertionError: if a file had another; it has the number of the file.
  """
  counts = collections.Counter(dict.fromkeys(("decoded", "sealed"), 0))
  with subjects.Gate() as gate:
    for number in range(first, first + files):
      data = numbered(subject, number, seed)
      try:
        with limits.processor_time(seconds):
          outcome = subjects.outcome(subject, data)
      except Exception as error:
        raise AssertionError(
          f"{subject.name}, file {number} of seed {seed}: {data.hex()}"
        ) from error
      counts[outcome] += 1
      is_ours = subject.model is not None
      sealed = is_ours and _is_sealed(data)
      counts["sealed"] += sealed
      if is_ours and not sealed and outcome == "picture":
        raise AssertionError(f"file {number} has a wrong checksum and is read")
      if number % 1000 == 999 and sys.stderr.isatty():
        print(f"\r{subject.name} {number + 1}", end="", file=sys.stderr)
    counts["decoded"] = gate.passed
  return counts


def _is_sealed(data: bytes) -> bool:
  form = _form(data)
  return _checksum(data[: -form.checksum], form) == data[-form.checksum :]


class _Form(NamedTuple):
  """How many bytes of a stream name its model, and hold its checksum."""

  model: int
  checksum: int


def _form(data: bytes) -> _Form:
  is_short = len(data) > _FLAGS and data[_FLAGS] & _SHORT
  return _Form(4, 2) if is_short else _Form(8, 4)


def _checksum(body: bytes, form: _Form) -> bytes:
  return struct.pack("<I", zlib.crc32(body))[: form.checksum]


def main() -> None:
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument("--files", type=int, default=100_000)
  parser.add_argument("--first", type=int, default=0)
  parser.add_argument("--seed", type=int, default=1)
  parser.add_argument("--megabytes", type=int, default=1024)
  parser.add_argument("--seconds", type=float, default=60)
  parser.add_argument("--codec")
  parser.add_argument("--model")
  flags = parser.parse_args()
  with contextlib.ExitStack() as stack:
    if flags.codec:
      chosen = (subjects.of_spec(flags.codec),)
    else:
      folder = flags.model or small_models.save_wild(
        pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()), "m")
      )
      kept = stack.enter_context(tempfile.TemporaryDirectory())
      chosen = (
        *subjects.learned(str(folder)), subjects.lossless(),
        subjects.inversion(pathlib.Path(kept)),
      )  # fmt: skip
    for subject in chosen:
      for data in subject.seeds:
        subject.decompress(data)
    limits.memory(flags.megabytes)
    for subject in chosen:
      counts = run(
        subject,
        flags.files,
        seed=flags.seed,
        first=flags.first,
        seconds=flags.seconds,
      )
      print(report(subject, flags.files, counts), flush=True)
  peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
  print(
    f"No other error, none over {flags.seconds:g} s, none beyond "
    f"{flags.megabytes} MB more; {peak} MB at most, TensorFlow included."
  )


def report(
  subject: subjects.Subject, files: int, counts: collections.Counter
) -> str:
  """Returns the counts in a sentence."""
  sealed = (
    f"{counts['sealed']} with a right checksum, {counts['decoded']} reached the"
    " entropy decoder; "
    if subject.model is not None
    else ""
  )
  kinds = ", ".join(
    f"{counts[kind]} {kind}"
    for kind in ("bad checksum", "another model", "refused", "picture")
    if counts[kind]
  )
  return f"{subject.name}: {files} files; {sealed}{kinds}"


if __name__ == "__main__":
  main()
