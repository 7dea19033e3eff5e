// `fetch`, `Headers`, `Request` and `Response` as far as skills need them: bodies are whole, and nothing is cached.

/** As the standard has it. */
const MOST_REDIRECTS = 20;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

export class Headers {
  #fields = new Map();

  constructor(init = {}) {
    const entries = typeof init?.[Symbol.iterator] === "function" ? [...init] : Object.entries(init ?? {});
    for (const [name, value] of entries) this.append(name, value);
  }

  append(name, value) {
    const [key, text] = [checkedName(name), checkedValue(value)];
    this.#fields.set(key, this.#fields.has(key) ? `${this.#fields.get(key)}, ${text}` : text);
  }

  set(name, value) {
    this.#fields.set(checkedName(name), checkedValue(value));
  }

  get(name) {
    return this.#fields.get(checkedName(name)) ?? null;
  }

  has(name) {
    return this.#fields.has(checkedName(name));
  }

  delete(name) {
    this.#fields.delete(checkedName(name));
  }

  forEach(callback, self) {
    for (const [name, value] of this) callback.call(self, value, name, this);
  }

  *entries() {
    yield* [...this.#fields].sort(([one], [next]) => (one < next ? -1 : 1));
  }

  *keys() {
    for (const [name] of this) yield name;
  }

  *values() {
    for (const [, value] of this) yield value;
  }

  [Symbol.iterator]() {
    return this.entries();
  }
}

function checkedName(name) {
  const text = String(name);
  if (!TOKEN.test(text)) throw new TypeError(`${JSON.stringify(text)} is not the name of a header`);
  return text.toLowerCase();
}

function checkedValue(value) {
  const text = String(value).trim();
  if (/[\0\r\n]/.test(text)) throw new TypeError("the value of a header has no line breaks");
  return text;
}

/** The bytes of a body, and the type that goes with it. */
function extract(body) {
  if (body === undefined || body === null) return { bytes: undefined };
  if (typeof body === "string") return { bytes: new TextEncoder().encode(body), type: "text/plain;charset=UTF-8" };
  if (body instanceof URLSearchParams) return { bytes: new TextEncoder().encode(String(body)), type: "application/x-www-form-urlencoded;charset=UTF-8" };
  if (body instanceof ArrayBuffer) return { bytes: new Uint8Array(body.slice(0)) };
  if (ArrayBuffer.isView(body)) return { bytes: new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice() };
  throw new TypeError("the body of a request is a text, URLSearchParams or bytes");
}

/** What requests and responses have in common. */
class Message {
  #bytes;
  #used = false;
  headers;

  constructor(body, headers) {
    const { bytes, type } = extract(body);
    this.#bytes = bytes;
    this.headers = new Headers(headers);
    if (type !== undefined && !this.headers.has("content-type")) this.headers.set("content-type", type);
  }

  get bodyUsed() {
    return this.#used;
  }

  /** The bytes, without using them up; for this module. */
  static peek(message) {
    return message.#bytes;
  }

  async bytes() {
    if (this.#used) throw new TypeError("the body was read already; use clone() to read it twice");
    this.#used = this.#bytes !== undefined;
    return this.#bytes ?? new Uint8Array(0);
  }

  async arrayBuffer() {
    return (await this.bytes()).slice().buffer;
  }

  async text() {
    return new TextDecoder().decode(await this.bytes());
  }

  async json() {
    return JSON.parse(await this.text());
  }
}

export class Request extends Message {
  constructor(resource, init = {}) {
    const from = resource instanceof Request ? resource : undefined;
    const method = String(init.method ?? from?.method ?? "GET").toUpperCase();
    const body = init.body ?? (from && Message.peek(from));
    if (body !== undefined && body !== null && ["GET", "HEAD"].includes(method)) throw new TypeError(`a ${method} request has no body`);
    super(body, init.headers ?? from?.headers);
    this.method = method;
    this.url = from?.url ?? new URL(String(resource)).href;
    this.redirect = init.redirect ?? from?.redirect ?? "follow";
    this.signal = init.signal ?? from?.signal ?? null;
  }

  clone() {
    return new Request(this);
  }
}

export class Response extends Message {
  constructor(body, { status = 200, statusText = "", headers } = {}) {
    if (!Number.isInteger(status) || status < 200 || status > 599) throw new RangeError(`${status} is not the status of a response`);
    super(body, headers);
    Object.assign(this, { status, statusText, url: "", redirected: false, type: "default" });
  }

  get ok() {
    return this.status >= 200 && this.status < 300;
  }

  clone() {
    return Object.assign(new Response(Message.peek(this), this), { url: this.url, redirected: this.redirected });
  }

  static json(value, init = {}) {
    const headers = new Headers(init.headers);
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
    return new Response(JSON.stringify(value), { ...init, headers });
  }
}

/** `fetch` over a function that gives the context's `http` of the call. */
export function fetchOver(http) {
  return async function fetch(resource, init) {
    let request = new Request(resource, init);
    for (let hops = 0; ; hops++) {
      request.signal?.throwIfAborted();
      const answer = await withSignal(http().request(sent(request)), request.signal);
      const next = REDIRECTS.has(answer.status) && request.redirect !== "manual" ? answer.headers.location : undefined;
      if (next === undefined) return received(answer, request, hops);
      if (request.redirect === "error") throw new TypeError(`${request.url} redirects to ${next}`);
      if (hops === MOST_REDIRECTS) throw new TypeError(`more than ${MOST_REDIRECTS} redirects; the last led to ${next}`);
      request = redirected(request, answer.status, new URL(next, request.url));
    }
  };
}

const sent = (request) => ({ method: request.method, url: request.url, headers: request.headers, body: Message.peek(request) });

function received(answer, request, hops) {
  const isEmpty = [204, 205, 304].includes(answer.status);
  const response = new Response(isEmpty ? undefined : answer.body, { status: answer.status, headers: answer.headers });
  return Object.assign(response, { url: request.url, redirected: hops > 0, type: "basic" });
}

/** The request that a redirect asks for: what is secret of one server is not told to another. */
function redirected(request, status, url) {
  const isRead = status === 303 || ((status === 301 || status === 302) && request.method === "POST");
  const method = isRead && request.method !== "HEAD" ? "GET" : request.method;
  const headers = new Headers(request.headers);
  if (url.origin !== new URL(request.url).origin) for (const name of ["authorization", "cookie"]) headers.delete(name);
  if (isRead) headers.delete("content-type");
  return new Request(url.href, { method, headers, body: isRead ? undefined : Message.peek(request), redirect: request.redirect, signal: request.signal });
}

function withSignal(answer, signal) {
  if (signal === null) return answer;
  return Promise.race([answer, new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))]);
}
