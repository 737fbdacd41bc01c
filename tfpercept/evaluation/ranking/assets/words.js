// Explanations, on the first screen and under Help.

function explain() {
  const count = study.trials[0].items.length;
  const original = study.trials.some((t) => t.reference !== null);
  const many = isRanking ? "" : " two";
  const doing = isRanking
    ? "Choose the best picture, then the best of those left, and so on. "
      + "Choose one again to take it back."
    : "Choose the better one. The next pair follows at once; Back returns.";
  const seeing = original
    ? `Each time you see${many || ` ${count}`} pictures of the same thing, and `
      + "the original they should look like."
    : `Each time you see${many || ` ${count}`} pictures of the same thing.`;
  const looking = "Hold a picture, or press its magnifier, to enlarge it; "
    + "there, the arrows swap pictures in place.";
  const trust = "There is no right answer that we know. When two look alike, "
    + "choose as you feel.";
  for (const text of [seeing, doing, looking, trust]) {
    $("guide-text").append(element("li", {}, text));
    $("steps").append(element("li", {}, text));
  }
  const keys = [
    [isRanking ? ["1", "\u2013", String(count)] : ["1", "2"], "choose"],
    ...(isRanking
      ? [[["Backspace"], "undo"], [["Enter"], "next"]]
      : [[["\u2190", "\u2192"], "choose left, right"]]),
    [["B"], "back"],
    [["Z"], "hold to enlarge"],
    [["Tab"], "move; Space chooses"],
  ];
  for (const [names, what] of keys) {
    const cap = element("span", {});
    for (const name of names) {
      cap.append(name === "\u2013" ? " \u2013 " : element("kbd", {}, name));
    }
    $("guide-keys").append(cap, element("span", {}, what));
  }
}
