// Wiring, and the beginning.

$("begin").addEventListener("submit", begin);
$("person").addEventListener("input", announceProgress);
$("save").addEventListener("click", download);
$("download").addEventListener("click", download);
$("undo").addEventListener("click", undo);
$("next").addEventListener("click", next);
$("back").addEventListener("click", () => go(session.at - 1));
$("again").addEventListener("click", () => go(trials.length - 1));
$("help").addEventListener("click", () => {
  $("guide").showModal();
  tick();
});
$("guide").addEventListener("close", tick);
$("previous").addEventListener("click", () => flip(-1));
$("following").addEventListener("click", () => flip(1));
$("close").addEventListener("click", () => $("zoom").close());
$("large").addEventListener("click", () => $("zoom").close());
addEventListener("pointerup", release, true);
addEventListener("pointercancel", release, true);
addEventListener("keydown", onKey);
addEventListener("keyup", (event) => {
  if (event.key.toLowerCase() === "z") {
    release();
  }
});
addEventListener("resize", () => {
  fit();
  if ($("zoom").open) {
    enlarge(large);
  }
});
document.addEventListener("visibilitychange", () => {
  tick();
  if (session && document.hidden) {
    keep();
  }
});
addEventListener("pagehide", () => {
  tick();
  if (session) {
    keep();
  }
});
explain();
start();
