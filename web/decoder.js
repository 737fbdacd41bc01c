/** Files to pictures: the container here, the rest in workers. */

import {
  CODECS, CorruptStream, LOSSLESS, STEPS, refuse, unpack,
} from "./container.js";
import {STRIDE} from "./entropy_model.js";
import {losslessPicture} from "./pictures.js";
import {cut, plan} from "./tiles.js";

const FORMAT = "tfpercept-web-1";
const MOST_WORKERS = 4;  // since each takes some hundred MB

/** Decodes files, several tiles at a time. */
export class Decoder {
  constructor() {
    const threads = navigator.hardwareConcurrency || 1;
    this.pool = new Pool(Math.min(threads, MOST_WORKERS));
    this.listed = null;
  }

  /** Returns the list of models that the page has. */
  async models() {
    if (!this.listed) {
      const answer = await fetch("models/models.json");
      if (!answer.ok) throw new Error("the page lacks models/models.json");
      const {format, models} = await answer.json();
      if (format !== FORMAT) throw new Error(`models are of format ${format}`);
      this.listed = models;
    }
    return this.listed;
  }

  /**
   * Returns the picture of a file.
   *
   * @param {Uint8Array} data Bytes of the file.
   * @param {(done: number) => void} progress Is told which share is done.
   * @returns {Promise<{width: number, height: number, pixels:
   *   Uint8ClampedArray, header: object, model: object|null}>} RGBA pixels.
   * @throws {CorruptStream} If the file is damaged, or not of a known model.
   */
  async decode(data, progress = () => {}) {
    const header = unpack(data);
    const {width, height} = header;
    if (header.codec === LOSSLESS) {
      const pixels = await losslessPicture(header);
      return {width, height, pixels, header, model: null};
    }
    const model = await this.model(header);
    const pixels = await this.learned(header, model, progress);
    return {width, height, pixels, header, model};
  }

  async model(header) {
    const models = await this.models();
    const name = CODECS.get(header.codec);
    const isOurs = models.some(({codec}) => codec === header.codec);
    const names = models.map((model) => `${model.name} (${model.identity})`);
    const has = `this page has ${names.join(", ")}`;
    if (!isOurs) {
      refuse(`the file is of the codec ${name}, and ${has}. The command ` +
             "`tfpercept decompress` reads it");
    }
    const found = models.find(({identity, codec}) =>
      codec === header.codec && identity === header.model);
    return found ?? refuse(`the file is of the model ${header.model}; ${has}`);
  }

  async learned(header, model, progress) {
    const {width, height, quality, grey} = header;
    const ready = this.pool.run({kind: "latents", model, header});
    const {rows, columns, y} = await ready;
    const latents = model.latents;
    const chosen = plan(rows, columns, Object.keys(model.tiles), model.halo);
    const pixels = new Uint8ClampedArray(4 * width * height);
    const own = chosen.tiles.map((tile) => ownPixels(tile, width, height));
    let done = 0;
    await Promise.all(chosen.tiles.map(async (tile, i) => {
      if (!own[i].height || !own[i].width) return;  // beyond the true size
      const made = () => {
        const {seen, inside} = cut(y, {rows, columns, latents}, tile, chosen);
        return [{
          kind: "tile", model, size: chosen.name, seen, inside,
          rows: chosen.rows, columns: chosen.columns,
          quality: quality / STEPS, own: own[i].within, grey,
        }, [seen.buffer, inside.buffer]];
      };
      const answer = await this.pool.run(made);
      place(pixels, width, answer.pixels, own[i]);
      progress(++done / chosen.tiles.length);
    }));
    return pixels;
  }
}

/** Returns where a tile's own pixels are, in the picture and in the tile. */
function ownPixels({row, column}, width, height) {
  const [top, left] = [row.from * STRIDE, column.from * STRIDE];
  const size = {
    height: Math.max(Math.min(row.to * STRIDE, height) - top, 0),
    width: Math.max(Math.min(column.to * STRIDE, width) - left, 0),
  };
  const within = {
    top: top - row.start * STRIDE, left: left - column.start * STRIDE, ...size,
  };
  return {top, left, ...size, within};
}

function place(pixels, width, part, {top, left, height, width: across}) {
  for (let y = 0; y < height; ++y) {
    pixels.set(part.subarray(4 * y * across, 4 * (y + 1) * across),
               4 * ((top + y) * width + left));
  }
}

/** Workers that are started when they are needed, and what waits for them. */
class Pool {
  constructor(size) {
    this.size = size;
    this.workers = new Set();
    this.idle = [];
    this.waiting = [];
    this.start();  // the first one gets ready before there is a file
  }

  /**
   * Returns the answer to a job.
   *
   * @param {object|function} job Message, or what makes it and the list of what
   *   moves with it as soon as a worker is free.
   */
  run(job) {
    return new Promise((resolve, reject) => {
      this.waiting.push({job, resolve, reject});
      this.next();
    });
  }

  start() {
    const worker = new Worker(new URL("worker.js", import.meta.url));
    let current = null;
    const settle = (how, value) => {
      const settled = current;
      current = null;
      settled?.[how](value);
      this.next();
    };
    const send = (waiting) => {
      current = waiting;
      const {job} = waiting;
      try {
        const [message, moved] = typeof job === "function" ? job() : [job, []];
        worker.postMessage(message, moved);
      } catch (error) {  // there is no memory for it
        this.idle.push(send);
        settle("reject", error);
      }
    };
    worker.onmessage = ({data}) => {
      this.idle.push(send);
      if (data.error === undefined) return settle("resolve", data);
      const kind = data.isDamage ? CorruptStream : Error;
      return settle("reject", new kind(data.error));
    };
    worker.onerror = (event) => {  // it did not start, or ran out of memory
      worker.terminate();
      this.workers.delete(worker);
      this.idle = this.idle.filter((other) => other !== send);
      settle("reject", new Error(event.message || "a worker did not start"));
    };
    this.workers.add(worker);
    this.idle.push(send);
  }

  next() {
    if (!this.waiting.length) return;
    if (!this.idle.length && this.workers.size < this.size) this.start();
    this.idle.pop()?.(this.waiting.shift());
  }
}
