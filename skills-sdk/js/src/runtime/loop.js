// The event loop of a call: jobs, then what the host has made ready, then timers, until the tool's promise is settled.

import monotonic from "wasi:clocks/monotonic-clock@0.2.12";
import poll from "wasi:io/poll@0.2.12";

import { FailedError } from "../errors.js";
import { Promise as OwnPromise, enqueue, look, runJobs, takeUnhandled } from "./promise.js";

/** Nanoseconds of a millisecond. */
const MS = 1_000_000;
/** The longest delay of a timer, in milliseconds; one beyond it is due at once, as everywhere. */
const LONGEST = 2 ** 31 - 1;

const timers = new Map();
let lastTimer = 0;

/** What somebody waits for: a pollable of the host, and the function to call when it is ready. */
const waits = new Set();

/** The time on the host's clock that never goes back, in milliseconds. */
export const now = () => monotonic.now() / MS;

export function setTimer(callback, delay, args, repeats) {
  if (typeof callback !== "function") throw new TypeError("a timer needs a function");
  const wanted = Number(delay);
  const ms = wanted >= 1 && wanted <= LONGEST ? wanted : 1;
  timers.set(++lastTimer, { callback, args, ms, repeats, due: now() + ms });
  return lastTimer;
}

export function clearTimer(id) {
  timers.delete(id);
}

/** A promise that is fulfilled when the host has made something ready; it drops the pollable. */
export function ready(pollable) {
  return new OwnPromise((resolve) => waits.add({ pollable, resolve }));
}

/** Runs what is due, and a promise until it is settled; gives its value or throws its reason. Any other value is settled. */
export function drive(result) {
  const promise = look(result) ?? { status: "fulfilled", value: result };
  let uncaught;
  const report = (error) => (uncaught ??= { reason: error });
  for (;;) {
    runJobs(report);
    // As everywhere: what nobody handles is a failure, even where the tool's own result is there.
    if (promise.status !== "rejected") uncaught ??= takeUnhandled();
    if (uncaught !== undefined) throw uncaught.reason;
    if (promise.status === "fulfilled") return promise.value;
    if (promise.status === "rejected") throw promise.value;
    if (timers.size === 0 && waits.size === 0) {
      throw new FailedError("the tool's promise is not settled and nothing is left to do: something that it awaits never happens");
    }
    step(report);
  }
}

/** Waits for what comes first, and does it. */
function step(report) {
  const due = earliest();
  const delay = due === undefined ? undefined : Math.max(0, due[1].due - now());
  if (waits.size > 0 || delay > 0) wait(delay);
  const [id, timer] = earliest() ?? [];
  if (timer === undefined || timer.due > now()) return;
  if (timer.repeats) timer.due = now() + timer.ms;
  else timers.delete(id);
  try {
    timer.callback(...timer.args);
  } catch (error) {
    report(error);
  }
}

function earliest() {
  let first;
  for (const entry of timers) if (first === undefined || entry[1].due < first[1].due) first = entry;
  return first;
}

/** Waits until something is ready, or a delay in milliseconds is over. */
function wait(delay) {
  const all = [...waits];
  const clock = delay === undefined ? [] : [monotonic.subscribeDuration(Math.ceil(delay * MS))];
  const done = poll.poll([...all.map(({ pollable }) => pollable), ...clock]);
  for (const index of done) {
    const wait = all[index];
    if (wait === undefined) continue;
    waits.delete(wait);
    wait.pollable[Symbol.dispose]();
    enqueue(() => wait.resolve());
  }
  for (const pollable of clock) pollable[Symbol.dispose]();
}
