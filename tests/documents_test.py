"""Documents lead where they say, each in a place of its own."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[1]
CARDS = sorted(ROOT.glob("tfpercept/pretrained/*/README.md"))
GUIDES = sorted(ROOT.glob("docs/guides/*.md"))
RESULTS = sorted(ROOT.glob("docs/results/*.md"))
API = sorted(ROOT.glob("docs/api/*.md"))
SINGLE = sorted(ROOT.glob("docs/*.md"))
PAGES = [
  *sorted(ROOT.glob("*.md")),
  *SINGLE,
  *GUIDES,
  *RESULTS,
  *API,
  *CARDS,
]

BLOCK = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
NAMED = re.compile(r"\bdocs/[\w/]+\.md\b")


def _prose(page):
  return BLOCK.sub("", page.read_text())


def _anchors(page):
  """The anchors that GitHub and MkDocs both give to headings."""
  return {
    re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-")
    for heading in HEADING.findall(_prose(page))
  }


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(page):
  lost = []
  for link in LINK.findall(_prose(page)):
    path, _, anchor = link.partition("#")
    if "://" in path:
      continue
    target = page.parent / path if path else page
    if not target.exists() or (anchor and anchor not in _anchors(target)):
      lost.append(link)
  assert not lost


def test_every_guide_and_result_is_reached_from_the_readme():
  linked = {
    (ROOT / link.partition("#")[0]).resolve()
    for link in LINK.findall(_prose(ROOT / "README.md"))
  }
  missing = {*SINGLE, *GUIDES, *RESULTS} - linked
  assert not [page.name for page in missing]


def test_the_site_holds_every_document_and_fetches_nothing():
  lines = (ROOT / "mkdocs.yml").read_text().splitlines()
  listed = {line.split()[-1] for line in lines if line.endswith(".md")}
  docs = ROOT / "docs"
  pages = {str(p.relative_to(docs)) for p in (*SINGLE, *GUIDES, *RESULTS, *API)}
  assert listed == pages | {"index.md", "CONTRIBUTING.md", "CHANGELOG.md"}
  assert "  font: false" in lines  # else from Google


def test_documents_that_files_name_are_there():
  files = [
    path
    for pattern in ("*", "*/**/*.py", "tfpercept/pretrained/**/*.md")
    for path in ROOT.glob(pattern)
    if path.is_file() and not path.name.startswith(".")
    if not path.relative_to(ROOT).parts[0].startswith((".", "runs"))
  ]
  lost = {
    (str(path.relative_to(ROOT)), name)
    for path in files
    for name in NAMED.findall(path.read_text(errors="replace"))
    if not (ROOT / name).is_file()
  }
  assert not lost


def test_documents_that_are_run_side_by_side_share_no_folder():
  owners = {}
  for page in PAGES:
    for folder in set(re.findall(r"runs/docs/([\w-]+)", page.read_text())):
      owners.setdefault(folder, []).append(page.name)
  shared = {name: pages for name, pages in owners.items() if len(pages) > 1}
  assert not shared
