// Values as a person reads them in a log: bounded in depth and length.

const DEEPEST = 4;
const MOST_ITEMS = 50;
const LONGEST = 4_000;

/** The frames of a stack that say something to the author; all, until somebody knows better. */
let framesOf = (stack) => stack.split("\n").map((line) => line.replace(/^\s+at /, "")).filter(Boolean);

export function setFrames(frames) {
  framesOf = frames;
}

export function inspect(value) {
  const text = show(value, 0, []);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

function show(value, depth, open) {
  if (typeof value === "string") return depth === 0 ? value : JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return `[function ${value.name || "without a name"}]`;
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : String(value);
  if (open.includes(value)) return "[circular]";
  if (depth >= DEEPEST) return Array.isArray(value) ? "[…]" : "{…}";
  return showObject(value, depth, [...open, value]);
}

function showObject(value, depth, open) {
  const inner = (item) => show(item, depth + 1, open);
  if (value instanceof Error) return [`${value.name}: ${value.message}`, ...framesOf(String(value.stack ?? "")).map((frame) => `    at ${frame}`)].join("\n");
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (value instanceof RegExp || value instanceof URL) return String(value);
  if (value instanceof Map) return `Map {${listed([...value].map(([key, item]) => `${inner(key)} => ${inner(item)}`))}}`;
  if (value instanceof Set) return `Set {${listed([...value].map(inner))}}`;
  if (ArrayBuffer.isView(value) && "length" in value) return `${value.constructor.name} [${listed(Array.from(value.subarray(0, MOST_ITEMS + 1), String))}]`;
  if (Array.isArray(value)) return `[${listed(value.slice(0, MOST_ITEMS + 1).map(inner))}]`;
  const entries = Object.keys(value).slice(0, MOST_ITEMS + 1).map((key) => `${/^[\w$]+$/.test(key) ? key : JSON.stringify(key)}: ${inner(value[key])}`);
  const name = value.constructor?.name;
  return `${name && name !== "Object" ? `${name} ` : ""}{${listed(entries)}}`;
}

function listed(items) {
  const shown = items.slice(0, MOST_ITEMS);
  if (items.length > MOST_ITEMS) shown.push("…");
  return shown.length === 0 ? "" : ` ${shown.join(", ")} `;
}
