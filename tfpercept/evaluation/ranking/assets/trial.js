// One trial: its cells, and what is chosen.

const SHOWN_MS = 180;  // how long the choice of a pair is seen before the next

const source = (number) => `data:image/png;base64,${pictures[number]}`;
let cells = [];  // of the items, in order of place
let reference = null;
let hovered = null;
let isMoving = false;  // while the choice of a pair is shown
let entering = 0;  // the latest call of `enter`, as pictures take time

async function enter(at, draft) {
  tick();
  clock = null;
  const mine = ++entering;
  session.at = at;
  session.draft = draft;
  const trial = trials[at];
  show("trial");
  const stage = $("stage");
  stage.classList.add("waiting");
  cells = trial.shown.map((number, i) => itemCell(number, i, trial));
  reference = trial.reference === null ? null : referenceCell(trial);
  const order = [...cells];
  if (reference) {
    order.splice(isRanking ? 0 : 1, 0, reference);
  }
  stage.replaceChildren(...order);
  hovered = null;
  $("progress").max = trials.length;
  $("progress").value = at;
  $("count").textContent = `${at + 1} of ${trials.length}`;
  $("back").disabled = at === 0;
  refresh();
  fit();
  const images = [...stage.querySelectorAll("img")];
  await Promise.all(images.map((image) => image.decode().catch(() => {})));
  if (mine !== entering) {
    return;
  }
  stage.classList.remove("waiting");
  scrollTo(0, 0);
  cells[0].querySelector(".pick").focus(
    {preventScroll: true, focusVisible: false});
  tick();
}

const LOUPE = "<svg width='18' height='18' viewBox='0 0 18 18' fill='none' "
  + "stroke='currentColor' stroke-width='2' stroke-linecap='round' "
  + "aria-hidden='true'><circle cx='7.5' cy='7.5' r='5'/>"
  + "<path d='M11.5 11.5 16 16'/></svg>";

function cell(number, name, trial) {
  const image = element("img", {
    src: source(number), alt: "", draggable: "false",
    width: trial.size[0], height: trial.size[1],
  });
  const pick = element("button", {type: "button", class: "pick"}, image);
  const loupe = element("button", {
    type: "button", class: "loupe", "aria-label": `Enlarge ${name}`,
  });
  loupe.innerHTML = LOUPE;
  const under = element("div", {class: "under"}, loupe);
  const made = element("div", {class: "cell"}, pick, under);
  made.name = name;
  made.number = number;
  loupe.addEventListener("click", () => enlarge(made));
  made.addEventListener("pointerenter", () => { hovered = made; });
  pick.addEventListener("contextmenu", (event) => event.preventDefault());
  holdToEnlarge(pick, made);
  return made;
}

function itemCell(number, place, trial) {
  const made = cell(number, `picture ${place + 1}`, trial);
  made.append(element("span", {class: "place", "aria-hidden": "true"}));
  made.querySelector(".under").prepend(element(
    "kbd", {"aria-hidden": "true"}, String(place + 1)));
  onPress(made, (by) => choose(made, by));
  return made;
}

function referenceCell(trial) {
  const made = cell(trial.reference, "the original", trial);
  made.classList.add("reference");
  made.querySelector(".under").prepend(element("b", {}, "Original"));
  made.querySelector(".pick").setAttribute(
    "aria-label", "The original; press to enlarge");
  onPress(made, () => enlarge(made));
  return made;
}

// Calls back with what a cell was pressed by: keys, mouse or touch.
function onPress(made, react) {
  made.querySelector(".pick").addEventListener("click", (event) => {
    if (event.detail === 0) {
      react("keys");
    } else if (!made.wasHeld) {
      react(made.pointer === "mouse" ? "mouse" : "touch");
    }
  });
}

function ordinal(n) {
  const ends = {1: "st", 2: "nd", 3: "rd"};
  return n + (ends[n] || "th");
}

function choose(chosen, by) {
  if ($("stage").classList.contains("waiting") || isMoving) {
    return;
  }
  const {draft} = session;
  draft.by = by;
  if (!isRanking) {
    const other = cells.find((c) => c !== chosen);
    draft.order = [chosen.number, other.number];
    refresh();
    isMoving = true;
    tick();
    clock = null;
    const mine = entering;
    setTimeout(() => {
      isMoving = false;
      if (mine === entering) {  // not if one has gone back meanwhile
        next();
      }
    }, SHOWN_MS);
    return;
  }
  const place = draft.order.indexOf(chosen.number);
  if (place >= 0) {
    draft.order.splice(place);  // and what was ranked after it
  } else {
    draft.order.push(chosen.number);
    const left = cells.filter((c) => !draft.order.includes(c.number));
    if (left.length === 1) {
      draft.order.push(left[0].number);
    }
  }
  tick();
  keep();
  refresh();
  if (isComplete()) {
    $("next").focus({focusVisible: by === "keys"});
  }
}

const isComplete = () => session.draft.order.length === cells.length;

function undo() {
  const {order} = session.draft;
  if (isRanking && order.length) {
    order.length -= isComplete() ? Math.min(2, order.length) : 1;
    keep();
    refresh();
  }
}

// Shows what is chosen so far.
function refresh() {
  const {order} = session.draft;
  for (const made of cells) {
    const rank = order.indexOf(made.number) + 1;
    const isChosen = isRanking ? rank > 0 : rank === 1;
    made.classList.toggle("chosen", isChosen);
    made.querySelector(".place").textContent =
      !isChosen ? "" : isRanking ? ordinal(rank) : "\u2713";
    const pick = made.querySelector(".pick");
    const state = !isChosen ? "not chosen"
      : isRanking ? `ranked ${ordinal(rank)}` : "chosen";
    const name = made.name[0].toUpperCase() + made.name.slice(1);
    pick.setAttribute("aria-label", `${name}, ${state}`);
    pick.setAttribute("aria-pressed", String(isChosen));
  }
  $("undo").hidden = !isRanking;
  $("next").hidden = !isRanking && !isComplete();
  $("undo").disabled = !order.length;
  $("next").disabled = !isComplete();
  $("next").textContent = session.at + 1 === trials.length ? "Finish" : "Next";
  if (!isRanking) {
    say("Choose one of the two.");
  } else if (isComplete()) {
    say("All ranked.");
  } else if (order.length) {
    say(`Now the best of the ${cells.length - order.length} left.`);
  } else {
    say("Choose the best first.");
  }
}

function next() {
  if (!isComplete() || isMoving) {
    return;
  }
  tick();
  const {draft} = session;
  const order = draft.order.map(code);
  const before = session.answers[session.at];
  session.answers[session.at] = {
    trial: trials[session.at].id,
    shown: trials[session.at].shown.map(code),
    order,
    seconds: Math.round(draft.seconds * 1000) / 1000,
    by: draft.by,
    enlarged: draft.enlarged,
    size: draft.size,
    changed: before !== null
      && (before.changed || before.order.join() !== order.join()),
  };
  go(session.at + 1);
}

// Moves to a trial, with the answer it may have.
function go(at) {
  tick();
  clock = null;
  session.spent[session.at] = session.draft.seconds;
  if (at >= trials.length) {
    session.draft = blank();
    finish();
    return;
  }
  const answer = session.answers[at];
  const draft = blank();
  if (answer) {
    draft.order = answer.order.map((c) => Number(c.slice(1)));
    draft.enlarged = answer.enlarged;
    draft.by = answer.by;
  }
  draft.seconds = session.spent[at] || 0;
  session.at = at;
  session.draft = draft;
  keep();
  enter(at, draft);
}
