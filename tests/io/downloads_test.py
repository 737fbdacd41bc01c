"""Downloads come from where they should, are counted and can be refused.

A server in this process stands for the network.
"""

import base64
import functools
import http.server
import io
import os
import tarfile
import threading

import pytest

from tfpercept.io import downloads

ARCHIVE = downloads.Archive(
  package="Some_Pack.age",
  file="some_pack.age-1.0.tar.gz",
  bytes=1,
  sha256="",
  member="some_pack.age-1.0/w.ckpt",
)


class Silent(http.server.SimpleHTTPRequestHandler):
  def log_message(self, *arguments):
    del arguments


@pytest.fixture
def site(tmp_path, request):
  """Yields a folder and the address that serves it."""
  folder = tmp_path / "site"
  folder.mkdir()
  handler = getattr(request, "param", Silent)
  handler = functools.partial(handler, directory=folder)
  with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
  monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.mark.parametrize("tqdm", [True, False])
def test_a_download_is_never_silent(site, tmp_path, monkeypatch, capfd, tqdm):
  if not tqdm:
    monkeypatch.setitem(__import__("sys").modules, "tqdm", None)
  folder, address = site
  data = os.urandom(200_000)
  (folder / "w.pth").write_bytes(data)
  downloads.download(f"{address}/w.pth", tmp_path / "w", size=len(data))
  assert (tmp_path / "w").read_bytes() == data
  out, err = capfd.readouterr()
  assert out == ""  # which is for results
  assert "200" in err


def test_a_file_that_is_larger_than_expected_is_not_read_to_its_end(
  site, tmp_path
):
  folder, address = site
  (folder / "w.pth").write_bytes(bytes(1_000_000))
  with pytest.raises(ValueError, match="more than the 1000 bytes expected"):
    downloads.download(f"{address}/w.pth", tmp_path / "w", size=1000)
  assert (tmp_path / "w").stat().st_size < 100_000


def test_what_the_network_does_wrong_is_an_oserror(site, tmp_path):
  folder, address = site
  (folder / "w.pth").write_bytes(bytes(10))
  with pytest.raises(OSError, match="broke off after 10 of 11 bytes"):
    downloads.download(f"{address}/w.pth", tmp_path / "w", size=11)
  for other in ("/srv/simple", "ftp://127.0.0.1/w.pth"):
    with pytest.raises(OSError, match="an address of http, https or file"):
      downloads.download(other, tmp_path / "w", size=1)
  with pytest.raises(OSError, match="404"):
    downloads.download(f"{address}/absent", tmp_path / "w", size=1)


def test_an_archive_is_found_in_the_index_that_pip_is_told_to_use(
  site, monkeypatch
):
  folder, address = site
  page = folder / "simple" / "some-pack-age"
  page.mkdir(parents=True)
  (page / "index.html").write_text(
    '<a href="../../f/some_pack.age-1.0-py3-none-any.whl">w</a>'
    '<a href="../../f/some_pack.age-1.0.tar.gz#sha256=00">s</a>'
  )
  monkeypatch.setenv("PIP_INDEX_URL", f"{address}/simple/")
  assert downloads.source_archive(ARCHIVE) == (
    f"{address}/f/some_pack.age-1.0.tar.gz"
  )
  (page / "index.html").write_text("")
  with pytest.raises(OSError, match=r"has no some_pack.age-1.0.tar.gz"):
    downloads.source_archive(ARCHIVE)


class Guarded(Silent):
  """Wants a name and password; sends a page on to another folder."""

  def do_GET(self):
    token = base64.b64encode(b"me:s3cr@t").decode()
    if self.headers["Authorization"] != f"Basic {token}":
      self.send_response(401)
      self.send_header("WWW-Authenticate", 'Basic realm="index"')
      self.end_headers()
    elif self.path == "/simple/some-pack-age/":
      self.send_response(302)
      self.send_header("Location", "/a/b/some-pack-age/")
      self.end_headers()
    else:
      super().do_GET()


@pytest.mark.parametrize("site", [Guarded], indirect=True)
def test_an_index_may_want_a_password_and_send_on(site, monkeypatch, tmp_path):
  folder, address = site
  page = folder / "a" / "b" / "some-pack-age"
  page.mkdir(parents=True)
  link = "../../f/some_pack.age-1.0.tar.gz"
  (page / "index.html").write_text(f'<a href="{link}">s</a>')
  (folder / "a" / "f").mkdir()
  (folder / "a" / "f" / "some_pack.age-1.0.tar.gz").write_bytes(b"12")
  known = address.replace("//", "//me:s3cr%40t@")
  monkeypatch.setenv("PIP_INDEX_URL", f"{known}/simple")
  found = downloads.source_archive(ARCHIVE)
  assert found == f"{known}/a/f/some_pack.age-1.0.tar.gz"
  downloads.download(found, tmp_path / "w", size=2)
  assert (tmp_path / "w").read_bytes() == b"12"
  for size in (1, 3):
    with pytest.raises((ValueError, OSError)) as caught:
      downloads.download(found, tmp_path / "w", size=size)
    assert "s3cr" not in str(caught.value)


def test_without_a_setting_pip_itself_names_its_index(monkeypatch):
  monkeypatch.delenv("PIP_INDEX_URL", raising=False)
  assert downloads._index().startswith("http")


def test_without_pip_the_index_is_unknown(monkeypatch):
  monkeypatch.delenv("PIP_INDEX_URL", raising=False)
  monkeypatch.setattr(downloads, "_ASK_PIP", "import absent_pip")
  with pytest.raises(OSError, match="pip is not installed, so the package"):
    downloads._index()


def write_archive(path, name="d/w.ckpt", data=b"12345678", kind=None):
  with tarfile.open(path, "w:gz") as made:
    info = tarfile.TarInfo(name)
    info.size = 0 if kind else len(data)
    info.type = kind or tarfile.REGTYPE
    info.linkname = "/etc/hostname" if kind else ""
    made.addfile(info, io.BytesIO(data))


def test_one_member_of_an_archive_is_written_and_no_other(tmp_path):
  write_archive(tmp_path / "a.tar.gz")
  out = tmp_path / "out"
  downloads.extract(tmp_path / "a.tar.gz", "d/w.ckpt", out, size=8)
  assert out.read_bytes() == b"12345678"
  assert {p.name for p in tmp_path.iterdir()} == {"a.tar.gz", "out"}


@pytest.mark.parametrize(
  "options",
  [
    {"name": "d/other"},
    {"name": "../d/w.ckpt"},
    {"data": b"123456789"},
    {"kind": tarfile.SYMTYPE},
  ],
)
def test_other_members_sizes_and_links_are_refused(tmp_path, options):
  write_archive(tmp_path / "a.tar.gz", **options)
  with pytest.raises(ValueError, match=r"no member d/w.ckpt of 8 bytes"):
    downloads.extract(
      tmp_path / "a.tar.gz", "d/w.ckpt", tmp_path / "out", size=8
    )
  assert not (tmp_path / "out").exists()


def test_what_is_no_archive_is_refused(tmp_path):
  (tmp_path / "a.tar.gz").write_bytes(b"text")
  with pytest.raises(ValueError, match="not a readable archive"):
    downloads.extract(tmp_path / "a.tar.gz", "d/w", tmp_path / "out", size=8)
