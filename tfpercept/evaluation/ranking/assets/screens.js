// The three screens: start, trials, end.

const $ = (id) => document.getElementById(id);

function show(name) {
  for (const screen of ["start", "trial", "end"]) {
    $(screen).hidden = screen !== name;
  }
}

function say(text) {
  $("say").textContent = text;
}

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

function start() {
  session = null;
  clock = null;
  const asked = new URLSearchParams(location.hash.slice(1)).get("person");
  $("person").value = asked || memory.read("last") || "";
  show("start");
  announceProgress();
  $($("person").value ? "go" : "person").focus();
}

function announceProgress() {
  const person = $("person").value;
  const kept = person.trim() && opened(person);
  const done = kept ? kept.answers.filter((a) => a !== null).length : 0;
  const begun = kept && (done || kept.draft.order.length);
  $("resume").textContent = begun
    ? `Welcome back: ${done} of ${trials.length} are done.` : "";
  $("go").textContent = begun ? "Go on" : "Start";
}

function begin(event) {
  event.preventDefault();
  const person = $("person").value.trim();
  if (!person) {
    return;
  }
  if (pictures === null) {
    pictures = JSON.parse($("images").textContent);
  }
  session = opened(person);
  keep();
  if (session.at >= trials.length) {
    finish();
  } else {
    enter(session.at, session.draft);
  }
}

function finish() {
  tick();
  session.at = trials.length;
  keep();
  const done = results().answers.length;
  $("done").textContent = `You have judged all ${done}. One thing is left: `
    + "save your answers to a file.";
  $("saved").textContent = "";
  show("end");
  $("download").focus();
}
