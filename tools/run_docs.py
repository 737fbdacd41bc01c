"""Runs every command and program in the documents it is given.

    python tools/run_docs.py README.md docs/*/*.md

Fenced blocks marked `sh` and `python` are run in the order they stand, from
the root of the tree, with .venv first on PATH. Blocks marked `text`, or
anything else, are output to read. A block that cannot be run here says why in
the line before:

    <!-- not run: it trains for two hours -->

Documents are run side by side, as many as there are processors, so each keeps
to folders of its own in runs/docs, which are emptied first.
"""

import concurrent.futures
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).parents[1]
COMMANDS = {
  "sh": ("bash", "-euo", "pipefail", "-c"),
  "python": ("python", "-c"),
}
FENCE = re.compile(r"^( *)```(.*)$")
OWN = re.compile(r"\bruns/docs/[\w-]+")
REASON = re.compile(r"^ *<!-- not run: (.+) -->$")


@dataclasses.dataclass(frozen=True)
class Block:
  """A fenced block of a document; `reason` is why it is not run, or empty."""

  line: int
  language: str
  text: str
  reason: str = ""


def blocks(document: str) -> Iterator[Block]:
  """Yields the fenced blocks; ValueError on one that names no language."""
  lines = iter(enumerate(document.splitlines(), 1))
  reason = ""
  for number, line in lines:
    if fence := FENCE.match(line):
      indent, language = fence.groups()
      if not language:
        raise ValueError(f"line {number}: a block names its language")
      body = []
      for _, inner in lines:
        if inner.strip() == "```":
          break
        body.append(inner.removeprefix(indent))
      yield Block(number, language, "\n".join(body), reason)
    if line.strip():
      found = REASON.match(line)
      reason = found[1] if found else ""


def run_all(paths: list[str], *, workers: int) -> list[str]:
  """Runs documents side by side; returns the names of those that failed."""
  # Long ones first, so that none is left over at the end.
  ordered = sorted(paths, key=lambda path: -os.path.getsize(path))
  with concurrent.futures.ThreadPoolExecutor(workers) as pool:
    good = list(pool.map(run, map(pathlib.Path, ordered)))
  return [path for path, fine in zip(ordered, good, strict=True) if not fine]


def run(path: pathlib.Path) -> bool:
  """Runs the blocks of one document; returns whether all succeeded."""
  environment = os.environ | {
    "PATH": f"{ROOT / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"
  }
  good = True
  document = path.read_text()
  for folder in set(OWN.findall(document)):
    shutil.rmtree(ROOT / folder, ignore_errors=True)
  for block in blocks(document):
    if block.language not in COMMANDS:
      continue
    where = f"{path}:{block.line}"
    if block.reason:
      print(f"{where}: not run: {block.reason}", flush=True)
      continue
    start = time.monotonic()
    done = subprocess.run(
      [*COMMANDS[block.language], block.text],
      cwd=ROOT,
      env=environment,
      stdin=subprocess.DEVNULL,
      stdout=subprocess.PIPE,
      stderr=subprocess.STDOUT,
      text=True,
      check=False,
    )
    verdict = "failed" if done.returncode else "ok"
    seconds = time.monotonic() - start
    print(f"{where}: {verdict} after {seconds:.0f} s", flush=True)
    if done.returncode:
      print(f"{block.text}\n{done.stdout}", flush=True)
      good = False
  return good


if __name__ == "__main__":
  failed = run_all(sys.argv[1:], workers=os.cpu_count() or 1)
  sys.exit(f"commands failed in {', '.join(failed)}" if failed else 0)
