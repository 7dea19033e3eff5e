// Which places of a bundle came from which lines of the author's files, out of its source map (version 3).

const DIGITS = new Map([..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"].map((digit, value) => [digit, value]));

/**
 * `{ files, places }`: from each place on, `[line, column, file, line of the file]`, all counted from 1 but the index of the
 * file, which is -1 where what follows is not the author's. `shown` gives the name of a source, or undefined for such.
 */
export function ownPlaces({ sources, mappings }, shown) {
  const names = sources.map(shown);
  const files = [...new Set(names.filter((name) => name !== undefined))];
  const places = [];
  for (const { line, column, source, original } of segments(mappings)) {
    const file = files.indexOf(names[source]);
    const [last, from] = [places.at(-1), file < 0 ? 0 : original + 1];
    if ((last?.[2] ?? -1) !== file || (last?.[3] ?? 0) !== from) places.push([line + 1, column + 1, file, from]);
  }
  return { files, places };
}

/** `file:line` of a place in the bundle, or undefined where it is not the author's. */
export function placeOf({ files, places }, line, column) {
  const place = places.findLast(([first, from]) => first < line || (first === line && from <= column));
  return place === undefined || place[2] < 0 ? undefined : `${files[place[2]]}:${place[3]}`;
}

/** All segments of a map, counted from 0; the numbers of each build on those before. */
function* segments(mappings) {
  let [source, original] = [0, 0];
  for (const [line, row] of mappings.split(";").entries()) {
    let column = 0;
    for (const segment of row.split(",")) {
      const [columns, sources, lines] = numbers(segment);
      column += columns ?? 0;
      if (sources === undefined) continue;
      source += sources;
      original += lines;
      yield { line, column, source, original };
    }
  }
}

/** The numbers of a segment: base 64, five bits a digit, the sign in the last bit. */
function numbers(segment) {
  const found = [];
  let value = 0;
  let shift = 0;
  for (const digit of segment) {
    const bits = DIGITS.get(digit);
    value += (bits & 31) * 2 ** shift;
    shift += 5;
    if (bits & 32) continue;
    found.push(value % 2 === 1 ? -(value - 1) / 2 : value / 2);
    value = shift = 0;
  }
  return found;
}
