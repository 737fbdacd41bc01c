"""The browser that tests of pages drive."""

import os
import shutil

import pytest

NAMES = (
  "chromium",
  "chromium-browser",
  "google-chrome",
  "google-chrome-stable",
)


@pytest.fixture(scope="module")
def browser():
  """A browser: `$TFPERCEPT_BROWSER`, or a Chromium on the path.

  Without one the tests are skipped; they fail where TFPERCEPT_REQUIRE_SHARED=1,
  as in `.ci/run`.
  """
  from playwright import sync_api

  path = os.environ.get("TFPERCEPT_BROWSER") or next(
    filter(None, map(shutil.which, NAMES)), None
  )
  if path is None:
    message = f"no browser: set TFPERCEPT_BROWSER, or install {NAMES[0]}"
    if os.environ.get("TFPERCEPT_REQUIRE_SHARED") == "1":
      pytest.fail(message)
    pytest.skip(message)
  with sync_api.sync_playwright() as playwright:
    # The sandbox wants rights that containers do not give.
    launched = playwright.chromium.launch(
      executable_path=path,
      args=["--no-sandbox"],
      timeout=0,  # waits as long as it takes: the machine may be busy
    )
    yield launched
    launched.close()
