"""Two pictures and a slider, in a browser and without a script."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept.reports import page as report
from tfpercept.reports import wipe


def shown():
  pictures = [np.full([60, 100, 3], level, np.uint8) for level in (0, 90, 200)]
  maps = [None, pictures[1], pictures[2]]
  return [
    wipe.Shown(f"<{name}>", f"of {name}", picture, error)
    for name, picture, error in zip("abc", pictures, maps, strict=True)
  ]


@pytest.fixture
def page(browser, tmp_path):
  path = tmp_path / "page.html"
  blocks = [wipe.ASSETS, *(wipe.block(t, shown()) for t in ("one", "two"))]
  report.Page("t", "s", [report.section("s", *blocks)]).write(path)
  context = browser.new_context(viewport={"width": 900, "height": 900})
  opened, errors = context.new_page(), []
  opened.on("pageerror", lambda error: errors.append(error))
  opened.goto(path.as_uri())
  yield opened
  context.close()
  assert not errors


def test_each_picture_is_held_once():
  text = wipe.block("t", shown())
  assert text.count("data:image/webp") == 3 + 2
  assert "&lt;a&gt;" in text
  assert "<a>" not in text


def test_one_picture_or_two_sizes_are_refused():
  with pytest.raises(ValueError, match="two or more pictures of one size"):
    wipe.block("t", shown()[:1])
  odd = wipe.Shown("odd", "", np.zeros([9, 9, 3], np.uint8))
  with pytest.raises(ValueError, match=r"\(9, 9\), \(60, 100\)"):
    wipe.block("t", [*shown(), odd])


def at(page, place=0):
  stage = page.locator(".stage").nth(place)
  return stage.evaluate("e => parseFloat(e.style.getPropertyValue('--at'))")


def test_the_arrow_keys_move_the_seam(page):
  assert at(page) == 50
  page.locator("input[type=range]").first.focus()
  for _ in range(4):
    page.keyboard.press("ArrowRight")
  assert at(page) == 52
  page.keyboard.press("Home")
  assert at(page) == 0
  assert at(page, 1) == 50


def test_dragging_moves_the_seam(page):
  box = page.locator(".stage").first.bounding_box()
  y = box["y"] + box["height"] / 2
  page.mouse.move(box["x"] + box["width"] / 2, y)
  page.mouse.down()
  page.mouse.move(box["x"] + box["width"] / 4, y, steps=3)
  page.mouse.up()
  assert at(page) == pytest.approx(25, abs=1)  # steps of 0.5, and of a pixel
  page.mouse.move(box["x"], y)
  assert at(page) == pytest.approx(25, abs=1)


def test_the_seam_parts_the_pictures_that_were_chosen(page):
  stage = page.locator(".stage").first

  def level(x):
    picture = stage.screenshot()
    found = tf.io.decode_png(picture, channels=3).numpy()
    return int(found[found.shape[0] // 3, int(x * found.shape[1]), 0])

  assert (level(0.2), level(0.8)) == (0, 90)
  page.locator("select.right").first.select_option(label="<c>")
  assert (level(0.2), level(0.8)) == (0, 200)
  assert page.locator(".said .right").first.inner_text() == "<c>: of c"


def test_maps_are_shown_of_what_has_one(page):
  first = page.locator(".stage img.left").first
  right = page.locator(".stage img.right").first
  page.locator("input[type=checkbox]").first.focus()
  page.keyboard.press("Space")
  assert first.get_attribute("alt") == "<a>"
  assert right.get_attribute("alt") == "error map of <b>"


def test_without_scripts_the_row_of_pictures_remains(browser, tmp_path):
  path = tmp_path / "page.html"
  report.Page("t", "s", [wipe.ASSETS, wipe.block("t", shown())]).write(path)
  context = browser.new_context(java_script_enabled=False)
  opened = context.new_page()
  opened.goto(path.as_uri())
  assert opened.locator(".row img").first.is_visible()
  assert not opened.locator(".stage").is_visible()
  context.close()
