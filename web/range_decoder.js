/**
 * A range decoder; `tfpercept/codecs/bitstream/range_decoder.py` states the
 * arithmetic.
 *
 * A string of bytes is a fraction, zeros without end behind it. An interval of
 * it is followed in a window of 32 bits, which moves on by 16. Numbers are
 * doubles: none of them reaches 2^53, so all are exact.
 */

import {refuse} from "./container.js";

const WINDOW = 2 ** 32, MOVE = 2 ** 16;

/**
 * Coding tables.
 *
 * The cumulative frequencies of each table go from 0 to 2^16 and stand in
 * `ends`; table k has those from `starts[k]` up to `starts[k + 1]`.
 */
export class Tables {
  /**
   * @param {Uint16Array} steps Frequencies of all tables in turn, each less the
   *   one before it, modulo 2^16.
   * @param {Int32Array} counts Number of symbols of each table.
   */
  constructor(steps, counts) {
    this.count = counts.length;
    this.starts = new Int32Array(counts.length + 1);
    this.modes = new Int32Array(counts.length);
    this.last = Int32Array.from(counts, (count) => count - 1);
    this.ends = new Int32Array(steps.length + counts.length);
    let at = 0, next = 0, frequency = 0;
    counts.forEach((count, table) => {
      let sum = 0, most = -1;
      for (let symbol = 0; symbol < count; ++symbol, ++next) {
        this.ends[at + symbol] = sum;
        frequency = frequency + steps[next] & 0xffff;
        sum += frequency;
        if (frequency > most) {
          most = frequency;
          this.modes[table] = at + symbol;
        }
      }
      if (sum !== MOVE) throw new Error(`table ${table} sums to ${sum}`);
      this.ends[at + count] = sum;
      at += count + 1;
      this.starts[table + 1] = at;
    });
  }
}

/** Takes symbols from a string, one after the other. */
export class RangeDecoder {
  /**
   * @param {Uint8Array} string Bytes of the string.
   * @param {Tables} tables Coding tables.
   */
  constructor(string, tables) {
    this.string = string;
    this.tables = tables;
    this.size = WINDOW;
    this.at = 4;
    this.offset = this.window();
  }

  /**
   * Reads symbols, each by its table. Past the end of the string all is zero.
   *
   * @param {Uint8Array|Int32Array} which Numbers of tables, which must exist.
   * @param {Int32Array} places Takes the place of each symbol in its table.
   * @param {number} count Number of symbols.
   */
  read(which, places, count) {
    const {string, tables: {ends, starts, modes}} = this;
    let {size, offset, at} = this;
    for (let i = 0; i < count; ++i) {
      const table = which[i], first = starts[table];
      let place = modes[table];
      let low = Math.floor(size * ends[place] / MOVE);
      let high = Math.floor(size * ends[place + 1] / MOVE);
      if (offset < low || offset >= high) {  // not the most likely symbol
        // The last end whose share of the interval is at most the offset. The
        // quotient is below 2^16 and a whole number or 2^-32 away from one, so
        // its rounded value has the right floor.
        const limit = Math.floor(((offset + 1) * MOVE - 1) / size);
        place = first;
        let stop = starts[table + 1] - 1;
        while (stop - place > 1) {
          const middle = place + stop >> 1;
          if (ends[middle] <= limit) place = middle; else stop = middle;
        }
        low = Math.floor(size * ends[place] / MOVE);
        high = Math.floor(size * ends[place + 1] / MOVE);
      }
      places[i] = place - first;
      offset -= low;
      size = high - low;
      if (size <= MOVE) {
        size *= MOVE;
        offset = offset * MOVE + word(string, at);
        at += 2;
      }
    }
    this.size = size;
    this.offset = offset;
    this.at = at;
  }

  /** Refuses a string that is not what its symbols become. */
  requireEnd(name) {
    const base = (this.window() - this.offset + WINDOW) % WINDOW;
    let shortest = 0;
    for (const unit of [WINDOW, 2 ** 24, 2 ** 16]) {
      shortest = Math.ceil(base / unit) * unit;
      if (shortest < base + this.size) break;
    }
    if (this.at < this.string.length || base + this.offset !== shortest) {
      refuse(`the string of ${name} does not end as it should: the file is ` +
             "damaged");
    }
  }

  /** Returns the four bytes that end where the string was taken to. */
  window() {
    const {string, at} = this;
    return word(string, at - 4) * MOVE + word(string, at - 2);
  }
}

function word(string, at) {
  return ((string[at] ?? 0) << 8) + (string[at + 1] ?? 0);
}
