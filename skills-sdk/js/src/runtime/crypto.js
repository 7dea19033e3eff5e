// `crypto` over the host's randomness: random values, UUIDs and SHA digests.

import random from "wasi:random/random@0.2.12";

import { sha1 } from "@noble/hashes/legacy.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";

/** As the standard has it. */
const MOST_BYTES = 65_536;

let isCalled = false;

/** Says that a call has begun: what was random before would be the same in every call. */
export function callBegins() {
  isCalled = true;
}

function randomBytes(length) {
  if (!isCalled) {
    throw new Error("there is no randomness while the skill is built, since every call would get the same: ask for it within `run`");
  }
  return random.getRandomBytes(length);
}

const builtInRandom = Math.random;

/** `Math.random`: 53 bits of the host's at each call. While building, the engine's own, which libraries use for marks. */
export function mathRandom() {
  if (!isCalled) return builtInRandom();
  const bytes = random.getRandomBytes(7);
  let high = 0;
  for (let at = 0; at < 6; at++) high = high * 256 + bytes[at];
  return (high * 32 + (bytes[6] & 31)) / 2 ** 53;
}

const INTEGERS = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array, BigUint64Array];

function getRandomValues(array) {
  if (!INTEGERS.some((Class) => array instanceof Class)) throw new DOMException("getRandomValues fills arrays of whole numbers", "TypeMismatchError");
  if (array.byteLength > MOST_BYTES) throw new DOMException(`getRandomValues fills at most ${MOST_BYTES} bytes`, "QuotaExceededError");
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(randomBytes(array.byteLength));
  return array;
}

function randomUUID() {
  const bytes = randomBytes(16);
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

const DIGESTS = new Map(Object.entries({ "SHA-1": sha1, "SHA-256": sha256, "SHA-384": sha384, "SHA-512": sha512 }));

const unsupported = (name) => () => {
  throw new DOMException(`crypto.subtle.${name} does not exist in a skill: there is digest`, "NotSupportedError");
};

const subtle = {
  async digest(algorithm, data) {
    const name = String(typeof algorithm === "string" ? algorithm : algorithm?.name).toUpperCase();
    const hash = DIGESTS.get(name);
    if (hash === undefined) throw new DOMException(`there is no digest ${name}: there is ${[...DIGESTS.keys()].join(", ")}`, "NotSupportedError");
    const bytes = ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
    return hash(bytes).slice().buffer;
  },
};
for (const name of ["encrypt", "decrypt", "sign", "verify", "generateKey", "importKey", "exportKey", "deriveBits", "deriveKey", "wrapKey", "unwrapKey"]) {
  subtle[name] = unsupported(name);
}

export const crypto = Object.freeze({ getRandomValues, randomUUID, subtle: Object.freeze(subtle) });
