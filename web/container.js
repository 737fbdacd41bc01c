/**
 * The bytes of a `.tfp`: a header, strings and a checksum.
 *
 * `tfpercept/codecs/bitstream/container.py` states the fields. Nothing is
 * allocated by a number in the file before that number is checked.
 */

export const CODECS = new Map([
  [1, "factorized"], [2, "hyperprior"], [3, "channel_wise"], [4, "hific"],
  [5, "inversion"], [6, "lossless"],
]);
export const LOSSLESS = 6;
export const VP8L = 1, PNG = 2, SAMPLES = 3;  // kinds of lossless payloads
export const STEPS = 16;  // qualities are in units of one part in so many
export const MAX_BYTES = 2 ** 28;
/** Most pixels of a picture that is shown. */
export const MAX_PIXELS = 2 ** 25;
/** Largest side of a picture that every browser has a canvas for. */
export const MAX_SIDE = 16384;

const MAGIC = [0xd4, 0x54, 0x46, 0x50];
const GREY = 1, TILED = 2, SEED = 4, INTEGER = 8, SHORT = 128;
const RESERVED = 0xff & ~(GREY | TILED | SEED | INTEGER | SHORT);
const VARINT_BYTES = 5;

/** A file that is not decoded. Its message is a sentence without a period. */
export class CorruptStream extends Error {}

/**
 * Returns the header of a whole stream, with its strings.
 *
 * @param {Uint8Array} data Bytes of the file.
 * @throws {CorruptStream} If the stream is anything else than whole.
 */
export function unpack(data) {
  if (data.length > MAX_BYTES) {
    refuse(`the file has ${data.length} bytes; at most ${MAX_BYTES} are read`);
  }
  const fields = new Fields(data);
  fields.requireChecksum();
  const header = fields.header();
  const {width, height} = header;
  if (width * height > MAX_PIXELS) {
    refuse(`the picture has ${width}x${height} pixels; at most ${MAX_PIXELS} ` +
           "are shown here");
  }
  if (Math.max(width, height) > MAX_SIDE) {
    refuse(`a side of the picture has ${Math.max(width, height)} pixels; at ` +
           `most ${MAX_SIDE} are shown here`);
  }
  header.strings = fields.strings();
  return header;
}

/** Takes the fields of a stream one after the other. */
class Fields {
  constructor(data) {
    this.data = data;
    if (!MAGIC.every((byte, i) => data[i] === byte)) {
      refuse("this is no .tfp file: it does not begin as one");
    }
    this.at = MAGIC.length;
    this.end = data.length;
    const [version, codec, flags] = this.take(3, "the header");
    if (version !== 1) refuse(`version ${version}; only version 1 is read`);
    if (!CODECS.has(codec)) {
      const known = Array.from(CODECS, ([n, name]) => `${n} (${name})`);
      refuse(`codec ${codec}; known are ${known.join(", ")}`);
    }
    const unused = RESERVED | (codec === LOSSLESS ? 0xff & ~GREY : 0);
    if (flags & unused) refuse(`flags ${flags}, of which some have no use`);
    Object.assign(this, {codec, flags});
    const checksum = flags & SHORT ? 2 : 4;
    this.end = Math.max(this.at, data.length - checksum);
  }

  requireChecksum() {
    let wanted = crc32(this.data.subarray(0, this.end));
    let found = 0;
    const {data, end} = this;
    for (let i = data.length - 1; i >= end; --i) found = found * 256 + data[i];
    if (this.flags & SHORT) wanted %= 2 ** 16;
    const whole = data.length - end === (this.flags & SHORT ? 2 : 4);
    if (!whole || found !== wanted) {
      refuse("the checksum is wrong: the file is damaged or incomplete");
    }
  }

  take(count, what) {
    if (count > this.end - this.at) refuse(`the file ends within ${what}`);
    this.at += count;
    return this.data.subarray(this.at - count, this.at);
  }

  varint(what, low = 0, high = Infinity) {
    let value = 0, byte = 0, place = 0;
    for (; place < VARINT_BYTES; ++place) {
      [byte] = this.take(1, what);
      value += (byte & 127) * 128 ** place;
      if (byte < 128) break;
    }
    if (byte >= 128 || (byte === 0 && place > 0)) {
      refuse(`${what} is not in the shortest form, or too long`);
    }
    if (value < low || value > high) {
      refuse(`${what} is ${low} to ${high}; got ${value}`);
    }
    return value;
  }

  header() {
    const {codec, flags} = this, isLossless = codec === LOSSLESS;
    if (flags & SEED) this.take(4, "the seed");
    const size = isLossless ? 0 : flags & SHORT ? 4 : 8;
    const model = hexadecimal(this.take(size, "the model's hash"));
    const payload = isLossless ? this.payload() : 0;
    const height = this.varint("the height", 1, 65535);
    const width = this.varint("the width", 1, 65535);
    const [quality] = this.take(1, "the quality");
    if (isLossless && quality) {
      refuse(`a lossless file of quality ${quality}`);
    }
    if (flags & TILED) this.take(2, "the size of tiles");
    return {
      codec, model, payload, height, width, quality,
      grey: Boolean(flags & GREY), integer: Boolean(flags & INTEGER),
      seeded: Boolean(flags & SEED), tiled: Boolean(flags & TILED),
    };
  }

  payload() {
    const [payload] = this.take(1, "the kind of the payload");
    if (![VP8L, PNG, SAMPLES].includes(payload)) {
      refuse(`payload ${payload}; known are 1 (vp8l), 2 (png), 3 (samples)`);
    }
    return payload;
  }

  /** Returns the strings, which fill what is left exactly. */
  strings() {
    const count = this.varint("the number of strings");
    // Each takes a byte for its length, and has one at least.
    if (count < 1 || count > (this.end - this.at) / 2) {
      refuse(`${count} strings in ${this.end - this.at} bytes`);
    }
    const lengths = [];
    for (let i = 0; i < count; ++i) {
      lengths.push(this.varint("the length of a string"));
    }
    const left = this.end - this.at;
    const total = lengths.reduce((sum, length) => sum + length, 0);
    if (total !== left) {
      refuse(`strings of ${total} bytes in all, where ${left} are left`);
    }
    if (lengths.includes(0)) refuse("a string of 0 bytes");
    return lengths.map((length) => this.take(length, "a string"));
  }
}

/** Throws what tells that a file is not decoded, and why. */
export function refuse(why) {
  throw new CorruptStream(why);
}

function hexadecimal(bytes) {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

const CRC_TABLE = Uint32Array.from({length: 256}, (_, byte) => {
  for (let i = 0; i < 8; ++i) byte = byte >>> 1 ^ (byte & 1) * 0xedb88320;
  return byte;
});

/** Returns the CRC-32 of bytes, as in zlib and PNG. */
export function crc32(bytes) {
  let crc = -1;
  for (let i = 0; i < bytes.length; ++i) {
    crc = CRC_TABLE[(crc ^ bytes[i]) & 255] ^ crc >>> 8;
  }
  return ~crc >>> 0;
}
