// What a person sees: a function of the study and of who it is.

const study = JSON.parse(document.getElementById("study").textContent);
const isRanking = study.mode === "rank";

// Hash of a text to 32 bits (FNV-1a, then the finaliser of MurmurHash3).
function hash(text) {
  let h = 0x811c9dc5;
  for (const unit of text) {
    h = Math.imul(h ^ unit.codePointAt(0), 0x01000193);
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

// Uniform numbers in [0, 1) from a seed (mulberry32).
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function shuffled(values, random) {
  const result = [...values];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j], result[i]];
  }
  return result;
}

// One spelling of a name, so that it counts as one person.
function normal(name) {
  return name.normalize("NFC").trim().replace(/\s+/g, " ").toLowerCase();
}

function pairsOf(items) {
  return items.flatMap((a, i) => items.slice(i + 1).map((b) => [a, b]));
}

// The trials of a person in order: {id, shown, reference, size}. Persons 1, 2,
// 3, ... take consecutive stretches of the dealt trials, round and round, so
// that after any number of them no picture is ahead of another by more than 1.
// Names other than numbers start at a stretch that their hash picks.
function plan(person) {
  const everyone = study.trials.filter((t) => t.everyone);
  const dealt = study.trials.filter((t) => !t.everyone);
  const number = /^[0-9]{1,6}$/.test(person)
    ? Math.max(0, Number(person) - 1) : hash(person) % 4096;
  const found = everyone.map((t) => [t, number]);
  for (let i = 0; i < Math.min(study.dealt, dealt.length); i++) {
    const place = number * study.dealt + i;
    found.push([
      dealt[place % dealt.length], Math.floor(place / dealt.length),
    ]);
  }
  const random = generator(hash(`${study.seed}/${study.page}/${person}`));
  const trials = [];
  for (const [trial, turn] of found) {
    let sets = [trial.items];
    if (!isRanking) {
      sets = pairsOf(trial.items);
      const count = Math.min(study.pairs || sets.length, sets.length);
      // Whose turn it is decides which pairs, so that all get their share.
      const first = (turn * count + hash(trial.id)) % sets.length;
      sets = [...sets, ...sets].slice(first, first + count);
    }
    for (const set of sets) {
      trials.push({...trial, shown: shuffled(set, random)});
    }
  }
  return shuffled(trials, random);
}
