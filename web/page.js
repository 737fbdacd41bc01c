/** The page: takes files, shows pictures, and says what is wrong with them. */

import {
  CODECS, CorruptStream, LOSSLESS, MAX_BYTES, STEPS,
} from "./container.js";
import {Decoder} from "./decoder.js";
import {BRIGHTEST, compare, readPicture} from "./pictures.js";

const element = (id) => document.getElementById(id);
const decoder = new Decoder();
const views = new Map();  // RGBA pixels of one size, by the name of the view
let size = null, facts = [], original = null, newest = 0;

/**
 * Shows one file: a `.tfp`, or a picture to compare with the last one.
 *
 * @returns {Promise<boolean>} Whether it is shown, and no other was opened
 *   meanwhile.
 */
async function open(blob, name) {
  const own = ++newest;
  say("");
  complain("");
  try {
    if (blob.size > MAX_BYTES) {
      throw new CorruptStream(
        `the file has ${blob.size} bytes; at most ${MAX_BYTES} are read`);
    }
    const start = new Uint8Array(await blob.slice(0, 12).arrayBuffer());
    if (isPicture(start)) {
      const picture = await readPicture(blob);
      if (own === newest) setOriginal(picture, name);
      return own === newest;
    }
    say(`Decoding ${name} …`);
    const began = performance.now();
    const data = new Uint8Array(await blob.arrayBuffer());
    const found = await decoder.decode(data, (share) => {
      if (own === newest) say(`Decoding ${name}: ${Math.round(100 * share)} %`);
    });
    if (own !== newest) return false;  // another file was opened meanwhile
    say("");
    setDecoded(found, data.length, name, performance.now() - began);
    return true;
  } catch (error) {
    if (own !== newest) return false;
    say("");
    const why = error.message.replace(/\.$/, "");
    complain(`The file ${name} is not shown: ${why}.`);
    if (!(error instanceof CorruptStream)) console.warn(error);
    return false;
  }
}

/** Whether a file begins as a PNG, JPEG, GIF, WebP, BMP or AVIF does. */
function isPicture(start) {
  const text = String.fromCharCode(...start);
  return text.startsWith("\x89PNG") || text.startsWith("\xff\xd8\xff") ||
    text.startsWith("GIF8") || text.startsWith("BM") ||
    (text.startsWith("RIFF") && text.slice(8) === "WEBP") ||
    text.slice(4, 8) === "ftyp";
}

function setDecoded({width, height, pixels, header, model}, bytes, name, ms) {
  size = {width, height};
  views.clear();
  views.set("decoded", pixels);
  const bpp = (8 * bytes / (width * height)).toFixed(3);
  const codec = CODECS.get(header.codec);
  facts = [
    ["File", name],
    ["Size", `${width} x ${height}${header.grey ? ", grey" : ""}`],
    ["Bytes", `${bytes.toLocaleString("en")}, ${bpp} bits per pixel`],
    ["Codec", header.codec === LOSSLESS
      ? `${codec}: every pixel is the original's`
      : `${model.name}, quality ${header.quality / STEPS}`],
    ["Decoded", `in ${(ms / 1000).toFixed(2)} seconds`],
  ];
  element("shown").hidden = false;
  if (original) addOriginal();
  show("decoded");
}

function setOriginal(picture, name) {
  original = {...picture, name};
  if (!size) {
    say(`The picture ${name} waits for the .tfp to compare it with.`);
    return;
  }
  addOriginal();
  if (views.has("error")) show("error");
}

/** Compares what is decoded with the original, if they are of one size. */
function addOriginal() {
  const {width, height, pixels, name} = original;
  facts = facts.filter(([term]) => !["Original", "PSNR"].includes(term));
  if (width !== size.width || height !== size.height) {
    complain(`The picture ${name} has ${width}x${height} pixels, and the ` +
             `decoded one ${size.width}x${size.height}. Drop the original of ` +
             "this file.");
    ["original", "error"].forEach((view) => views.delete(view));
    original = null;
    show("decoded");
    return;
  }
  const {psnr, largest, map} = compare(views.get("decoded"), pixels);
  views.set("original", pixels);
  views.set("error", map);
  facts.push(["Original", name], ["PSNR", psnr === Infinity
    ? "infinite: the pictures are equal"
    : `${psnr.toFixed(2)} dB; no channel is off by more than ${largest}`]);
}

const CAPTIONS = {
  decoded: "",
  original: "The picture that the decoded one is compared with.",
  error: "Largest error of the three channels: black is none, white is " +
    `${BRIGHTEST} levels of 255 or more.`,
};

function show(view) {
  const canvas = element("picture");
  if (canvas.width !== size.width || canvas.height !== size.height) {
    Object.assign(canvas, size);
  }
  canvas.getContext("2d").putImageData(
    new ImageData(views.get(view), size.width, size.height), 0, 0);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${view}: ${facts[0][1]}`);
  element("caption").textContent = CAPTIONS[view];
  for (const input of document.querySelectorAll("input[name=view]")) {
    input.disabled = !views.has(input.value);
    input.checked = input.value === view;
  }
  element("facts").replaceChildren(...facts.flatMap(([term, text]) => {
    const pair = ["dt", "dd"].map((tag) => document.createElement(tag));
    [pair[0].textContent, pair[1].textContent] = [term, text];
    return pair;
  }));
}

function say(text) {
  element("status").textContent = text;
  element("status").hidden = !text;
}

function complain(text) {
  element("error").textContent = text;
  element("error").hidden = !text;
}

/** Opens an address; what is read is bounded before it is kept. */
async function openAddress(address) {
  const name = address.split(/[?#]/)[0].split("/").pop() || address;
  complain("");
  say(`Fetching ${name} …`);
  try {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
    const parts = [];
    let bytes = 0;
    for (const reader = answer.body.getReader(); ;) {
      const {done, value} = await reader.read();
      if (done) break;
      bytes += value.length;
      if (bytes > MAX_BYTES) {
        reader.cancel();
        throw new Error(`it has more than ${MAX_BYTES} bytes`);
      }
      parts.push(value);
    }
    await open(new Blob(parts), name);
  } catch (error) {
    say("");
    complain(`The address ${address} cannot be fetched: ${error.message}. A ` +
             "server of another origin has to allow it (CORS).");
  }
}

/** Opens what is given at once, the .tfp first; a bad file is the last one. */
async function openAll(files) {
  const isStream = (file) => file.name.toLowerCase().endsWith(".tfp");
  const ordered = [...files].sort((a, b) => isStream(b) - isStream(a));
  for (const file of ordered) {
    if (!await open(file, file.name)) return;
  }
}

function listen() {
  const drop = element("drop");
  // The whole page takes files, or a miss would leave it.
  addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  addEventListener("dragleave", () => drop.classList.remove("over"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    openAll(event.dataTransfer.files);
  });
  element("file").addEventListener(
    "change", ({target}) => openAll(target.files));
  element("address").addEventListener("submit", (event) => {
    event.preventDefault();
    if (element("url").value) openAddress(element("url").value);
  });
  element("views").addEventListener("change", ({target}) => show(target.value));
  element("save").addEventListener("click", () => {
    element("picture").toBlob((blob) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = `${facts[0][1].replace(/\.tfp$/i, "")}.png`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    });
  });
  const given = new URLSearchParams(location.search).get("file");
  if (given) openAddress(given);
}

listen();
