"""Hooks of MkDocs, which mkdocs.yml names.

README.md is the first page, and CONTRIBUTING.md and CHANGELOG.md are pages too,
though they lie outside of docs/. A link between documents is turned to where
its page is; a link to any other file of the repository is left as plain text,
since the site stands alone.
"""

import pathlib
import posixpath
import re

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = pathlib.Path(__file__).parents[1]
OUTSIDE = {
  "README.md": "index.md",
  "CONTRIBUTING.md": "CONTRIBUTING.md",
  "CHANGELOG.md": "CHANGELOG.md",
}
"""Documents of the root, and their names in the site."""
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")
FETCHED = re.compile(
  r"<(?:script|img|iframe|source)\b[^>]*\bsrc=.?(?:https?:)?//[^\s>]+"
  r"|<link\b[^>]*\brel=.?(?:stylesheet|icon|preload|preconnect)[^>]*//[^>]+"
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
  """Adds the documents of the root."""
  for name, place in OUTSIDE.items():
    files.append(
      File.generated(config, place, content=(ROOT / name).read_text())
    )
  return files


def on_page_markdown(
  markdown: str, page: Page, config: MkDocsConfig, files: Files
) -> str:
  """Changes the links of a document to the places of pages in the site."""
  names = {place: name for name, place in OUTSIDE.items()}
  place = page.file.src_uri
  folder = posixpath.dirname(names.get(place, f"docs/{place}"))

  def turned(link: re.Match) -> str:
    text, target, anchor = link[1], link[2], link[3] or ""
    if "://" in target:
      return link[0]
    file = posixpath.normpath(posixpath.join(folder, target))
    there = OUTSIDE.get(file, file.removeprefix("docs/"))
    if files.get_file_from_path(there) is None and (ROOT / file).exists():
      return text
    start = posixpath.dirname(place) or "."
    return f"[{text}]({posixpath.relpath(there, start)}{anchor})"

  return LINK.sub(turned, markdown)


def on_post_build(config: MkDocsConfig) -> None:
  """Refuses pages that fetch scripts, styles, fonts or pictures from elsewhere.

  Raises:
    PluginError: if there are such pages; with what they fetch.
  """
  fetched = {
    match[0]
    for path in pathlib.Path(config.site_dir).rglob("*.html")
    for match in FETCHED.finditer(path.read_text())
  }
  if fetched:
    raise PluginError(
      "the site has to work without a network, but fetches "
      + "; ".join(sorted(fetched))
    )
