/**
 * Convolutions of whole numbers, exact on every machine.
 *
 * Sums stay below 2^24 in magnitude, which the exporter has checked.
 */

import {BLOCK, ROWS} from "./product.js";

const SIDE = 3;
const ACTIVATION_LIMIT = 127;

/** Numbers of 16 bits with a border of zeros: [height + 2][width + 2][C]. */
export class Padded {
  constructor(height, width, channels) {
    Object.assign(this, {height, width, channels});
    this.row = (width + 2) * channels;
    this.values = new Int16Array((height + 2) * this.row);
  }

  /** Returns the place of a position. */
  at(y, x) {
    return (y + 1) * this.row + (x + 1) * this.channels;
  }
}

/** A convolution of 3x3. */
export class Layer {
  /**
   * @param {Int8Array} kernel [3][3][inputs][outputs].
   * @param {Int32Array} bias Numbers to add to sums.
   * @param {Int8Array} shift Bits by which sums are shifted to the right.
   * @param {Multiplier} by What multiplies.
   */
  constructor({kernel, bias, shift}, by) {
    this.by = by;
    this.outputs = bias.length;
    this.inputs = kernel.length / SIDE ** 2 / this.outputs;
    this.pairs = Math.ceil(SIDE ** 2 * this.inputs / 2);
    this.blocks = Math.ceil(this.outputs / BLOCK);
    this.shift = shift;
    // Half a unit, so that rounding down rounds to the nearest.
    this.bias = bias.map((each, i) => each + (1 << shift[i] >> 1));
    this.kernel = by.reserve(4 * this.pairs * BLOCK * this.blocks);
    const kept = new Int16Array(by.memory.buffer, this.kernel);
    kernel.forEach((weight, i) => {
      const input = Math.floor(i / this.outputs), output = i % this.outputs;
      const block = Math.floor(output / BLOCK);
      const pair = (block * this.pairs + (input >> 1)) * BLOCK + output % BLOCK;
      kept[2 * pair + input % 2] = weight;
    });
    this.room = 0;
  }

  /**
   * Returns the outputs of a row of positions, [width][outputs], which hold
   * until the next call.
   *
   * @param {Padded} x Inputs.
   * @param {number} y Number of the row.
   */
  row(x, y) {
    const count = Math.ceil(x.width / ROWS) * ROWS;
    const {by, outputs, inputs, pairs, blocks, bias, shift} = this;
    if (count > this.room) {
      this.room = count;
      this.windows = by.reserve(4 * pairs * count);
      this.sums = by.reserve(4 * BLOCK * blocks * count);
    }
    const windows = new Int16Array(by.memory.buffer, this.windows);
    const across = SIDE * inputs;
    for (let i = 0; i < x.width; ++i) {
      for (let j = 0; j < SIDE; ++j) {
        const from = x.at(y + j - 1, i - 1);
        windows.set(x.values.subarray(from, from + across),
                    2 * pairs * i + j * across);
      }
    }
    by.multiply(this.windows, this.kernel, this.sums, count, pairs, blocks);
    const sums = new Int32Array(by.memory.buffer, this.sums);
    const made = new Int32Array(x.width * outputs);
    for (let i = 0, at = 0; i < x.width; ++i) {
      const from = BLOCK * blocks * i;
      for (let j = 0; j < outputs; ++j, ++at) {
        made[at] = sums[from + j] + bias[j] >> shift[j];
      }
    }
    return made;
  }

  /**
   * Returns outputs of twice the sides, clipped to [0, 127]: of the layer's
   * outputs a quarter each is for the even and odd columns of even rows, and
   * for those of odd rows.
   *
   * @param {Padded} x Inputs.
   */
  upsampled(x) {
    const channels = this.outputs / 4;
    const made = new Padded(2 * x.height, 2 * x.width, channels);
    for (let y = 0; y < x.height; ++y) {
      const row = this.row(x, y);
      for (let i = 0, from = 0; i < x.width; ++i) {
        for (let phase = 0; phase < 4; ++phase) {
          let to = made.at(2 * y + (phase >> 1), 2 * i + phase % 2);
          for (let j = 0; j < channels; ++j, ++from, ++to) {
            made.values[to] = Math.min(
              Math.max(row[from], 0), ACTIVATION_LIMIT);
          }
        }
      }
    }
    return made;
  }
}
