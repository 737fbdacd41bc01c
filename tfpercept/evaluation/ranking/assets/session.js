// Progress, kept in the browser, and the file of results.

const memory = {
  works: true,
  read(name) {
    try {
      return JSON.parse(localStorage.getItem(`ranking/${study.page}/${name}`));
    } catch {
      this.works = false;
      return null;
    }
  },
  write(name, value) {
    try {
      localStorage.setItem(
        `ranking/${study.page}/${name}`, JSON.stringify(value));
    } catch {
      this.works = false;
    }
    if (!this.works) {
      warn("This browser does not keep your progress. Please save your "
        + "answers to a file before you close the page.");
    }
  },
};

function warn(text) {
  $("warning").textContent = text;
  $("warning").hidden = false;
}

// session: {person, at, answers: [answer or null], spent: [seconds of trials
// that were left], started, draft}, where draft is what has been done of trial
// `at`: {order, seconds, enlarged, by, size}.
let session = null;
let trials = [];
let pictures = null;  // base64 of each, parsed when the first trial begins
let clock = null;  // when the trial was last seen to be looked at

const blank = () => ({order: [], seconds: 0, enlarged: 0, by: "", size: 0});

function opened(person) {
  const name = normal(person);
  const kept = memory.read(`of/${name}`);
  trials = plan(name);
  const fits = kept && Array.isArray(kept.answers)
    && kept.answers.length === trials.length;
  return fits ? kept : {
    person: person.trim(), at: 0, answers: trials.map(() => null), spent: [],
    started: new Date().toISOString(), draft: blank(),
  };
}

function keep() {
  memory.write(`of/${normal(session.person)}`, session);
  memory.write("last", session.person);
}

// Counts only the time in which the page can be seen.
function tick() {
  const now = performance.now();
  if (clock !== null && session) {
    session.draft.seconds += (now - clock) / 1000;
  }
  const looking = !$("trial").hidden && !document.hidden
    && !$("stage").classList.contains("waiting") && !$("guide").open;
  clock = looking ? now : null;
}

const code = (number) => `p${String(number).padStart(5, "0")}`;

function results() {
  const answers = session.answers.filter((a) => a !== null);
  return {
    format: "tfpercept-ranking-results/1",
    page: study.page,
    mode: study.mode,
    person: session.person,
    complete: answers.length === trials.length,
    trials: trials.length,
    started: session.started,
    saved: new Date().toISOString(),
    window: {
      width: innerWidth, height: innerHeight, pixel_ratio: devicePixelRatio,
    },
    answers,
  };
}

function download() {
  tick();
  keep();
  const link = document.createElement("a");
  const text = JSON.stringify(results(), null, 1) + "\n";
  link.href = URL.createObjectURL(
    new Blob([text], {type: "application/json"}));
  const name = normal(session.person).replace(/[^\p{L}\p{N}]+/gu, "-");
  link.download = `ranking-${study.page.slice(0, 6)}-${name || "person"}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  const done = results().answers.length;
  $("saved").textContent = `Saved as ${link.download}.`;
  say(`Saved ${done} of ${trials.length} answers as ${link.download}.`);
}
