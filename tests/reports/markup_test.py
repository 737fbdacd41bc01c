"""Text is safe inside HTML."""

from tfpercept.reports import markup


def test_what_html_would_read_is_escaped():
  assert markup.escape('<a href="&">') == "&lt;a href=&quot;&amp;&quot;&gt;"
  assert markup.escape(3) == "3"


def test_only_what_stands_out_is_bold():
  assert markup.bold("1") == "<strong>1</strong>"
  assert markup.bold("1", is_bold=False) == "1"
