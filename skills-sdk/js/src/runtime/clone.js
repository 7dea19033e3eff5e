// `structuredClone`: copies of data, with its circles, its dates, maps, sets, buffers and errors.

const ERRORS = new Map([Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((Class) => [Class.name, Class]));

export function structuredClone(value, { transfer } = {}) {
  if (transfer?.length > 0) throw new DOMException("structuredClone cannot transfer in a skill: there is nobody to transfer to", "NotSupportedError");
  return clone(value, new Map());
}

function clone(value, seen) {
  if (typeof value === "function" || typeof value === "symbol") throw new DOMException(`${String(value).slice(0, 80)} could not be cloned`, "DataCloneError");
  if (typeof value !== "object" || value === null) return value;
  if (seen.has(value)) return seen.get(value);
  const made = shell(value, seen);
  seen.set(value, made);
  fill(value, made, seen);
  return made;
}

/** A new object of the same kind, with what it has of its own kind. */
function shell(value, seen) {
  if (Array.isArray(value)) return new Array(value.length);
  if (value instanceof Date) return new Date(value.getTime());
  if (value instanceof RegExp) return new RegExp(value.source, value.flags);
  if (value instanceof Map) return new Map();
  if (value instanceof Set) return new Set();
  if (value instanceof ArrayBuffer) return value.slice(0);
  if (value instanceof DataView) return new DataView(clone(value.buffer, seen), value.byteOffset, value.byteLength);
  if (ArrayBuffer.isView(value)) return new value.constructor(clone(value.buffer, seen), value.byteOffset, value.length);
  if (value instanceof Error) return cloneError(value);
  if ([Number, String, Boolean, BigInt].some((Class) => value instanceof Class)) return Object(value.valueOf());
  if (value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet) throw new DOMException(`${value} could not be cloned`, "DataCloneError");
  return {};
}

function cloneError(value) {
  const Class = ERRORS.get(value.name) ?? Error;
  const made = new Class(value.message);
  Object.defineProperty(made, "stack", { value: value.stack, writable: true, configurable: true });
  return made;
}

function fill(value, made, seen) {
  if (made instanceof Map) for (const [key, item] of value) made.set(clone(key, seen), clone(item, seen));
  else if (made instanceof Set) for (const item of value) made.add(clone(item, seen));
  else if (made instanceof Error) copyCause(value, made, seen);
  else if (Array.isArray(made) || Object.getPrototypeOf(made) === Object.prototype) copyFields(value, made, seen);
}

function copyCause(value, made, seen) {
  if (Object.hasOwn(value, "cause")) Object.defineProperty(made, "cause", { value: clone(value.cause, seen), writable: true, configurable: true });
}

function copyFields(value, made, seen) {
  for (const key of Object.keys(value)) {
    // Not an assignment: a field called `__proto__` is a field.
    Object.defineProperty(made, key, { value: clone(value[key], seen), writable: true, enumerable: true, configurable: true });
  }
}
