"""Prints what the viewer of `.tfp` files costs in Chromium, beside the command.

    make web
    python -m benchmarks.viewer --shape=512x768 --rounds=5

A file is opened in a fresh page, then again and again; the decoder in NumPy,
which has started and has a thread for each core, takes turns with it. Of each
the table has the seconds that processors spent (for the page: in all processes
that render) and the seconds on the wall, as medians. The first opening includes
the start of LiteRT.js. The page is tried as it is and isolated from other
origins.
"""

import contextlib
import functools
import http.server
import os
import pathlib
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from absl import app, flags
from playwright import sync_api

from benchmarks import pictures
from tfpercept import codecs

_SHAPE = flags.DEFINE_string("shape", "512x768", "Size of the picture, HxW.")
_MODEL = flags.DEFINE_string("model", "photo_mse", "A model of the page.")
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Openings after the first.", 1)
_DIST = flags.DEFINE_string("dist", "web/dist", "Folder that make web built.")

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_FILE = "picture.tfp"
_DONE = "#facts dd:nth-of-type(5)"
_FOREVER = 10**7  # milliseconds


class _Handler(http.server.SimpleHTTPRequestHandler):
  """Serves the page and one file."""

  stream = b""
  is_isolated = False

  def do_GET(self) -> None:
    if self.path.split("?")[0] != f"/{_FILE}":
      super().do_GET()
      return
    self.send_response(200)
    self.send_header("Content-Length", str(len(self.stream)))
    self.end_headers()
    self.wfile.write(self.stream)

  def end_headers(self) -> None:
    if _Handler.is_isolated:
      self.send_header("Cross-Origin-Opener-Policy", "same-origin")
      self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
    super().end_headers()

  def log_message(self, *arguments: Any) -> None:
    pass


@contextlib.contextmanager
def _served(stream: bytes) -> Iterator[str]:
  _Handler.stream = stream
  handler = functools.partial(_Handler, directory=_DIST.value)
  with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def _renderers(browser: sync_api.Browser) -> Callable[[], float]:
  """Returns a function of the seconds that rendering processes spent so far."""
  session = browser.new_browser_cdp_session()

  def seconds() -> float:
    found = session.send("SystemInfo.getProcessInfo")["processInfo"]
    return sum(p["cpuTime"] for p in found if p["type"] == "renderer")

  return seconds


def _spent(clock: Callable[[], float], call: Callable[[], Any]) -> np.ndarray:
  """Returns the processor and wall seconds of a call."""
  before = np.array([clock(), time.perf_counter()])
  call()
  return np.array([clock(), time.perf_counter()]) - before


def _openings(
  browser: sync_api.Browser, address: str, decode: Callable[[], Any]
) -> dict[str, np.ndarray]:
  """Returns the seconds of the first opening, of later ones, and of NumPy."""
  context = browser.new_context()
  page = context.new_page()
  page.set_default_timeout(_FOREVER)
  page.goto(address)
  page.fill("#url", _FILE)
  clock = _renderers(browser)

  def opened() -> None:
    page.evaluate("document.getElementById('facts').replaceChildren()")
    page.click("#address button")
    page.wait_for_selector(_DONE)

  first, later, ours = _spent(clock, opened), [], []
  for _ in range(_ROUNDS.value):
    later.append(_spent(clock, opened))
    ours.append(_spent(time.process_time, decode))
  context.close()
  return {
    "page, first": first,
    "page, later": np.median(later, axis=0),
    "NumPy": np.median(ours, axis=0),
  }


def main(argv: list[str]) -> None:
  """Prints the table."""
  del argv
  if not (pathlib.Path(_DIST.value) / "built").is_file():
    sys.exit(f"error: there is no page in {_DIST.value}; make web builds it")
  path = os.environ.get("TFPERCEPT_BROWSER") or next(
    filter(None, map(shutil.which, _BROWSERS)), None
  )
  height, width = map(int, _SHAPE.value.split("x"))
  (picture,), _ = pictures.photographs((1, height, width, 3))
  codec = codecs.get(f"hyperprior(model={_MODEL.value!r})")
  data = codec.compress(np.round(255 * picture).astype(np.uint8))
  print(f"{width}x{height}, {len(data)} bytes, {_MODEL.value}")
  print("| | processor, s | wall, s | processor, times that of NumPy |")
  print("| --- | ---: | ---: | ---: |")
  with (
    _served(data) as address,
    sync_api.sync_playwright() as playwright,
    contextlib.closing(
      playwright.chromium.launch(
        executable_path=path, args=["--no-sandbox"], timeout=0
      )
    ) as browser,
  ):
    for is_isolated in (False, True):
      _Handler.is_isolated = is_isolated
      found = _openings(browser, address, lambda: codec.decompress(data))
      for name, (processor, wall) in found.items():
        where = " (isolated)" if is_isolated and "page" in name else ""
        ratio = processor / found["NumPy"][0]
        print(f"| {name}{where} | {processor:.2f} | {wall:.2f} | {ratio:.1f} |")
  load = os.getloadavg()[0]
  print(f"Median of {_ROUNDS.value}; load {load:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
  app.run(main)
