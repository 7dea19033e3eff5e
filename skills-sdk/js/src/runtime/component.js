// The component's side of a skill: it answers the host's `list` and `call`, and nothing that is thrown gets past it.

import { context } from "../context.js";
import { FailedError, toolError } from "../errors.js";
import { readPlain } from "../plain.js";
import { callJson, isSkill, list } from "../skill.js";
import { makeConsole } from "./console.js";
import { callBegins } from "./crypto.js";
import { fetchOver } from "./fetch.js";
import { define } from "./globals.js";
import { host } from "./host.js";
import { setFrames } from "./inspect.js";
import { drive } from "./loop.js";
import { runJobs, takeUnhandled } from "./promise.js";

/** Which places of the bundle are the author's own; see build/places.mjs. It is read when something was thrown. */
let places = '{"files":[],"places":[]}';

/** For the last line of the bundle, which only then knows where the others came from. */
export function setPlaces(text) {
  places = text;
}

/** Makes what the component exports as `tools`. `imports` is what `host` takes; `name` is `publisher/skill`. */
export function component(skill, imports, name) {
  if (!isSkill(skill)) throw new TypeError("the entry has to say `export default skill({ tools: { … } })`");
  warm(skill);
  setFrames(ownFrames);
  const ctx = context(host(imports, name));
  define({ console: makeConsole((level, line) => writeLog(imports.log, level, line)), fetch: fetchOver(() => ctx.http) });
  return {
    list: () => list(skill).map(written),
    call: (tool, input) => answer(skill, ctx, tool, input),
  };
}

/** Does what modules left to be done while they were loaded; after this nothing of the build goes on. */
export function finishLoading() {
  runJobs((error) => {
    throw error;
  });
  const unhandled = takeUnhandled();
  if (unhandled !== undefined) throw unhandled.reason;
  collectGarbage();
}

/** Room for garbage, in bytes: a call that leaves less behind never looks through the whole heap. */
const ROOM = 2 << 20;

/** The engine collects at half as much again as there was the last time; so it is made to while there is much. */
function collectGarbage() {
  const room = [new Uint8Array(ROOM)];
  // Each new object may start it.
  for (let count = 0; count < 16; count++) room.push({ count });
}

/** Has zod make what it makes at a schema's first use, so that it lies in the snapshot. */
function warm({ tools }) {
  for (const { input, output } of tools.values()) {
    for (const schema of [input, output]) {
      try {
        // Nothing is what no schema takes for an object: only the reader is made.
        if (schema !== undefined) readPlain(schema, undefined, true);
        schema?.safeParse({});
      } catch {
        // An author's own check may not expect this value, and a call will tell.
      }
    }
  }
}

const writeLog = (log, level, line) => log.write(level, String(line).toWellFormed());

const written = ({ name, description, inputSchema, outputSchema }) => ({
  name,
  description,
  inputSchema: JSON.stringify(inputSchema).toWellFormed(),
  outputSchema: outputSchema === undefined ? null : JSON.stringify(outputSchema).toWellFormed(),
});

function answer(skill, ctx, tool, input) {
  callBegins();
  try {
    return String(drive(begun(skill, ctx, tool, input))).toWellFormed();
  } catch (thrown) {
    // The host takes a plain variant, and whatever else is thrown ends in a trap that tells nothing.
    throw toolError(outOfMemory(thrown), ownFrames);
  }
}

/** The result of a call, or a promise of it. What it began goes on, whether it throws or not. */
function begun(skill, ctx, tool, input) {
  try {
    return callJson(skill, tool, input, ctx);
  } catch (thrown) {
    return Promise.reject(thrown);
  }
}

/** The engine's own word for it is no help to a caller. */
function outOfMemory(thrown) {
  const isFull = thrown instanceof Error && thrown.name === "InternalError" && thrown.message === "out of memory";
  return isFull ? new FailedError("the tool used up the memory that a call may have; `limits.memory` in openclaw/skill.toml sets it") : thrown;
}

/** The author's frames in a stack, with their own files and lines. */
function ownFrames(stack) {
  const table = JSON.parse(places);
  return stack.split("\n").map((frame) => ownFrame(table, frame)).filter((frame) => frame !== undefined);
}

function ownFrame({ files, places }, frame) {
  const [, what, line, column] = /^\s+at (.*?)\s*\(?[^\s(]*?:(\d+):(\d+)\)?$/.exec(frame) ?? [];
  const [at, before] = [Number(line), Number(column)];
  const place = places.findLast(([first, from]) => first < at || (first === at && from <= before));
  if (line === undefined || place === undefined || place[2] < 0) return undefined;
  return `${what ? `${what} ` : ""}(${files[place[2]]}:${place[3]})`;
}
