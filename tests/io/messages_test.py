"""Messages of errors are one line."""

import pytest

from tfpercept.io import messages


@pytest.mark.parametrize(
  ("error", "line"),
  [
    (ValueError("\n a size\nthen more"), "a size"),
    (OSError(28, "No space left"), "[Errno 28] No space left"),
    (MemoryError(), "MemoryError"),
  ],
)
def test_the_first_line_of_an_error_or_else_its_type(error, line):
  assert messages.first_line(error) == line
