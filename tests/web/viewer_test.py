"""The viewer in a real browser: symbols, pixels, damage and comparisons.

Without a browser, or without `web/dist`, which `make web` builds, the tests are
skipped. They fail instead where TFPERCEPT_REQUIRE_SHARED=1.
"""

import base64
import hashlib
import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from playwright import sync_api as api

from tests.codecs import forgery
from tests.web import served_page
from tfpercept import codecs
from tfpercept.codecs.bitstream import container, header
from tfpercept.codecs.lossless import lossless_codec
from tfpercept.data import packaged

TIMEOUT = 20 * 60_000  # milliseconds: the machine may be busy
JUDGED = """async ([text, lengths, model, identity]) => {
  const [{CorruptStream, unpack}, {EntropyModel}, answer] = await Promise.all([
    import("./container.js"), import("./entropy_model.js"),
    fetch(`models/${model}.coding`)]);
  const entropyModel = new EntropyModel(await answer.arrayBuffer());
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  let at = 0;
  return lengths.map((length) => {
    at += length;
    try {
      const header = unpack(bytes.subarray(at - length, at));
      if (header.codec !== 2 || header.model !== identity) return "another";
      const {symbols} = entropyModel.decode(header);
      return symbols.reduce((sum, each, i) => sum + each * i, 0);
    } catch (error) {
      return error instanceof CorruptStream ? "corrupt" : String(error);
    }
  });
}"""
FACTS = "#facts dd:nth-of-type(5)"
COMPLAINT = "#error:not([hidden])"
PIXELS = """() => {
  const canvas = document.getElementById("picture");
  const {width, height} = canvas;
  const {data} = canvas.getContext("2d").getImageData(0, 0, width, height);
  let text = "";
  for (let i = 0; i < data.length; i += 8192) {
    text += String.fromCharCode(...data.subarray(i, i + 8192));
  }
  return [height, width, btoa(text)];
}"""
SYMBOLS = """async ([name, model]) => {
  const [{unpack}, {EntropyModel}] = await Promise.all([
    import("./container.js"), import("./entropy_model.js")]);
  const [file, coding] = await Promise.all([name, `models/${model}.coding`].map(
    async (address) => (await fetch(address)).arrayBuffer()));
  const found = new EntropyModel(coding).decode(unpack(new Uint8Array(file)));
  return Promise.all([found.z, found.symbols].map(async (symbols) => {
    const digest = await crypto.subtle.digest("SHA-256", symbols);
    const text = String.fromCharCode(...new Uint8Array(digest));
    return [symbols.length, btoa(text)];
  }));
}"""


def codec_of(model):
  # The self-test is one of the machine, which other tests run.
  return codecs.get(f"hyperprior(model={model!r}, check=False)")


def pictures():
  """Pictures of unlike sizes and qualities, by name, with their models.

  They take one small tile, several in a row, and one large tile of which the
  picture fills a part.
  """
  cat, cup, flower = packaged.test().values()
  return {
    "tiny": ("photo_mse", cat[100:129, 80:131], 8.0),
    "wide": ("photo_ms_ssim", np.hstack([cup[:70], cup[70:140]])[:, :1100], 1),
    "tall": ("photo_mse", flower[:, 200:420, 1:2], 4.5625),
  }


@pytest.fixture(scope="module")
def streams():
  """Files by name: bytes, the model, and the picture that Python decodes."""
  found = {}
  for name, (model, picture, quality) in pictures().items():
    codec = codec_of(model)
    picture = np.ascontiguousarray(picture)
    data = codec.compress(picture, quality=quality)
    found[name] = data, model, codec.decompress(data)
  return found


@pytest.fixture(scope="module")
def address(streams):
  folder = served_page.built()
  if folder is None:
    message = "no web/dist: make web builds it, or TFPERCEPT_WEB names another"
    if os.environ.get("TFPERCEPT_REQUIRE_SHARED") == "1":
      pytest.fail(message)
    pytest.skip(message)
  given = {f"{name}.tfp": data for name, (data, *_) in streams.items()}
  with served_page.serve(folder, given) as found:
    yield found


@pytest.fixture(scope="module")
def viewer(browser, address):
  """The page, open; errors in its scripts and other hosts fail the tests."""
  context = browser.new_context(viewport={"width": 900, "height": 900})
  page, wrong = context.new_page(), []
  page.set_default_timeout(TIMEOUT)
  page.on("pageerror", lambda error: wrong.append(str(error)))
  page.on(
    "request",
    lambda request: (
      wrong.append(request.url)
      if not request.url.startswith((address, "data:", "blob:"))
      else None
    ),
  )
  page.goto(address)
  yield page
  context.close()
  assert not wrong


def give(page, *named):
  """Gives the page files, and waits until it shows one or complains."""
  page.evaluate("document.getElementById('facts').replaceChildren()")
  page.set_input_files(
    "#file",
    [
      {"name": name, "mimeType": "application/octet-stream", "buffer": data}
      for name, data in named
    ],
  )
  page.wait_for_selector(f"{FACTS}, {COMPLAINT}")


def shown(page):
  """Returns the pixels on the screen, uint8 `[H, W, 3]`."""
  height, width, text = page.evaluate(PIXELS)
  pixels = np.frombuffer(base64.b64decode(text), np.uint8)
  pixels = pixels.reshape(height, width, 4)
  assert (pixels[..., 3] == 255).all()
  return pixels[..., :3]


def complaint(page, data, name="it.tfp"):
  give(page, (name, data))
  assert page.is_visible("#error")
  assert not page.is_visible("#status")
  return page.inner_text("#error")


def sealed(body):
  return body + struct.pack("<I", zlib.crc32(body))


@pytest.mark.parametrize("name", ["tiny", "wide", "tall"])
def test_symbols_are_those_of_python_and_pixels_within_one_level(
  name, viewer, streams
):
  data, model, picture = streams[name]
  symbols = codec_of(model).symbols(data)
  found = viewer.evaluate(SYMBOLS, [f"{name}.tfp", model])
  for key, (count, digest) in zip(("z", "y"), found, strict=True):
    wanted = symbols[key].astype("<i4")
    assert count == wanted.size
    wanted = hashlib.sha256(wanted.tobytes()).digest()
    assert base64.b64decode(digest) == wanted, f"a symbol of {key} differs"
  give(viewer, (f"{name}.tfp", data))
  made = shown(viewer)
  assert made.shape[:2] == picture.shape[:2]
  # The synthesis is in floating point, with weights of 16 bits.
  assert np.abs(made.astype(int) - picture).max() <= 1
  assert model in viewer.inner_text("#facts")


def test_it_opens_an_address_on_an_isolated_page_alike(
  browser, address, streams
):
  context = browser.new_context()
  page = context.new_page()
  page.set_default_timeout(TIMEOUT)
  page.goto(f"{address}?isolated&file=tiny.tfp")
  page.wait_for_selector(FACTS)
  assert page.evaluate("crossOriginIsolated")
  assert np.abs(shown(page).astype(int) - streams["tiny"][2]).max() <= 1
  page.fill("#url", "nowhere.tfp")
  page.click("#address button")
  page.wait_for_selector(COMPLAINT)
  assert "the server answers 404" in page.inner_text("#error")
  context.close()


def damaged(data):
  """Damaged files of a whole one, each with what the page says of it."""
  body, at = bytearray(data[:-4]), 15  # of the height, behind the hash
  lengths = at + 3  # behind height, width and quality, of a byte each
  assert body[lengths] == 3  # strings
  huge = body[:at] + b"\xff\xff\x03" * 2 + body[at + 2 :]
  longer = bytearray(body)
  longer[lengths + 1] += 1
  other = bytearray(body)
  other[7] ^= 1
  header, strings = forgery.opened(data, codec_of("photo_mse"))
  extended = container.pack(
    header, [*strings[:2], strings[2] + bytes(3) + b"1"]
  )
  newer = bytearray(body)
  newer[4] = 2
  flipped = bytearray(data)
  flipped[len(data) // 2] ^= 1
  return {
    "of another kind": (b"no picture at all", "does not begin as one"),
    "with a bit flipped": (flipped, "the checksum is wrong"),
    "cut in the middle": (data[: len(data) // 2], "the checksum is wrong"),
    "of a newer version": (sealed(newer), "version 2; only version 1 is read"),
    "too large": (sealed(huge), "65535x65535 pixels; at most 33554432"),
    "with a wrong length": (sealed(longer), "bytes in all, where"),
    "of another model": (sealed(other), "this page has photo_ms_ssim (5fdf17"),
    "of longer strings": (extended, "string of y does not end as"),
    "empty": (b"", "does not begin as one"),
  }


def test_damaged_files_are_refused_with_a_sentence_each(viewer, streams):
  for name, (data, words) in damaged(streams["tiny"][0]).items():
    said = complaint(viewer, bytes(data))
    assert words in said, name
    assert said.startswith("The file it.tfp is not shown: "), name
    assert said.endswith("."), name
  # What is whole is decoded all the same afterwards.
  give(viewer, ("tiny.tfp", streams["tiny"][0]))
  assert not viewer.is_visible("#error")


def mutated(data, *, count):
  """Files that are changed in places, mostly with a right checksum."""
  random = np.random.default_rng(5)
  for _ in range(count):
    body = bytearray(data[:-4])
    # Half of the changes are in the header.
    at = int(random.integers(45 if random.random() < 0.5 else len(body)))
    length, new = random.integers(0, 3, 2)
    body[at : at + length] = random.bytes(new)
    yield sealed(bytes(body)) if random.random() < 0.9 else bytes(body)


def test_changed_files_are_judged_as_python_judges_them(viewer, streams):
  data, model, _ = streams["tiny"]
  codec = codec_of(model)
  codec.max_pixels = 2**25  # which the page has
  given, wanted = list(mutated(data, count=200)), []
  for each in given:
    try:
      symbols = codec.symbols(each)["y"].ravel()
    except codecs.CorruptStream:
      wanted.append("corrupt")
      continue
    wanted.append(int((symbols * np.arange(symbols.size)).sum()))
  text = base64.b64encode(b"".join(given)).decode()
  lengths = [len(each) for each in given]
  found = viewer.evaluate(JUDGED, [text, lengths, model, codec.identity.hex()])
  found = ["corrupt" if each == "another" else each for each in found]
  assert found == wanted
  assert 0 < wanted.count("corrupt") < len(wanted), "all are judged alike"


def test_lossless_files_and_those_of_other_codecs(viewer):
  picture = packaged.test()["coffee"][:20, :40]
  grey = np.ascontiguousarray(picture[..., :1])
  lossless = lossless_codec.Lossless()
  bands = np.repeat(np.arange(16, dtype=np.uint8), 64)[None, :, None]
  kinds = set()
  for image in (picture, grey, grey[:1, :3], np.tile(bands, (64, 1, 3))):
    data = lossless.compress(np.ascontiguousarray(image))
    kinds.add(container.read_header(data).header.payload)
    give(viewer, ("it.tfp", data))
    np.testing.assert_array_equal(shown(viewer), image + 0 * shown(viewer))
    assert "every pixel is the original's" in viewer.inner_text("#facts")
  assert len(kinds) > 1, "all are of one payload"
  other = container.Header(codec=5, model=b"12345678", height=8, width=8)
  said = complaint(viewer, container.pack(other, [b"1"]))
  assert "of the codec inversion" in said
  assert "tfpercept decompress" in said


def png(picture, **options):
  file = io.BytesIO()
  Image.fromarray(picture.squeeze()).save(file, "png", **options)
  return file.getvalue()


def test_lossless_files_that_python_refuses_are_refused(viewer):
  color = np.ascontiguousarray(packaged.test()["coffee"][:20, :40])
  grey = color[..., 0]
  notes = PngImagePlugin.PngInfo()
  notes.add(b"gAMA", struct.pack(">I", 100_000))
  alpha = np.dstack([color, np.full_like(grey, 128)])
  forged = {
    "of gamma": (png(color, pnginfo=notes), False),
    "of opacity": (png(alpha), False),
    "of color as grey": (png(color), True),
    "of grey as color": (png(grey), False),
    "cut": (png(color)[:-9], False),
  }
  kind, whole = header.PAYLOADS["png"], png(color)
  for name, (payload, is_grey) in {"whole": (whole, False), **forged}.items():
    data = container.pack(
      container.Header(
        codec=header.LOSSLESS, model=b"", height=20, width=40,
        grey=is_grey, payload=kind,
      ),
      [payload],
    )  # fmt: skip
    if name == "whole":
      give(viewer, ("it.tfp", data))
      np.testing.assert_array_equal(shown(viewer), color)
      continue
    with pytest.raises(codecs.CorruptStream):
      lossless_codec.Lossless().decompress(data)
    assert "The file it.tfp is not shown: a PNG" in complaint(viewer, data), (
      name
    )


def test_a_damaged_file_is_told_though_its_original_comes_with_it(viewer):
  original = png(packaged.test()["coffee"][:20, :40])
  give(viewer, ("original.png", original), ("it.tfp", b"damaged"))
  assert "it.tfp is not shown" in viewer.inner_text("#error")


def test_a_png_beside_it_gives_psnr_and_an_error_map(viewer, streams):
  data, _, _ = streams["tiny"]
  original = pictures()["tiny"][1]
  give(viewer, ("it.tfp", data))
  decoded = shown(viewer).astype(int)
  give(viewer, ("original.png", png(np.ascontiguousarray(original))))
  viewer.wait_for_selector("input[value=error]:enabled")
  error = np.abs(decoded - original)
  psnr = 10 * np.log10(255**2 / (error**2).mean())
  said = viewer.inner_text("#facts")
  assert f"{psnr:.2f} dB" in said
  assert f"off by more than {error.max()}" in said
  viewer.check("input[value=error]")
  heat = 3 * 255 * error.max(axis=-1) / 32
  wanted = np.stack([heat, heat - 255, heat - 510], axis=-1).clip(0, 255)
  assert np.abs(shown(viewer) - wanted).max() <= 0.5  # which is rounded
  viewer.check("input[value=original]")
  np.testing.assert_array_equal(shown(viewer), original)
  said = complaint(viewer, png(original[:9]), "small.png")
  assert "51x9 pixels, and the decoded one 51x29" in said
  viewer.wait_for_selector("input[value=error]:disabled")


def test_a_file_is_dropped_and_saved(viewer, streams, tmp_path):
  data, _, picture = streams["tiny"]
  viewer.evaluate("document.getElementById('facts').replaceChildren()")
  viewer.evaluate(
    """(text) => {
      const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([bytes], "dropped.tfp"));
      const event = new DragEvent(
        "drop", {dataTransfer, bubbles: true, cancelable: true});
      document.getElementById("drop").dispatchEvent(event);
    }""",
    base64.b64encode(data).decode(),
  )
  api.expect(viewer.locator(FACTS)).to_be_visible(timeout=TIMEOUT)
  with viewer.expect_download() as caught:
    viewer.click("#save")
  assert caught.value.suggested_filename == "dropped.png"
  caught.value.save_as(tmp_path / "dropped.png")
  with Image.open(tmp_path / "dropped.png") as saved:
    made = np.asarray(saved.convert("RGB")).astype(int)
  assert np.abs(made - picture).max() <= 1
