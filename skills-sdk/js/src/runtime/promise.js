// Promises whose jobs this SDK runs itself: within a synchronous call the engine never runs its own.
//
// The build lowers `async` functions to generators that use the global `Promise`, which is this one.

/** Jobs that are due, oldest first; a cursor, since `shift` would copy the rest each time. */
let jobs = [];
let next = 0;

/** Promises that were rejected and that nobody has handled yet. */
const unhandled = new Set();

/** Puts a job at the end of the queue. */
export function enqueue(job) {
  jobs.push(job);
}

/** Runs jobs until there are none; what one throws goes to `report`. */
export function runJobs(report) {
  if (jobs.length === 0) return;
  while (next < jobs.length) {
    const job = jobs[next];
    jobs[next++] = undefined;
    if (next === 1_024) {
      jobs = jobs.slice(next);
      next = 0;
    }
    try {
      job();
    } catch (error) {
      report(error);
    }
  }
  jobs = [];
  next = 0;
}

/** The reason of the oldest rejection that nobody handled, as `{ reason }`. */
export function takeUnhandled() {
  for (const promise of unhandled) {
    unhandled.clear();
    return { reason: ownOf(promise).value };
  }
  return undefined;
}

/** A promise's `status`, which is `pending`, `fulfilled` or `rejected`, and `value`, as they change; undefined for what is none. */
export const look = (value) => (Object(value) === value ? ownOf(value) : undefined);

/** What a promise is and who waits for it; undefined for what is no promise. */
let ownOf;

class OwnPromise {
  /** Out of the reach of whoever holds the promise. */
  #own = { status: "pending", value: undefined, reactions: [], handled: false };

  static {
    ownOf = (value) => (#own in value ? value.#own : undefined);
  }

  constructor(executor) {
    if (typeof executor !== "function") throw new TypeError("a Promise needs a function");
    const { resolve, reject } = resolvers(this);
    try {
      executor(resolve, reject);
    } catch (error) {
      reject(error);
    }
  }

  then(onFulfilled, onRejected) {
    const own = Object(this) === this ? ownOf(this) : undefined;
    if (own === undefined) throw new TypeError("`then` was called on something that is no Promise");
    const Class = speciesOf(this);
    let capability;
    const derived = new Class((resolve, reject) => {
      capability = { resolve, reject };
    });
    const reaction = { onFulfilled, onRejected, resolve: capability.resolve, reject: capability.reject };
    own.handled = true;
    unhandled.delete(this);
    if (own.status === "pending") own.reactions.push(reaction);
    else enqueue(() => react(reaction, own));
    return derived;
  }

  catch(onRejected) {
    return this.then(undefined, onRejected);
  }

  finally(onFinally) {
    if (typeof onFinally !== "function") return this.then(onFinally, onFinally);
    const Class = speciesOf(this);
    return this.then(
      (value) => Class.resolve(onFinally()).then(() => value),
      (reason) =>
        Class.resolve(onFinally()).then(() => {
          throw reason;
        }),
    );
  }

  get [Symbol.toStringTag]() {
    return "Promise";
  }

  static get [Symbol.species]() {
    return this;
  }

  static resolve(value) {
    if (Object(value) === value && ownOf(value) !== undefined && value.constructor === this) return value;
    return new this((resolve) => resolve(value));
  }

  static reject(reason) {
    return new this((_, reject) => reject(reason));
  }

  static withResolvers() {
    let resolve, reject;
    const promise = new this((a, b) => {
      resolve = a;
      reject = b;
    });
    return { promise, resolve, reject };
  }

  static try(run, ...args) {
    return new this((resolve) => resolve(run(...args)));
  }

  static all(items) {
    return gather(this, items, (values, index, done) => [(value) => done((values[index] = value)), undefined], (values, { resolve }) => resolve(values));
  }

  static allSettled(items) {
    const keep = (values, index, done) => [
      (value) => done((values[index] = { status: "fulfilled", value })),
      (reason) => done((values[index] = { status: "rejected", reason })),
    ];
    return gather(this, items, keep, (values, { resolve }) => resolve(values));
  }

  static any(items) {
    const keep = (errors, index, done) => [undefined, (reason) => done((errors[index] = reason))];
    return gather(this, items, keep, (errors, { reject }) => reject(new AggregateError(errors, "all promises were rejected")));
  }

  static race(items) {
    return new this((resolve, reject) => {
      for (const item of items) this.resolve(item).then(resolve, reject);
    });
  }
}

function speciesOf(promise) {
  const Class = promise.constructor;
  if (Class === undefined) return OwnPromise;
  return Class[Symbol.species] ?? OwnPromise;
}

/** Waits for items; `keep` says what to do with the two ways in which one can end, `finish` what when all have. */
function gather(Class, items, keep, finish) {
  return new Class((resolve, reject) => {
    const values = [];
    let open = 1;
    const done = () => --open === 0 && finish(values, { resolve, reject });
    let index = 0;
    for (const item of items) {
      open++;
      values.push(undefined);
      const [fulfilled, rejected] = keep(values, index++, done);
      Class.resolve(item).then(fulfilled ?? resolve, rejected ?? reject);
    }
    done();
  });
}

/** The two functions that settle a promise, of which the first call counts. */
function resolvers(promise) {
  let called = false;
  const once = (settle) => (value) => {
    if (called) return;
    called = true;
    settle(value);
  };
  return {
    resolve: once((value) => adopt(promise, value)),
    reject: once((reason) => settle(promise, "rejected", reason)),
  };
}

function adopt(promise, value) {
  if (value === promise) return settle(promise, "rejected", new TypeError("a promise cannot wait for itself"));
  if ((typeof value !== "object" || value === null) && typeof value !== "function") return settle(promise, "fulfilled", value);
  let then;
  try {
    then = value.then;
  } catch (error) {
    return settle(promise, "rejected", error);
  }
  if (typeof then !== "function") return settle(promise, "fulfilled", value);
  return enqueue(() => {
    const { resolve, reject } = resolvers(promise);
    try {
      then.call(value, resolve, reject);
    } catch (error) {
      reject(error);
    }
  });
}

function settle(promise, status, value) {
  const own = ownOf(promise);
  const { reactions } = own;
  own.status = status;
  own.value = value;
  own.reactions = [];
  if (status === "rejected" && !own.handled) unhandled.add(promise);
  for (const reaction of reactions) enqueue(() => react(reaction, own));
}

function react({ onFulfilled, onRejected, resolve, reject }, { status, value }) {
  const handler = status === "fulfilled" ? onFulfilled : onRejected;
  if (typeof handler !== "function") return status === "fulfilled" ? resolve(value) : reject(value);
  let result;
  try {
    result = handler(value);
  } catch (error) {
    return reject(error);
  }
  return resolve(result);
}

Object.defineProperty(OwnPromise, "name", { value: "Promise" });

export { OwnPromise as Promise };
