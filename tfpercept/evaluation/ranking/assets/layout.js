// How large pictures are: as large as fits, all alike.

const UNDER = 34;  // height of what stands below a picture, as in the styles
const LEAST = 120;  // of the longer side of a picture, before one has to scroll

// The ways to arrange the pictures: {columns, rows, inner}, where `inner` is
// the number of columns of items beside the original, 0 where it is above them
// or absent. Earlier ones are better where pictures get equally large.
function arrangements() {
  const count = cells.length;
  const found = [];
  for (let columns = count; columns >= 1; columns--) {
    const rows = Math.ceil(count / columns);
    if (reference && (isRanking || columns === 2)) {
      found.push({columns: columns + 1, rows, inner: columns});
    }
    found.push({columns, rows: rows + Number(Boolean(reference)), inner: 0});
  }
  return found;
}

// Returns the arrangement {columns, inner, scale} with the largest pictures.
function layout(width, height, gap) {
  const [w, h] = trials[session.at].size;
  const scaled = ({columns, rows}) => whole(Math.min(
    study.upscale,
    (width - gap * (columns - 1)) / columns / w,
    ((height - gap * (rows - 1)) / rows - UNDER) / h));
  let best = {scale: 0};
  for (const option of arrangements()) {
    const scale = scaled(option);
    if (scale > best.scale * 1.001) {
      best = {...option, scale};
    }
  }
  // Rather scroll than show stamps.
  const least = Math.min(study.upscale, LEAST / Math.max(w, h));
  if (best.scale < least) {
    const columns = Math.max(1, Math.min(
      cells.length, Math.floor((width + gap) / (least * w + gap))));
    const across = (width - gap * (columns - 1)) / columns / w;
    best = {columns, inner: 0, scale: whole(Math.min(study.upscale, across))};
  }
  return best;
}

// A factor that maps picture elements to whole screen elements, where blocks
// of them are to be seen.
function whole(scale) {
  const factor = scale * devicePixelRatio;
  return study.pixelated && factor >= 1
    ? Math.floor(factor) / devicePixelRatio : scale;
}

function fit() {
  if ($("trial").hidden || !session) {
    return;
  }
  const stage = $("stage");
  const style = getComputedStyle(stage);
  const gap = parseFloat(style.gap);
  const inset = 2 * parseFloat(style.paddingLeft);
  const taken = document.querySelector("#trial header").offsetHeight
    + document.querySelector("#trial footer").offsetHeight;
  const found = layout(
    document.documentElement.clientWidth - inset,
    innerHeight - taken - inset, gap);
  const [w, h] = trials[session.at].size;
  const {scale} = found;
  const width = Math.max(1, Math.round(w * scale * 100) / 100);
  stage.classList.toggle("pixelated", study.pixelated && scale >= 1);
  stage.style.gridTemplateColumns = `repeat(${found.columns}, ${width}px)`;
  for (const made of [...cells, reference]) {
    if (made) {
      const image = made.querySelector("img");
      image.style.width = `${width}px`;
      image.style.height = `${h * scale}px`;
      made.style.gridArea = "";
    }
  }
  session.draft.size = width;
  if (reference && !found.inner) {
    reference.style.gridArea = "1 / 1 / 2 / -1";
  } else if (reference && isRanking) {
    besides(found.inner);
  }
}

// The original to the left of the items, at half their height. Of a pair it
// stands in the middle, as the order on the stage says.
function besides(inner) {
  const rows = Math.ceil(cells.length / inner);
  reference.style.gridArea = `1 / 1 / ${rows + 1} / 2`;
  cells.forEach((made, i) => {
    const [row, column] = [Math.floor(i / inner) + 1, (i % inner) + 2];
    made.style.gridArea = `${row} / ${column} / ${row + 1} / ${column + 1}`;
  });
}
