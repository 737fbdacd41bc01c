"""Reads the elements of a report page."""

import html.parser


class Tags(html.parser.HTMLParser):
  """Collects start tags and checks that elements nest."""

  VOID = ("meta", "img", "br")

  def __init__(self, text):
    super().__init__()
    self.found, self._open = [], []
    self.feed(text)
    assert not self._open

  def handle_starttag(self, tag, attrs):
    self.found.append((tag, dict(attrs)))
    if tag not in self.VOID:
      self._open.append(tag)

  def handle_startendtag(self, tag, attrs):
    self.found.append((tag, dict(attrs)))

  def handle_endtag(self, tag):
    assert self._open.pop() == tag

  def all(self, tag):
    return [attrs for name, attrs in self.found if name == tag]
