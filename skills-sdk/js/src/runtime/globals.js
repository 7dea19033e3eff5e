// The globals of a skill, over the host's interfaces; imported before any other code of the component.

import { URL, URLSearchParams } from "whatwg-url-minimum";

import { AbortController, AbortSignal } from "./abort.js";
import { structuredClone } from "./clone.js";
import { crypto, mathRandom } from "./crypto.js";
import { TextDecoder, TextEncoder } from "./encoding.js";
import { Headers, Request, Response } from "./fetch.js";
import { clearTimer, now, setTimer } from "./loop.js";
import { Promise as OwnPromise, enqueue } from "./promise.js";

/** When the clock was first looked at in this call, in milliseconds. */
let origin;

const performance = Object.freeze({
  now() {
    origin ??= now();
    return now() - origin;
  },
  get timeOrigin() {
    return Date.now() - performance.now();
  },
});

function queueMicrotask(callback) {
  if (typeof callback !== "function") throw new TypeError("a microtask is a function");
  enqueue(callback);
}

/** The engine's own makes a promise of its own, whose jobs never run. */
async function fromAsync(items, map, self) {
  const made = [];
  if (items?.[Symbol.asyncIterator] !== undefined || items?.[Symbol.iterator] !== undefined) {
    for await (const item of items) made.push(map === undefined ? item : await map.call(self, item, made.length));
  } else {
    for (let at = 0; at < items.length; at++) made.push(map === undefined ? await items[at] : await map.call(self, await items[at], at));
  }
  return made;
}

export function define(values, target = globalThis) {
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: false });
  }
}

define({
  Promise: OwnPromise,
  queueMicrotask,
  setTimeout: (callback, delay, ...args) => setTimer(callback, delay, args, false),
  setInterval: (callback, delay, ...args) => setTimer(callback, delay, args, true),
  clearTimeout: clearTimer,
  clearInterval: clearTimer,
  TextEncoder,
  TextDecoder,
  URL,
  URLSearchParams,
  AbortController,
  AbortSignal,
  Headers,
  Request,
  Response,
  structuredClone,
  crypto,
  performance,
});
define({ random: mathRandom }, Math);
define({ fromAsync }, Array);
