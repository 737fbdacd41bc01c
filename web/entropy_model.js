/**
 * Latents of the learned codec: from the strings of a file, by a model.
 *
 * Symbols are those of `tfpercept/codecs/learned/reference_decoder.py`, to the
 * last one: all that they depend on is computed in whole numbers.
 */

import {STEPS, refuse} from "./container.js";
import {Layer, Padded} from "./integer_layers.js";
import {Multiplier} from "./product.js";
import {RangeDecoder, Tables} from "./range_decoder.js";

export const STRIDE = 16;  // pixels per latent
const RATIO = 4;  // latents per hyper-latent
const SYMBOL_LIMIT = 127;
const MEAN_UNIT = 2 ** -6;
const SCALES = 64;

/** What a model codes with, as `export/browser.py` writes it. */
export class EntropyModel {
  /** @param {ArrayBuffer} file A `.coding` file. */
  constructor(file) {
    const kept = arrays(file);
    this.tables = Object.fromEntries(["z", "y", "far"].map((name) => [
      name, new Tables(kept[`${name}_frequencies`], kept[`${name}_counts`]),
    ]));
    this.offsets = {z: kept.z_offsets, y: kept.y_offsets};
    this.latents = kept.deviation.length;
    this.hyperLatents = kept.z_offsets.length;
    const by = new Multiplier();
    [this.first, this.second, this.told] = ["hyper_0", "hyper_1", "told"].map(
      (name) => new Layer({
        kernel: kept[`${name}_kernel`], bias: kept[`${name}_bias`],
        shift: kept[`${name}_shift`],
      }, by));
    this.kept = kept;
    this.levels = kept.log_gain.length / this.latents;
  }

  /** Returns rows and columns of the latents of a picture. */
  size({height, width}) {
    const side = RATIO * STRIDE;
    return [height, width].map((pixels) => RATIO * Math.ceil(pixels / side));
  }

  /**
   * Returns the latents of a file.
   *
   * @param {object} header What `container.unpack` returned.
   * @returns {{rows: number, columns: number, y: Float32Array, z: Int32Array,
   *   symbols: Int32Array}} Latents [rows][columns][latents], hyper-latents,
   *   and the symbols that `y` was made of.
   */
  decode(header) {
    this.check(header);
    const [rows, columns] = this.size(header);
    const [side, near, far] = header.strings;
    const z = this.readZ(side, rows / RATIO, columns / RATIO);
    const padded = new Padded(rows / RATIO, columns / RATIO, this.hyperLatents);
    for (let y = 0, at = 0, length = columns / RATIO * this.hyperLatents;
         y < padded.height; ++y, at += length) {
      padded.values.set(z.subarray(at, at + length), padded.at(y, 0));
    }
    const hidden = this.second.upsampled(this.first.upsampled(padded));
    const read = this.readY(hidden, header.quality, near, far);
    return {rows, columns, z, ...read};
  }

  check(header) {
    const level = header.quality / STEPS;
    if (!(level >= 1 && level <= this.levels)) {
      refuse(`a quality of ${level}; the model has 1 to ${this.levels}`);
    }
    if (!header.integer || header.seeded || header.tiled) {
      refuse("the file has fields which its codec has not");
    }
    const [rows, columns] = this.size(header);
    const latents = rows * columns * this.latents;
    const counts = [
      rows * columns / RATIO ** 2 * this.hyperLatents, latents, latents,
    ];
    const {strings} = header;
    if (strings.length !== counts.length) {
      refuse(`${strings.length} strings; the codec has ${counts.length}`);
    }
    strings.forEach(({length}, i) => {
      if (length > 64 + 8 * counts[i]) {
        refuse(`a string of ${length} bytes for ${counts[i]} symbols`);
      }
    });
  }

  readZ(string, rows, columns) {
    const channels = this.hyperLatents, positions = rows * columns;
    const z = new Int32Array(positions * channels);
    const which = Uint8Array.from({length: channels}, (_, i) => i);
    const decoder = new RangeDecoder(string, this.tables.z);
    for (let at = 0; at < z.length; at += channels) {
      const own = z.subarray(at, at + channels);
      decoder.read(which, own, channels);
      for (let i = 0; i < channels; ++i) own[i] += this.offsets.z[i];
    }
    decoder.requireEnd("z");
    if (z.some((symbol) => Math.abs(symbol) > SYMBOL_LIMIT)) {
      refuse(`a hyper-latent is beyond ${SYMBOL_LIMIT}`);
    }
    return z;
  }

  readY(hidden, quality, nearString, farString) {
    const {latents, kept} = this, {height, width} = hidden;
    const near = new RangeDecoder(nearString, this.tables.y);
    const far = new RangeDecoder(farString, this.tables.far);
    const step = quality - STEPS;
    const offset = kept.index_offsets.subarray(
      step * latents, (step + 1) * latents);
    const {unit, inverse} = this.scales(quality / STEPS);
    const y = new Float32Array(height * width * latents);
    const symbols = new Int32Array(y.length);
    const index = new Int32Array(latents);
    for (let row = 0, at = 0; row < height; ++row) {
      const told = this.told.row(hidden, row);  // indexes, then means
      for (let column = 0; column < width; ++column, at += latents) {
        const first = 2 * latents * column, second = first + latents;
        for (let i = 0; i < latents; ++i) {
          index[i] = Math.min(
            Math.max(told[first + i] + offset[i], 0), SCALES - 1);
        }
        const own = symbols.subarray(at, at + latents);
        near.read(index, own, latents);
        this.addFar(index, own, far);
        for (let i = 0; i < latents; ++i) {
          const mean = Math.fround(told[second + i] * MEAN_UNIT * unit[i]);
          y[at + i] = Math.fround(own[i] + mean) * inverse[i];
        }
      }
    }
    near.requireEnd("y");
    far.requireEnd("y");
    return {y, symbols};
  }

  /**
   * Turns places into symbols, also those that no table has. The last place of
   * a table stands for these, and the other string has a number of two bytes
   * for each: twice the distance, less 1, plus 1 if it is below.
   */
  addFar(index, places, far) {
    const {last} = this.tables.y, octets = new Int32Array(2);
    for (let i = 0; i < places.length; ++i) {
      if (places[i] === last[index[i]]) {
        far.read([0, 1], octets, 2);
        const number = 256 * octets[0] + octets[1], beyond = number >> 1;
        places[i] = number % 2 ? -1 - beyond : beyond + last[index[i]];
      }
      places[i] += this.offsets.y[index[i]];
    }
  }

  /** Returns units of means, and gains from symbols back to latents. */
  scales(level) {
    const {deviation, log_gain: gains, log_inverse: inverses} = this.kept;
    const low = Math.max(Math.min(Math.floor(level), this.levels - 1), 1) - 1;
    const share = level - 1 - low;
    const high = Math.min(low + 1, this.levels - 1);
    const at = (table, i) => Math.exp(
      (1 - share) * table[low * this.latents + i] +
      share * table[high * this.latents + i]);
    return {
      unit: deviation.map((each, i) => each * at(gains, i)),
      inverse: deviation.map((_, i) => at(inverses, i)),
    };
  }
}

const KINDS = {
  "<i1": Int8Array, "|i1": Int8Array, "<u2": Uint16Array, "<i2": Int16Array,
  "<i4": Int32Array, "<f4": Float32Array,
};

/** Returns the arrays of a file of ours: their list, then their bytes. */
function arrays(file) {
  const [size] = new Uint32Array(file.slice(0, 4));
  const list = JSON.parse(
    new TextDecoder().decode(new Uint8Array(file, 4, size)));
  return Object.fromEntries(Object.entries(list).map(
    ([name, {kind, at, count}]) => [name, new KINDS[kind](file, at, count)]));
}
