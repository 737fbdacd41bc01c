/** The synthesis of a codec, by LiteRT.js. */

import {Tensor, loadAndCompile, loadLiteRt} from "./litert/core.js";
import {refuse} from "./container.js";
import {STRIDE} from "./entropy_model.js";

// Without relaxed SIMD, which not every browser has.
const LOADER = "litert_wasm_compat_internal.js";
const FOLDER = new URL("./litert/wasm/", import.meta.url);
let runtime = null;

/** Loads the runtime, once. */
export function load() {
  if (!runtime) {
    self.Module = {
      // It would look for its program beside the worker.
      locateFile: (name) => new URL(name, FOLDER).href,
      // What it reports of its start is not for the console of errors.
      printErr: (line) => /^(INFO|WARNING)/.test(line) || console.warn(line),
    };
    runtime = loadLiteRt(new URL(LOADER, FOLDER).href).catch((error) => {
      runtime = null;  // the next try may find it
      throw new Error(`LiteRT.js does not start: ${error.message}`);
    });
  }
  return runtime;
}

/** A codec's synthesis of tiles of one size. */
export class Synthesis {
  /**
   * @param {ArrayBuffer} file A `.tiles` file.
   * @param {[number, number][]} difference Places and bytes of this size.
   */
  static async create(file, difference) {
    const data = whole(new Uint8Array(file));
    for (const [at, byte] of difference) data[at] = byte;
    await load();
    const made = new Synthesis();
    made.model = await loadAndCompile(data, {accelerator: "wasm"});
    [made.signature] = Object.values(made.model.signatures);
    return made;
  }

  /**
   * Returns the own pixels of a tile, RGBA.
   *
   * @param {object} job What `Decoder` sends: latents that the tile sees, which
   *   of them are of the picture, the quality, and the pixels to return.
   */
  async pixels({seen, inside, quality, rows, columns, own, grey}) {
    const shape = [1, rows, columns];
    const inputs = {
      y: new Tensor(seen, [...shape, seen.length / inside.length]),
      inside: new Tensor(inside, [...shape, 1]),
      quality: new Tensor(Float32Array.of(quality), [1]),
    };
    const {x_hat: output} = await this.signature.run(inputs);
    try {
      return rounded(output.toTypedArray(), columns * STRIDE, own, grey);
    } finally {
      output.delete();
      Object.values(inputs).forEach((tensor) => tensor.delete());
    }
  }

  delete() {
    this.model.delete();
  }
}

/** Returns a file of which all bytes at even places came first. */
function whole(planes) {
  const {length} = planes, half = (length + 1) >> 1;
  const data = new Uint8Array(length);
  for (let i = 0; i < half; ++i) data[2 * i] = planes[i];
  for (let i = half; i < length; ++i) data[2 * (i - half) + 1] = planes[i];
  return data;
}

/** Returns values in [0, 1] as 8 bits, and grey as the mean of its channels. */
function rounded(values, width, {top, left, height, width: across}, grey) {
  const pixels = new Uint8ClampedArray(4 * height * across);
  let sum = 0;
  for (let y = 0, to = 0; y < height; ++y) {
    let from = 3 * ((top + y) * width + left);
    for (let x = 0; x < across; ++x, from += 3, to += 4) {
      for (let i = 0; i < 3; ++i) {
        sum += values[from + i];
        pixels[to + i] = 255 * values[from + i];
      }
      pixels[to + 3] = 255;
      if (grey) {
        const total = pixels[to] + pixels[to + 1] + pixels[to + 2];
        pixels.fill(Math.floor((total + 1) / 3), to, to + 3);
      }
    }
  }
  if (!Number.isFinite(sum)) {
    refuse("the latents are no picture's: not all pixels are finite");
  }
  return pixels;
}
