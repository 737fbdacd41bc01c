"""A block of report pages: two pictures, one over the other, and a slider.

Each picture is held once, exactly, in a row below; a small script shows two of
them on the stage. Without scripts the row remains, and the page says so.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from tfpercept.reports import markup, page

_MAP_QUALITY = 85
"""Quality of error maps as WebP. Pictures are exact, since a reader looks for
artifacts in them; of a map the reader sees where it is bright."""

ASSETS = """\
<style>
.wipe { max-width: 58rem; }
.wipe .choice { display: flex; flex-wrap: wrap; gap: .5rem 1.4rem;
  align-items: center; margin-bottom: .5rem; }
.wipe label { min-width: 0; max-width: 100%; }
.wipe select { max-width: 100%; font: inherit; color: inherit;
  background: var(--panel); border: 1px solid var(--line); border-radius: 4px;
  padding: .1rem .3rem; }
/* A square picture is no higher than the window. */
.wipe .stage, .wipe input[type=range], .wipe .said {
  max-width: max(18rem, calc(85vh * var(--ratio))); }
.wipe .stage { position: relative; overflow: hidden; border-radius: 4px;
  cursor: ew-resize; touch-action: pan-y; user-select: none; }
.wipe .stage img { display: block; width: 100%; height: auto; }
.wipe .stage .left { position: absolute; inset: 0;
  clip-path: inset(0 calc(100% - var(--at)) 0 0); }
.wipe .stage i { position: absolute; top: 0; bottom: 0; left: var(--at);
  width: 2px; margin-left: -1px; background: #fff;
  box-shadow: 0 0 0 1px rgba(0, 0, 0, .5); pointer-events: none; }
.wipe input[type=range] { display: block; width: 100%; margin: .5rem 0 .2rem; }
.wipe .said { display: flex; justify-content: space-between; gap: 2rem;
  color: var(--soft); font-size: .85rem; }
.wipe .said span { min-width: 0; overflow-wrap: anywhere; }
.wipe .said span:last-child { text-align: right; }
.wipe .row { display: grid; gap: .7rem; margin-top: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); }
.wipe .row figure { margin: 0; }
.wipe .row figcaption { font-size: .82rem; margin: 0; font-weight: 400; }
.wipe .row b { overflow-wrap: anywhere; }
.wipe .row small { display: block; }
.wipe .row img { width: 100%; height: auto; display: block;
  border-radius: 2px; margin-top: .2rem; }
.wipe .stage, .wipe .choice, .wipe input[type=range], .wipe .said {
  display: none; }
.wipe.live .stage, .wipe.live input[type=range] { display: block; }
.wipe.live .choice, .wipe.live .said { display: flex; }
</style>
<script>
document.addEventListener("DOMContentLoaded", () => {
  for (const wipe of document.querySelectorAll(".wipe")) {
    const of = (selector) => wipe.querySelector(selector);
    const stage = of(".stage"), slider = of("input[type=range]");
    const maps = of("input[type=checkbox]");
    const shown = [...wipe.querySelectorAll(".row figure")];
    const move = (at) => {
      slider.value = at;
      stage.style.setProperty("--at", slider.value + "%");
    };
    const show = () => {
      for (const side of ["left", "right"]) {
        const figure = shown[of("select." + side).value];
        const images = figure.querySelectorAll("img");
        const map = maps.checked ? images[1] : null;
        const image = of(".stage img." + side);
        image.src = (map || images[0]).src;
        image.alt = (map || images[0]).alt;
        of(".said ." + side).textContent =
          figure.querySelector("b").textContent + ": " +
          figure.querySelector("small").textContent;
      }
    };
    for (const input of wipe.querySelectorAll("select, input[type=checkbox]"))
      input.addEventListener("change", show);
    slider.addEventListener("input", () => move(slider.value));
    const drag = (event) => {
      const box = stage.getBoundingClientRect();
      move(100 * (event.clientX - box.left) / box.width);
    };
    stage.addEventListener("pointerdown", (event) => {
      stage.setPointerCapture(event.pointerId);
      drag(event);
      event.preventDefault();
    });
    stage.addEventListener("pointermove", (event) => {
      if (event.buttons) drag(event);
    });
    wipe.classList.add("live");
    move(50);
    show();
  }
});
</script>
<noscript><p>This page has a script, which lays two pictures over each other
behind a slider; your browser runs none. All pictures are shown in rows
instead.</p></noscript>
"""
"""Style and script that a page needs once, before the first of these blocks."""


@dataclasses.dataclass(frozen=True)
class Shown:
  """A picture that can be chosen.

  Attributes:
    name: Name in the lists.
    caption: Text below the picture.
    picture: Picture, uint8 `[H, W, 1 or 3]`.
    map: Error map in colors, uint8 `[H, W, 3]`; None for the original.
  """

  name: str
  caption: str
  picture: np.ndarray
  map: np.ndarray | None = None


def block(
  title: str, shown: Sequence[Shown], *, left: int = 0, right: int = 1
) -> str:
  """Returns pictures of one size of which two are compared.

  Args:
    title: Heading of the block.
    shown: Pictures of one size, two or more.
    left: Index of the picture shown at the left at first.
    right: Index of the picture shown at the right at first.

  Raises:
    ValueError: if there are fewer than two, or their sizes differ.
  """
  sizes = {s.picture.shape[:2] for s in shown}
  if len(shown) < 2 or len(sizes) > 1:
    raise ValueError(
      f"expected two or more pictures of one size; got {len(shown)} of sizes "
      f"{sorted(sizes)}"
    )
  row = "\n".join(map(_figure, shown))
  title = markup.escape(title)
  ((height, width),) = sizes
  return f"""<figure class="wipe" style="--ratio:{width / height:.3f}">
<figcaption>{title}</figcaption>
<div class="choice">{_select("left", shown, left)}
{_select("right", shown, right)}
<label><input type="checkbox"> error maps</label></div>
<div class="stage"><img class="right" alt=""><img class="left" alt=""><i></i>
</div>
<input type="range" min="0" max="100" step="0.5" value="50"
 aria-label="{title}: share of the left picture that is shown, percent">
<div class="said"><span class="left"></span><span class="right"></span></div>
<div class="row">
{row}
</div>
</figure>"""


def _select(side: str, shown: Sequence[Shown], chosen: int) -> str:
  options = "".join(
    f'<option value="{place}"{" selected" * (place == chosen)}>'
    f"{markup.escape(s.name)}</option>"
    for place, s in enumerate(shown)
  )
  # What a reload would keep does not fit what is shown first.
  return (
    f'<label>{side} <select class="{side}" autocomplete="off">{options}'
    "</select></label>"
  )


def _figure(shown: Shown) -> str:
  images = [page.photo_tag(shown.picture, shown.name)]
  if shown.map is not None:
    alt = f"error map of {shown.name}"
    images.append(page.photo_tag(shown.map, alt, quality=_MAP_QUALITY))
  return (
    f"<figure><figcaption><b>{markup.escape(shown.name)}</b>"
    f"<small>{markup.escape(shown.caption)}</small></figcaption>{''.join(images)}"
    "</figure>"
  )
