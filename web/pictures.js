/** Pictures that the browser itself can read, and how far two are apart. */

import {PNG, SAMPLES, VP8L, crc32, refuse} from "./container.js";

/** Returns the RGBA pixels of a lossless file, whose header is checked. */
export async function losslessPicture(header) {
  const {width, height, grey, strings, payload} = header;
  if (strings.length !== 1) {
    refuse(`${strings.length} strings; a lossless file has 1`);
  }
  const [string] = strings;
  if (payload === SAMPLES) return ofSamples(string, width, height, grey);
  const type = payload === VP8L ? "image/webp" : "image/png";
  const file = payload === VP8L
    ? webp(string, width, height) : checkedPng(string, width, height, grey);
  let bitmap = null;
  try {
    bitmap = await createImageBitmap(new Blob(file, {type}), {
      colorSpaceConversion: "none", imageOrientation: "none",
      premultiplyAlpha: "none",
    });
  } catch {
    refuse(`the ${type} in the file cannot be read`);
  }
  if (bitmap.width !== width || bitmap.height !== height) {
    refuse(`a picture of ${bitmap.width}x${bitmap.height} in a file of ` +
           `${width}x${height}`);
  }
  const pixels = pixelsOf(bitmap);
  if (grey && pixels.some((value, at) =>
        at % 4 < 3 && value !== pixels[at - at % 4])) {
    refuse("a grey picture of which the channels differ");
  }
  return pixels;
}

function ofSamples(samples, width, height, grey) {
  const channels = grey ? 1 : 3, count = width * height;
  if (samples.length !== channels * count) {
    refuse(`${samples.length} samples, where the picture has ` +
           `${channels * count}`);
  }
  const pixels = new Uint8ClampedArray(4 * count).fill(255);
  for (let i = 0; i < count; ++i) {
    for (let j = 0; j < 3; ++j) {
      pixels[4 * i + j] = samples[channels * i + (grey ? 0 : j)];
    }
  }
  return pixels;
}

/** Returns the parts of a WebP file of a VP8L bitstream (RFC 9649). */
function webp(data, width, height) {
  if (data.length < 5 || data[0] !== 0x2f) {
    refuse("no VP8L: it does not begin as one");
  }
  const fields = new DataView(data.buffer, data.byteOffset).getUint32(1, true);
  const size = [1 + (fields & 0x3fff), 1 + (fields >>> 14 & 0x3fff)];
  // The bits behind are those of opacity and of the version.
  if (size[0] !== width || size[1] !== height || fields >>> 28) {
    refuse(`a VP8L of ${size.join("x")} in a file of ${width}x${height}`);
  }
  const pad = data.length % 2, head = new DataView(new ArrayBuffer(20));
  const write = (at, text) => [...text].forEach(
    (letter, i) => head.setUint8(at + i, letter.charCodeAt(0)));
  write(0, "RIFF");
  head.setUint32(4, 12 + data.length + pad, true);
  write(8, "WEBPVP8L");
  head.setUint32(16, data.length, true);
  return [head, data, new Uint8Array(pad)];
}

/**
 * Returns the parts of a PNG of the three kinds of chunks that are needed.
 *
 * Others could change pixels, as those of gamma and of transparency do.
 */
function checkedPng(data, width, height, grey) {
  const start = [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10];
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  if (start.some((byte, i) => data[i] !== byte)) {
    refuse("no PNG: it does not begin as one");
  }
  const kinds = [];
  for (let at = start.length, size = 0; at < data.length; at += 12 + size) {
    size = at + 12 <= data.length ? view.getUint32(at) : Infinity;
    if (at + 12 + size > data.length) refuse("a PNG that ends within a chunk");
    const named = data.subarray(at + 4, at + 8 + size);
    if (crc32(named) !== view.getUint32(at + 8 + size)) {
      refuse("a chunk of a PNG with another checksum than its own");
    }
    kinds.push(String.fromCharCode(...named.subarray(0, 4)));
  }
  const head = [8, grey ? 0 : 2, 0, 0, 0];  // depth, color, no interlacing
  if (kinds[0] !== "IHDR" || view.getUint32(8) !== 13 ||
      view.getUint32(16) !== width || view.getUint32(20) !== height ||
      head.some((byte, i) => data[24 + i] !== byte)) {
    refuse(`a PNG of another size or kind than ${width}x${height} of ` +
           `${grey ? 1 : 3}`);
  }
  const inner = kinds.slice(1, -1);
  if (kinds.at(-1) !== "IEND" || !inner.length ||
      inner.some((kind) => kind !== "IDAT")) {
    refuse("a PNG of other chunks than IHDR, IDAT and IEND");
  }
  return [data];
}

/** Returns the RGBA pixels of a picture file, transparency laid over white. */
export async function readPicture(blob) {
  let bitmap = null;
  try {
    bitmap = await createImageBitmap(blob);
  } catch {
    throw new Error("the browser cannot read this as a picture");
  }
  const {width, height} = bitmap;
  return {width, height, pixels: pixelsOf(bitmap)};
}

function pixelsOf(bitmap) {
  const {width, height} = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", {willReadFrequently: true});
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, width, height).data;
}

/** Error of a channel, in levels of 255, from which the map is white. */
export const BRIGHTEST = 32;

/**
 * Compares pictures of one size.
 *
 * @param {Uint8ClampedArray} one RGBA pixels, and `other` as many.
 * @returns {{psnr: number, largest: number, map: Uint8ClampedArray}} PSNR in
 *   dB over all three channels, infinite for equal pictures; the largest
 *   difference of a channel in levels; and RGBA pixels that get from black over
 *   red and yellow to white where that is large.
 */
export function compare(one, other) {
  const map = new Uint8ClampedArray(one.length);
  let squares = 0, largest = 0;
  for (let at = 0; at < one.length; at += 4) {
    let most = 0;
    for (let i = 0; i < 3; ++i) {
      const difference = Math.abs(one[at + i] - other[at + i]);
      squares += difference ** 2;
      most = Math.max(most, difference);
    }
    largest = Math.max(largest, most);
    const heat = 3 * 255 * most / BRIGHTEST;
    map[at] = heat;
    map[at + 1] = heat - 255;
    map[at + 2] = heat - 2 * 255;
    map[at + 3] = 255;
  }
  const mean = squares / (3 * one.length / 4);
  return {psnr: 10 * Math.log10(255 ** 2 / mean), largest, map};
}
