"""The page in a real browser: by mouse, keys and touch, over a reload.

Without a browser the tests are skipped; see `browser` in `conftest.py`.
"""

import json
import re

import pytest
from playwright import sync_api as api

from tests.evaluation.ranking import people
from tfpercept import cli
from tfpercept.evaluation.ranking import results as ranking_results

PHONE = {
  "viewport": {"width": 360, "height": 740},
  "has_touch": True,
  "is_mobile": True,
  "device_scale_factor": 3,
}
TIMEOUT = 20 * 60_000  # milliseconds: the machine may be busy
FOREVER = 10**9  # milliseconds
api.expect.set_options(timeout=TIMEOUT)
QUALITY = {method: i for i, method in enumerate(people.METHODS)}


@pytest.fixture
def visit(browser):
  """Opens a page in a fresh profile; errors in its script fail the test."""
  contexts, errors = [], []

  def open_page(path, fragment="", **options):
    context = browser.new_context(**options)
    contexts.append(context)
    page = context.new_page()
    page.set_default_timeout(TIMEOUT)
    page.on("pageerror", lambda error: errors.append(error))
    # On a busy machine a click may take as long as a press that is held.
    page.add_init_script(
      f"addEventListener('load', () => {{ holdMs = {FOREVER} }})"
    )
    page.goto(f"{path.as_uri()}{fragment}")
    return page

  yield open_page
  for context in contexts:
    context.close()
  assert not errors


@pytest.fixture(scope="module")
def ranked(tmp_path_factory):
  return people.write_study(tmp_path_factory.mktemp("rank"), checks=2)


@pytest.fixture(scope="module")
def paired(tmp_path_factory):
  return people.write_study(
    tmp_path_factory.mktemp("pairs"), mode="pairs", count=4, checks=1
  )


def begin(page, person="7"):
  page.fill("#person", person)
  page.keyboard.press("Enter")
  ready(page)


def ready(page, count=None):
  """Waits until a trial, the one of that number if given, can be answered."""
  if count is not None:
    begins = re.compile(f"^{count} of ")
    api.expect(page.locator("#count")).to_have_text(begins)
  page.wait_for_selector("#stage:not(.waiting) .cell")


def places(page, key):
  """Returns the places on the screen, 1 and up, from the best to the worst."""
  trial = page.evaluate("trials[session.at]")
  shown = [f"p{number:05d}" for number in trial["shown"]]
  known = key["trials"][trial["id"]]

  def quality(item):
    if item == known["spoiled"]:
      return 9
    return QUALITY.get(known["items"][item], 0)

  return [shown.index(item) + 1 for item in sorted(shown, key=quality)]


def by_clicks(page, order):
  for place in order[:-1]:  # the last follows
    page.click(f".cell:has(.place):nth-child({place + 1} of .cell) .pick")
  page.click("#next")


def by_keys(page, order):
  for place in order[:-1]:
    page.keyboard.press(str(place))
  page.keyboard.press("Enter")


def download(page, button, path):
  with page.expect_download() as caught:
    page.click(button)
  caught.value.save_as(path)
  return path


def test_ten_pictures_are_ranked_by_clicks_and_keys_over_a_reload(
  ranked, visit, tmp_path, capsys
):
  path, key = ranked
  page = visit(path)
  begin(page)
  for count in range(1, 13):  # ten pictures and two checks
    ready(page, count)
    order = places(page, key)
    if count == 5:
      page.keyboard.press(str(order[0]))
      page.reload()
      assert "4 of 12 are done" in page.inner_text("#resume")
      page.keyboard.press("Enter")  # the name is filled in
      ready(page, 5)
      assert places(page, key) == order
      chosen = page.locator(".cell.chosen .place")
      assert chosen.all_inner_texts() == ["1st"]
      order = order[1:]
    (by_clicks if count % 2 else by_keys)(page, order)
  page.wait_for_selector("#end:not([hidden])")
  saved = download(page, "#download", tmp_path / "seven.json")
  person = ranking_results.read_person(
    saved, ranking_results.read_key(path.with_suffix(".key.json"))
  )
  assert (person.name, person.is_complete) == ("7", True)
  assert person.checks == (True, True)
  assert {a.picture for a in person.answers} == {
    f"picture_{number}" for number in range(10)
  }
  assert {a.order for a in person.answers} == {people.METHODS}
  # Each took longer than nothing.
  assert all(answer.seconds > 0 for answer in person.answers)
  assert {a["by"] for a in json.loads(saved.read_text())["answers"]} == {
    "mouse", "keys",
  }  # fmt: skip
  status = cli.main(
    ["ranking", "analyse", str(saved), "--resamples=20",
     f"--key={path.with_suffix('.key.json')}"]
  )  # fmt: skip
  out = capsys.readouterr().out
  assert status == 0
  found = [out.index(f"\n{method} ") for method in people.METHODS]
  assert found == sorted(found)


def test_half_a_session_can_be_saved_and_analysed(
  paired, visit, tmp_path, capsys
):
  path, key = paired
  page = visit(path)
  begin(page, "Ann Other")
  for count in range(1, 7):
    ready(page, count)
    best = places(page, key)[0]
    page.keyboard.press("ArrowLeft" if best == 1 else "ArrowRight")
  ready(page, 7)
  saved = download(page, "#save", tmp_path / "half.json")
  value = json.loads(saved.read_text())
  assert (len(value["answers"]), value["complete"]) == (6, False)
  status = cli.main(
    ["ranking", "analyse", str(saved), "--resamples=20",
     f"--key={path.with_suffix('.key.json')}"]
  )  # fmt: skip
  assert status == 0
  assert "Not finished, but used: Ann Other." in capsys.readouterr().out


def test_a_choice_is_revised_by_going_back(paired, visit):
  path, _ = paired
  page = visit(path)
  begin(page)
  page.keyboard.press("1")
  ready(page, 2)
  first = page.evaluate("session.answers[0]")
  page.keyboard.press("b")
  ready(page, 1)
  assert page.get_attribute(".cell.chosen .pick", "aria-label") == (
    "Picture 1, chosen"
  )
  page.keyboard.press("2")
  ready(page, 2)
  second = page.evaluate("session.answers[0]")
  assert second["order"] == first["order"][::-1]
  assert second["changed"]
  assert second["seconds"] > first["seconds"]


def test_going_back_loses_no_time_and_is_not_overtaken(paired, visit):
  path, _ = paired
  page = visit(path)
  begin(page)
  page.keyboard.press("1")
  ready(page, 2)
  # Back while the choice is still shown.
  page.evaluate("() => { choose(cells[0], 'keys'); go(session.at - 1); }")
  ready(page, 1)
  # The next would have come: timers go off in the order in which they end.
  page.evaluate("new Promise(done => setTimeout(done, SHOWN_MS))")
  assert page.inner_text("#count").startswith("1 of")
  assert page.evaluate("session.answers[1]") is None
  spent = page.evaluate("session.spent[1]")
  assert spent > 0
  page.click("#next")
  ready(page, 2)
  assert page.evaluate("session.draft.seconds") >= spent


def test_touch_chooses_and_a_long_touch_enlarges(ranked, visit):
  path, key = ranked
  page = visit(path, **PHONE)
  page.evaluate("holdMs = 400")
  page.fill("#person", "7")
  page.tap("#go")
  ready(page)
  box = page.locator(".cell:has(.place) .pick").first.bounding_box()
  point = {"x": box["x"] + 20, "y": box["y"] + 20}
  wire = page.context.new_cdp_session(page)
  wire.send(
    "Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]}
  )
  page.wait_for_selector("#zoom[open]")
  assert page.inner_text("#caption") == "Picture 1"
  wire.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
  page.wait_for_selector("#zoom:not([open])", state="attached")
  page.evaluate(f"holdMs = {FOREVER}")
  assert not page.locator(".cell.chosen").count()
  order = places(page, key)
  for place in order[:-1]:
    page.tap(f".cell:has(.place):nth-child({place + 1} of .cell) .pick")
  page.tap("#next")
  ready(page, 2)
  answer = page.evaluate("session.answers[0]")
  assert (answer["by"], answer["enlarged"]) == ("touch", 1)


def test_undo_takes_back_and_a_second_press_too(ranked, visit):
  path, _ = ranked
  page = visit(path)
  begin(page)

  def ranks():
    return page.locator(".cell:has(.place) .place").all_inner_texts()

  page.keyboard.press("3")
  assert ranks() == ["", "", "1st"]
  page.keyboard.press("1")
  assert ranks() == ["2nd", "3rd", "1st"]
  assert page.evaluate("document.activeElement.id") == "next"
  page.keyboard.press("Backspace")
  assert ranks() == ["", "", "1st"]
  assert page.is_disabled("#next")
  page.keyboard.press("Enter")  # not all are ranked
  assert page.inner_text("#count") == "1 of 12"
  page.click(".cell.chosen .pick")
  assert ranks() == ["", "", ""]


def test_the_keyboard_alone_reaches_everything(ranked, visit):
  path, _ = ranked
  page = visit(path)
  begin(page)
  page.keyboard.press("ArrowRight")
  page.keyboard.press("ArrowRight")
  focused = "document.activeElement"
  label = page.evaluate(f"{focused}.getAttribute('aria-label')")
  assert label.startswith("Picture ")
  outline = page.evaluate(f"getComputedStyle({focused}).outlineStyle")
  assert outline == "solid"
  page.keyboard.press("Space")
  assert page.locator(".cell.chosen").count() == 1
  page.keyboard.down("z")
  page.wait_for_selector("#zoom[open]")
  page.keyboard.press("0")
  assert page.inner_text("#caption") == "The original"
  page.keyboard.press("ArrowRight")
  assert page.inner_text("#caption") == "Picture 1"
  page.keyboard.up("z")
  page.wait_for_selector("#zoom:not([open])", state="attached")
  page.keyboard.press("?")
  page.wait_for_selector("#guide[open]")
  page.keyboard.press("Escape")
  page.wait_for_selector("#guide:not([open])", state="attached")
  unnamed = page.evaluate(
    "[...document.querySelectorAll('button')].filter("
    "b => !b.textContent.trim() && !b.getAttribute('aria-label')).length"
  )
  assert unnamed == 0


def test_nothing_is_fetched_and_nothing_tells_the_methods(ranked, visit):
  path, _ = ranked
  page = visit(path)
  asked = []
  page.on("request", lambda request: asked.append(request.url))
  page.reload()
  begin(page)
  assert {url.split(":")[0] for url in asked} <= {"file", "data"}
  text = page.content()
  for word in (*people.METHODS, "picture_", str(path.parent)):
    assert word not in text


def test_people_share_the_load_evenly_and_each_order_repeats(visit, tmp_path):
  path, key = people.write_study(
    tmp_path, count=12, pictures=6, shared=2, checks=1
  )
  page = visit(path)
  # Ten dealt pictures, four to a person: five people are two rounds.
  plans = {
    str(n): page.evaluate(f"plan('{n}').map(t => [t.id, t.shown])")
    for n in range(1, 6)
  }
  times = dict.fromkeys(key["trials"], 0)
  for trials in plans.values():
    assert len(trials) == 4 + 2 + 1
    for trial, _ in trials:
      times[trial] += 1
  assert sorted(times.values()) == [2] * 10 + [5] * 3
  again = page.evaluate("plan('3').map(t => [t.id, t.shown])")
  assert again == plans["3"]
  for trial, shown in plans["1"]:
    assert {f"p{n:05d}" for n in shown} == set(key["trials"][trial]["items"])
  shared = set.intersection(*({t for t, _ in p} for p in plans.values()))
  orders = [[t for t, _ in p if t in shared] for p in plans.values()]
  assert len({tuple(order) for order in orders}) > 1


def test_positions_do_not_favour_a_method(ranked, visit):
  path, key = ranked
  page = visit(path)
  first = dict.fromkeys(people.METHODS, 0)
  for person in range(60):
    for trial, number in page.evaluate(
      f"plan('{person}').map(t => [t.id, t.shown[0]])"
    ):
      known = key["trials"][trial]
      if known["spoiled"] is None:
        first[known["items"][f"p{number:05d}"]] += 1
  # 600 draws with a chance of a third have a deviation of 11.5; this is four.
  assert all(abs(count - 200) < 46 for count in first.values())


def test_pairs_are_dealt_so_that_each_gets_its_share(visit, tmp_path):
  path, key = people.write_study(
    tmp_path, mode="pairs", count=6, pairs=1, checks=0
  )
  page = visit(path)
  seen = {}
  for person in range(1, 7):
    for trial, shown in page.evaluate(
      f"plan('{person}').map(t => [t.id, t.shown])"
    ):
      items = key["trials"][trial]["items"]
      pair = frozenset(items[f"p{number:05d}"] for number in shown)
      seen[trial, pair] = seen.get((trial, pair), 0) + 1
  # Six people, three pairs of each of six pictures: each pair twice.
  assert set(seen.values()) == {2}
  assert len(seen) == 18


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("study", ["ranked", "paired"])
def test_everything_fits_a_phone(study, scheme, visit, request):
  path, _ = request.getfixturevalue(study)
  page = visit(path, color_scheme=scheme, **PHONE)
  begin(page)
  assert page.evaluate(
    "document.documentElement.scrollWidth <= document.documentElement"
    ".clientWidth"
  )
  boxes = [i.bounding_box() for i in page.locator("#stage img").all()]
  assert (
    len({(round(b["width"], 1), round(b["height"], 1)) for b in boxes}) == 1
  )
  assert boxes[0]["width"] > 60  # 24 pixels, up to four times
  bottom = page.locator("footer").bounding_box()["y"]
  assert all(b["y"] + b["height"] <= bottom for b in boxes)


def test_pixels_are_whole_screen_pixels(ranked, visit):
  path, _ = ranked
  page = visit(path, device_scale_factor=1.5)
  begin(page)
  image = page.locator("#stage img").first
  width = page.evaluate(
    "e => parseFloat(e.style.width)", image.element_handle()
  )
  # 24 pixels; the style has two decimals.
  assert abs(width * 1.5 / 24 - round(width * 1.5 / 24)) < 0.01
  assert page.evaluate(
    "e => getComputedStyle(e).imageRendering", image.element_handle()
  ) == "pixelated"  # fmt: skip


def test_a_browser_that_keeps_nothing_says_so(ranked, visit):
  path, _ = ranked
  page = visit(path)
  page.add_init_script(
    "Storage.prototype.setItem = () => { throw new Error('full'); }"
  )
  page.reload()
  begin(page)
  assert "does not keep your progress" in page.inner_text("#warning")
  page.keyboard.press("1")
  assert page.locator(".cell.chosen").count() == 1


def test_the_name_decides_whose_session_it_is(ranked, visit):
  path, _ = ranked
  page = visit(path, "#person=7")
  assert page.input_value("#person") == "7"
  page.keyboard.press("Enter")
  ready(page)
  page.keyboard.press("1")
  page.keyboard.press("2")
  page.keyboard.press("Enter")
  ready(page, 2)
  page.reload()
  page.fill("#person", "8")
  assert page.inner_text("#resume") == ""
  page.fill("#person", " 7 ")
  assert "1 of 12 are done" in page.inner_text("#resume")
