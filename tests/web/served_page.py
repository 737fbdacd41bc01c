"""The viewer of `.tfp` files, served on loopback as a static host would."""

import contextlib
import functools
import http.server
import os
import pathlib
import threading
from collections.abc import Iterator, Mapping

ROOT = pathlib.Path(__file__).parents[2]
SOURCES = ROOT / "web"
ISOLATING = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
}


def built() -> pathlib.Path | None:
  """Returns the folder that `make web` built; None if there is none."""
  folder = pathlib.Path(os.environ.get("TFPERCEPT_WEB") or SOURCES / "dist")
  return folder.absolute() if (folder / "built").is_file() else None


# Without what the machine knows of suffixes, which may be wrong.
TYPES = {
  ".js": "text/javascript",
  ".wasm": "application/wasm",
  ".html": "text/html",
  ".css": "text/css",
  "": "application/octet-stream",
}


class _Handler(http.server.SimpleHTTPRequestHandler):
  """Answers with given files, sources as they are now, and what was built."""

  def __init__(self, *arguments, given: Mapping[str, bytes], **options):
    self._given, self.extensions_map = given, TYPES
    super().__init__(*arguments, **options)

  def translate_path(self, path: str) -> str:
    name = path.split("?")[0].lstrip("/") or "index.html"
    is_source = "/" not in name and (SOURCES / name).is_file()
    return (
      super().translate_path(path) if not is_source else str(SOURCES / name)
    )

  def do_GET(self) -> None:
    data = self._given.get(self.path.lstrip("/"))
    if data is None:
      super().do_GET()
      return
    self.send_response(200)
    self.send_header("Content-Length", str(len(data)))
    self.end_headers()
    self.wfile.write(data)

  def end_headers(self) -> None:
    if "isolated" in self.path or "isolated" in self.headers.get("Referer", ""):
      for name, value in ISOLATING.items():
        self.send_header(name, value)
    super().end_headers()

  def log_message(self, *arguments) -> None:
    pass


@contextlib.contextmanager
def serve(folder: pathlib.Path, given: Mapping[str, bytes]) -> Iterator[str]:
  """Serves the page; yields its address.

  With `?isolated` behind it, the page is isolated from other origins.

  Args:
    folder: Folder that `built` returned.
    given: Contents of further files, by name.
  """
  handler = functools.partial(_Handler, directory=folder, given=given)
  with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
