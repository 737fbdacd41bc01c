"""Entry point of every Bazel test: runs pytest on the file it is given."""

import os
import sys

import pytest

if __name__ == "__main__":
  folder = os.path.join(os.environ["TEST_TMPDIR"], "pytest")
  sys.exit(
    pytest.main(
      ["-p", "no:cacheprovider", f"--basetemp={folder}", *sys.argv[1:]]
    )
  )
