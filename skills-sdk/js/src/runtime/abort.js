// `AbortController` and `AbortSignal`, by which a request is given up.

export class AbortSignal {
  #listeners = new Set();
  aborted = false;
  reason = undefined;
  onabort = null;

  addEventListener(type, listener) {
    if (type === "abort") this.#listeners.add(listener);
  }

  removeEventListener(type, listener) {
    if (type === "abort") this.#listeners.delete(listener);
  }

  throwIfAborted() {
    if (this.aborted) throw this.reason;
  }

  /** For the controller. */
  static give(signal, reason = new DOMException("it was given up", "AbortError")) {
    if (signal.aborted) return;
    Object.assign(signal, { aborted: true, reason });
    const event = { type: "abort", target: signal };
    signal.onabort?.(event);
    for (const listener of signal.#listeners) listener(event);
  }

  static abort(reason) {
    const signal = new AbortSignal();
    AbortSignal.give(signal, reason);
    return signal;
  }

  static timeout(ms) {
    const signal = new AbortSignal();
    setTimeout(() => AbortSignal.give(signal, new DOMException(`it took more than ${ms} ms`, "TimeoutError")), ms);
    return signal;
  }
}

export class AbortController {
  signal = new AbortSignal();

  abort(reason) {
    AbortSignal.give(this.signal, reason);
  }
}
