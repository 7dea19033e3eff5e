// `console`, which writes to the skill's log.

import { inspect } from "./inspect.js";

export function makeConsole(write) {
  const counts = new Map();
  let depth = 0;
  const line = (level) => (...args) => write(level, "  ".repeat(depth) + format(args));
  const made = {
    log: line("info"),
    info: line("info"),
    debug: line("debug"),
    warn: line("warn"),
    error: line("error"),
    trace: line("trace"),
    dir: (value) => made.log(value),
    table: (value) => made.log(value),
    assert(condition, ...args) {
      if (!condition) made.error("assertion failed", ...args);
    },
    count(label = "default") {
      counts.set(label, (counts.get(label) ?? 0) + 1);
      made.log(`${label}: ${counts.get(label)}`);
    },
    countReset: (label = "default") => void counts.delete(label),
    group(...args) {
      if (args.length > 0) made.log(...args);
      depth++;
    },
    groupEnd() {
      depth = Math.max(0, depth - 1);
    },
  };
  return made;
}

/** A line of what was given; `%s`, `%d`, `%i`, `%f`, `%j`, `%o` and `%O` in the first text take from the rest. */
function format(args) {
  const rest = [...args];
  let line = "";
  if (typeof rest[0] === "string") {
    const first = rest.shift();
    line = first.replace(/%[sdifjoO%]/g, (mark) => {
      if (mark === "%%") return "%";
      if (rest.length === 0) return mark;
      return filled(mark, rest.shift());
    });
  }
  return [...(typeof args[0] === "string" ? [line] : []), ...rest.map((value) => (typeof value === "string" ? value : inspect(value)))].join(" ");
}

function filled(mark, value) {
  if (mark === "%s") return typeof value === "string" ? value : inspect(value);
  if (mark === "%d" || mark === "%f") return String(Number(value));
  if (mark === "%i") return String(Math.trunc(Number(value)));
  return inspect(value);
}
