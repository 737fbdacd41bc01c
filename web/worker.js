/**
 * Decodes beside the page, so that it stays responsive. Not a module, since
 * LiteRT.js loads its runtime by `importScripts`.
 */
"use strict";

// The runtime in WebAssembly is all that is wanted; it would ask for a GPU.
Object.defineProperty(self.navigator, "gpu", {value: undefined});

// It starts at once, since nearly every file needs it. The job that misses it
// says what went wrong.
import("./synthesis.js").then(({load}) => load()).catch(() => {});

const models = new Map();  // what was loaded, by name
let synthesis = {key: "", made: null};  // one at a time, since each is large

async function fetched(name) {
  const answer = await fetch(new URL(`models/${name}`, self.location.href));
  if (!answer.ok) throw new Error(`models/${name}: status ${answer.status}`);
  return answer.arrayBuffer();
}

/** Returns what `make` makes the first time that it succeeds. */
async function once(name, make) {
  if (!models.has(name)) models.set(name, await make());
  return models.get(name);
}

const jobs = {
  async latents({model, header}) {
    const {EntropyModel} = await import("./entropy_model.js");
    const entropyModel = await once(`${model.name}.coding`, async () =>
      new EntropyModel(await fetched(`${model.name}.coding`)));
    const {rows, columns, y} = entropyModel.decode(header);
    return [{rows, columns, y}, [y.buffer]];
  },

  async tile({model, size, ...job}) {
    const {Synthesis} = await import("./synthesis.js");
    const key = `${model.name} ${size}`;
    if (synthesis.key !== key) {
      synthesis.made?.delete();
      synthesis = {key: "", made: null};
      const file = await once(
        `${model.name}.tiles`, () => fetched(`${model.name}.tiles`));
      const made = await Synthesis.create(file, model.tiles[size]);
      synthesis = {key, made};
    }
    const pixels = await synthesis.made.pixels(job);
    return [{pixels}, [pixels.buffer]];
  },
};

self.onmessage = async ({data: {kind, ...job}}) => {
  try {
    const [answer, moved] = await jobs[kind](job);
    self.postMessage(answer, moved);
  } catch (error) {
    const isDamage = error.constructor.name === "CorruptStream";
    self.postMessage({error: error.message ?? String(error), isDamage});
  }
};
