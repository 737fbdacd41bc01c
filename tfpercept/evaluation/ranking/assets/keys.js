// Keys.

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $("guide").open) {
    return;
  }
  const {key} = event;
  if ($("zoom").open) {
    onZoomKey(event);
    return;
  }
  if ($("trial").hidden) {
    return;
  }
  const digit = /^[1-9]$/.test(key) ? cells[Number(key) - 1] : null;
  const focused = document.activeElement.closest(".cell");
  if (digit && !event.repeat) {
    choose(digit, "keys");
  } else if (key === "Enter" && isComplete()
    && document.activeElement.matches(".pick, body")) {
    event.preventDefault();
    next();
  } else if (key === "Backspace") {
    event.preventDefault();
    undo();
  } else if (key.toLowerCase() === "b" && session.at > 0) {
    go(session.at - 1);
  } else if (key.toLowerCase() === "z" && !event.repeat) {
    isHeld = true;
    enlarge(focused && focused.matches(":has(:focus-visible)")
      ? focused : hovered || focused || cells[0]);
  } else if (key === "?") {
    $("guide").showModal();
    tick();
  } else if (/^Arrow/.test(key)) {
    onArrow(event, focused);
  }
}

function onArrow(event, focused) {
  event.preventDefault();
  const back = event.key === "ArrowLeft" || event.key === "ArrowUp";
  if (!isRanking && /Left|Right/.test(event.key)) {
    if (!event.repeat) {
      choose(cells[back ? 0 : 1], "keys");
    }
    return;
  }
  const all = everything();
  const at = all.indexOf(focused);
  const to = at < 0 ? 0 : (at + (back ? -1 : 1) + all.length) % all.length;
  all[to].querySelector(".pick").focus();
}

function onZoomKey(event) {
  const {key} = event;
  const all = everything();
  if (/^Arrow/.test(key)) {
    event.preventDefault();
    flip(key === "ArrowLeft" || key === "ArrowUp" ? -1 : 1);
  } else if (/^[1-9]$/.test(key) && cells[Number(key) - 1]) {
    enlarge(cells[Number(key) - 1]);
  } else if (key === "0" && reference) {
    enlarge(all[0]);
  }
}
