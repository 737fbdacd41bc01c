// One picture, as large as the window.

let holdMs = 400;  // a press this long enlarges instead of choosing

let large = null;  // the cell that is enlarged
let isHeld = false;

const everything = () => (reference ? [reference, ...cells] : cells);

function enlarge(made) {
  const dialog = $("zoom");
  const [w, h] = trials[session.at].size;
  if (!dialog.open) {
    session.draft.enlarged += 1;
    dialog.showModal();
  }
  large = made;
  const bar = dialog.querySelector(".bar").offsetHeight;
  const scale = Math.min(
    document.documentElement.clientWidth / w, (innerHeight - bar) / h);
  const exact = whole(scale);
  const image = $("large");
  image.src = source(made.number);
  image.alt = made.name;
  image.style.width = `${w * exact}px`;
  image.style.height = `${h * exact}px`;
  dialog.classList.toggle("pixelated", study.pixelated && exact >= 1);
  $("caption").textContent = made.name[0].toUpperCase() + made.name.slice(1);
}

function flip(step) {
  const all = everything();
  const at = (all.indexOf(large) + step + all.length) % all.length;
  enlarge(all[at]);
}

function holdToEnlarge(target, made) {
  let timer = null;
  let from = null;
  const cancel = () => {
    clearTimeout(timer);
    timer = null;
  };
  target.addEventListener("pointerdown", (event) => {
    made.wasHeld = false;
    made.pointer = event.pointerType;
    if (event.button !== 0) {
      return;
    }
    from = [event.clientX, event.clientY];
    timer = setTimeout(() => {
      made.wasHeld = true;  // the click that follows is none
      isHeld = true;
      enlarge(made);
    }, holdMs);
  });
  target.addEventListener("pointermove", (event) => {
    if (from && Math.hypot(
      event.clientX - from[0], event.clientY - from[1]) > 12) {
      cancel();
    }
  });
  for (const name of ["pointerup", "pointercancel", "pointerleave"]) {
    target.addEventListener(name, cancel);
  }
}

function release() {
  if (isHeld) {
    isHeld = false;
    $("zoom").close();
  }
}
