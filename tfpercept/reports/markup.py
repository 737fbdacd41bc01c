"""Text as HTML."""

import html


def escape(value: object) -> str:
  """Returns the text of a value, safe inside an element or an attribute."""
  return html.escape(str(value))


def bold(markup: str, is_bold: bool = True) -> str:
  """Returns HTML in bold, or as it is where `is_bold` is false."""
  return f"<strong>{markup}</strong>" if is_bold else markup
