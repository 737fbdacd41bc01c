/** Tiles of a picture, each of a size that the synthesis was exported for. */

/**
 * Returns the tiles that cover latents, of the size that costs least.
 *
 * @param {number} rows Rows of latents of the picture, and columns.
 * @param {string[]} names Sizes of tiles, such as `32x48`: rows, then columns.
 * @param {number} halo Latents beyond its own that a pixel depends on.
 * @returns {{name: string, rows: number, columns: number, tiles: object[]}}
 *   A tile has the spans of its rows and columns.
 */
export function plan(rows, columns, names, halo) {
  const plans = names.map((name) => {
    const [height, width] = name.split("x").map(Number);
    const down = spans(rows, height, halo);
    const across = spans(columns, width, halo);
    const tiles = down.flatMap(
      (row) => across.map((column) => ({row, column})));
    return {name, rows: height, columns: width, tiles};
  });
  const cost = (plan) => plan.tiles.length * plan.rows * plan.columns;
  return plans.reduce((best, plan) => cost(plan) < cost(best) ? plan : best);
}

/**
 * Returns spans of one side that cover it.
 *
 * A span sees `side` latents from `start` on, and its own are those from `from`
 * to `to`. Behind what it sees, it keeps the halo to itself. The last one ends
 * where the picture does, or sees beyond where the picture is smaller.
 */
export function spans(length, side, halo) {
  if (length <= side) return [{start: 0, from: 0, to: length}];
  if (side <= 2 * halo) throw new Error(`tiles of ${side} have no middle`);
  const found = [];
  for (let from = 0; from < length;) {
    const start = Math.min(Math.max(from - halo, 0), length - side);
    const to = start + side === length ? length : start + side - halo;
    found.push({start, from, to});
    from = to;
  }
  return found;
}

/**
 * Returns the latents that a tile sees, zeros beyond the picture, and where it
 * has latents of the picture.
 */
export function cut(y, {rows, columns, latents}, tile, plan) {
  const seen = new Float32Array(plan.rows * plan.columns * latents);
  const inside = new Float32Array(plan.rows * plan.columns);
  const {row, column} = tile;
  const width = Math.min(plan.columns, columns - column.start);
  const height = Math.min(plan.rows, rows - row.start);
  for (let i = 0; i < height; ++i) {
    const from = ((row.start + i) * columns + column.start) * latents;
    seen.set(y.subarray(from, from + width * latents),
             i * plan.columns * latents);
    inside.fill(1, i * plan.columns, i * plan.columns + width);
  }
  return {seen, inside};
}
