"""Pages fit a phone and use a screen, whatever names and numbers are long."""

import numpy as np
import pytest
import tensorflow as tf

from tests.evaluation.ranking import people as ranking_people
from tfpercept.reports import gallery, wipe
from tfpercept.reports import page as report

LONG = "0.84*ms_ssim(scales=3,weights=(0.1,0.2,0.7))+0.16*watson_dft(weights=1)"
UNBROKEN = "hyperprior_of_a_name_without_any_blank_in_it_that_goes_on_" * 2
WIDTHS = (360, 1280)
NOISE = np.random.default_rng(0).integers(0, 256, (150, 170, 3), np.uint8)


def blocks():
  """One of every block that pages are made of."""
  compared = report.Comparison(
    LONG, NOISE, {LONG: NOISE, UNBROKEN: NOISE},
    dict.fromkeys((LONG, UNBROKEN), NOISE[..., 0] / 255), {LONG: "PSNR 30"},
  )  # fmt: skip
  card = gallery.Card(LONG, NOISE, {LONG: ["1.234", "5.6 %"]}, LONG, UNBROKEN)
  series = {LONG: (np.arange(3), np.arange(3.0))}
  shown = [wipe.Shown(n, LONG, NOISE, NOISE) for n in (LONG, UNBROKEN, "c")]
  heads = ["", *([LONG] * 4)]
  return [
    report.paragraph(UNBROKEN),
    report.facts({LONG: UNBROKEN, "b": LONG}),
    report.grid([heads, [UNBROKEN, *(["1.5 [1.2, 1.8]"] * 4)]]),
    report.comparisons([compared], map_name=LONG),
    report.curves(series),
    gallery.cards([card] * 3),
    gallery.strip(LONG, [LONG] * 6, {UNBROKEN: [card] * 6}),
    gallery.scored(
      LONG, NOISE, {LONG: NOISE, UNBROKEN: NOISE}, {LONG: [1.0, 2.0]}
    ),
    wipe.ASSETS,
    wipe.block(LONG, shown),
    report.image_tag(np.repeat(NOISE, 9, axis=1), "a wide chart"),
  ]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
  path = tmp_path_factory.mktemp("page") / "page.html"
  page = report.Page(UNBROKEN, LONG, [report.section(LONG, *blocks())])
  page.write(path)
  return path


def opened(context):
  page = context.new_page()
  page.set_default_timeout(0)  # the machine may be busy
  return page


# The right end of each element that does not lie in what scrolls by itself.
OUTSIDE = """() => [...document.querySelectorAll("main *")]
  .filter(e => !e.closest(".scroll, pre, .wipe .stage, select"))
  .filter(e => e.getBoundingClientRect().right > innerWidth + 0.5)
  .map(e => `${e.tagName}.${e.className}: ${e.getBoundingClientRect().right}`)
"""

# Words above and below pictures that run over their neighbours.
OVER = """() => [...document.querySelectorAll(".head, .strip span, figcaption")]
  .filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0)
  .map(e => `${e.className}: ${e.textContent}`)
"""


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("script", [True, False])
def test_nothing_is_cut_off_and_only_tables_scroll(
  browser, path, width, script
):
  # Rules of the style sheet ask for the width in CSS pixels.
  context = browser.new_context(
    viewport={"width": width, "height": 800}, java_script_enabled=script
  )
  page = opened(context)
  page.goto(path.as_uri())
  if script:  # without scripts pages cannot be asked
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert not page.evaluate(OUTSIDE)
    assert not page.evaluate(OVER)
  picture = page.screenshot(full_page=True)
  assert tf.io.decode_png(picture).shape[1] == width
  context.close()


def test_a_screen_is_used_from_side_to_side(browser, path):
  context = browser.new_context(viewport={"width": 1280, "height": 800})
  page = opened(context)
  page.goto(path.as_uri())
  for selector in ("h2", ".cards", ".comparison .grid", ".facts"):
    box = page.locator(selector).first.bounding_box()
    assert box["x"] <= 40
    assert box["width"] >= 1200
  context.close()


def test_a_page_without_javascript_says_what_it_is(browser, path, tmp_path):
  context = browser.new_context(java_script_enabled=False)
  page = opened(context)
  page.goto(path.as_uri())
  assert "This page has a script" in page.locator("body").inner_text()
  study, _ = ranking_people.write_study(tmp_path)
  page.goto(study.as_uri())
  said = page.locator("body").inner_text()
  for words in (
    "Which pictures look better?",
    "you compare pictures",
    "JavaScript",
  ):
    assert words in said
  context.close()
