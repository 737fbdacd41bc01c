/**
 * Exact products of matrices of small whole numbers, in WebAssembly.
 *
 * The instruction `i32x4.dot_i16x8_s` multiplies eight pairs of numbers of 16
 * bits and adds them two by two, so four outputs go on by two inputs each. The
 * program is put together here, byte by byte, from what the WebAssembly core
 * specification (version 2.0, section 5.4) says of each instruction.
 */

/** Rows that are multiplied at a time, and columns of a block. */
export const ROWS = 4, BLOCK = 8;

const [A, B, C, COUNT, PAIRS, BLOCKS] = [0, 1, 2, 3, 4, 5];  // parameters
const [STRIDE, BLOCK_BYTES, ROW, KERNEL, STOP, OUT, BLOCK_AT] =
  [6, 7, 8, 9, 10, 11, 12];  // locals of 32 bits
const AT = 13;  // where the inputs of each row are; of 32 bits, too
const SUM = AT + ROWS;  // two vectors for each row, then those of the kernel
const VECTORS = 2 * ROWS + 2;
const KERNELS = SUM + 2 * ROWS;

const get = (local) => [0x20, local], set = (local) => [0x21, local];
const number = (value) => [0x41, ...signed(value)];
const add = [0x6a], multiply = [0x6c], less = [0x49];
const load = (at, offset) => [...get(at), 0xfd, 0x00, 4, offset];
const splat = (at) => [...get(at), 0xfd, 0x09, 2, 0];
const store = (offset) => [0xfd, 0x0b, 4, offset];
const dot = [0xfd, 0xba, 0x01], sum = [0xfd, 0xae, 0x01];
const zeros = [0xfd, 0x0c, ...new Array(16).fill(0)];
const plus = (local, ...by) => [...get(local), ...by, ...add, ...set(local)];
const loop = (...body) => [0x03, 0x40, ...body.flat(), 0x0b];
const again = (local, stop) => [...get(local), ...get(stop), ...less, 0x0d, 0];
const each = (count, make) =>
  Array.from({length: count}, (_, i) => make(i)).flat();

/** LEB128 of a small number, with a sign or without. */
function signed(value) {
  const low = value & 127, rest = value >> 7;
  const ends = (rest === 0 && !(low & 64)) || (rest === -1 && low & 64);
  return ends ? [low] : [low | 128, ...signed(rest)];
}
function unsigned(value) {
  return value < 128 ? [value] : [value & 127 | 128, ...unsigned(value >> 7)];
}

/** For each block of columns, for each four rows, for each pair of inputs. */
function program() {
  const rowsDone = [
    ...each(ROWS, (i) => [
      ...get(A), ...get(ROW), ...number(i), ...add, ...get(STRIDE), ...multiply,
      ...add, ...set(AT + i), ...zeros, ...set(SUM + 2 * i), ...zeros,
      ...set(SUM + 2 * i + 1),
    ]),
    ...get(BLOCK_AT), ...set(KERNEL),
    ...get(BLOCK_AT), ...get(BLOCK_BYTES), ...add, ...set(STOP),
    ...loop(
      load(KERNEL, 0), set(KERNELS), load(KERNEL, 16), set(KERNELS + 1),
      each(2 * ROWS, (i) => [
        ...splat(AT + (i >> 1)), ...get(KERNELS + i % 2), ...dot,
        ...get(SUM + i), ...sum, ...set(SUM + i),
      ]),
      each(ROWS, (i) => plus(AT + i, ...number(4))),
      plus(KERNEL, ...number(4 * BLOCK)), again(KERNEL, STOP)),
    ...each(ROWS, (i) => [
      ...get(OUT), ...get(ROW), ...number(i), ...add, ...get(BLOCKS),
      ...number(4 * BLOCK), ...multiply, ...multiply, ...add, ...set(AT + i),
      ...each(2, (j) => [
        ...get(AT + i), ...get(SUM + 2 * i + j), ...store(16 * j)]),
    ]),
    ...plus(ROW, ...number(ROWS)), ...again(ROW, COUNT),
  ];
  return [
    ...get(PAIRS), ...number(4), ...multiply, ...set(STRIDE),
    ...get(PAIRS), ...number(4 * BLOCK), ...multiply, ...set(BLOCK_BYTES),
    ...get(B), ...set(BLOCK_AT), ...get(C), ...set(OUT),
    ...get(B), ...get(BLOCK_BYTES), ...get(BLOCKS), ...multiply, ...add,
    ...set(B),  // is the end of the kernels from here on
    ...loop(
      number(0), set(ROW), loop(rowsDone), plus(OUT, ...number(4 * BLOCK)),
      plus(BLOCK_AT, ...get(BLOCK_BYTES)), again(BLOCK_AT, B)),
    0x0b,
  ];
}

function binary() {
  const section = (id, ...body) => {
    const bytes = body.flat();
    return [id, ...unsigned(bytes.length), ...bytes];
  };
  const text = (word) => [word.length, ...new TextEncoder().encode(word)];
  const I32 = 0x7f, V128 = 0x7b;
  const code = [
    2, AT + ROWS - STRIDE, I32, VECTORS, V128, ...program(),
  ];
  return Uint8Array.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, 1, 0x60, 6, new Array(6).fill(I32), 0),  // its type
    ...section(2, 1, text("e"), text("m"), 2, 0, 1),  // takes a memory
    ...section(3, 1, 0),
    ...section(7, 1, text("f"), 0, 0),
    ...section(10, 1, unsigned(code.length), code),
  ]);
}

/** Takes products; matrices stay in its memory. */
export class Multiplier {
  constructor() {
    this.memory = new WebAssembly.Memory({initial: 1});
    this.free = 0;
    const {exports} = new WebAssembly.Instance(
      new WebAssembly.Module(binary()), {e: {m: this.memory}});
    this.run = exports.f;
  }

  /** Returns the place of so many bytes that nothing else has. */
  reserve(bytes) {
    const at = this.free;
    this.free += Math.ceil(bytes / 16) * 16;
    const missing = this.free - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / 65536));
    return at;
  }

  /**
   * Multiplies `[count][2 pairs]` of 16 bits by `[blocks][pairs][8][2]` of 16
   * bits to `[count][8 blocks]` of 32 bits.
   *
   * @param {number} a Place of the first, `b` and `c` those of the others.
   * @param {number} count Number of rows, a multiple of 4.
   */
  multiply(a, b, c, count, pairs, blocks) {
    this.run(a, b, c, count, pairs, blocks);
  }
}
