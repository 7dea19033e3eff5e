// The globals of a skill. In tsconfig.json: "types": ["@openclaw/skill/globals"], and no "DOM" in "lib".

export {};

declare global {
  /** Writes to the skill's log; `log` is its level `info`. */
  interface Console {
    log(...values: unknown[]): void;
    info(...values: unknown[]): void;
    debug(...values: unknown[]): void;
    warn(...values: unknown[]): void;
    error(...values: unknown[]): void;
    trace(...values: unknown[]): void;
    dir(value: unknown): void;
    table(value: unknown): void;
    assert(condition: unknown, ...values: unknown[]): void;
    count(label?: string): void;
    countReset(label?: string): void;
    group(...values: unknown[]): void;
    groupEnd(): void;
  }
  var console: Console;

  function setTimeout(callback: (...args: any[]) => void, ms?: number, ...args: unknown[]): number;
  function setInterval(callback: (...args: any[]) => void, ms?: number, ...args: unknown[]): number;
  function clearTimeout(id: number | undefined): void;
  function clearInterval(id: number | undefined): void;
  function queueMicrotask(callback: () => void): void;
  function structuredClone<T>(value: T): T;
  function atob(text: string): string;
  function btoa(binary: string): string;

  interface Performance {
    now(): number;
    readonly timeOrigin: number;
  }
  var performance: Performance;

  interface Crypto {
    getRandomValues<T extends ArrayBufferView>(array: T): T;
    randomUUID(): `${string}-${string}-${string}-${string}-${string}`;
    readonly subtle: { digest(algorithm: string | { name: string }, data: ArrayBuffer | ArrayBufferView): Promise<ArrayBuffer> };
  }
  var crypto: Crypto;

  class TextEncoder {
    readonly encoding: "utf-8";
    encode(text?: string): Uint8Array<ArrayBuffer>;
    encodeInto(text: string, target: Uint8Array): { read: number; written: number };
  }

  /** UTF-8 only. */
  class TextDecoder {
    constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
    readonly encoding: "utf-8";
    readonly fatal: boolean;
    readonly ignoreBOM: boolean;
    decode(input?: ArrayBuffer | ArrayBufferView, options?: { stream?: boolean }): string;
  }

  /** Hosts in ASCII or punycode; what is not, is an error. */
  class URL {
    constructor(url: string | URL, base?: string | URL);
    static canParse(url: string | URL, base?: string | URL): boolean;
    static parse(url: string | URL, base?: string | URL): URL | null;
    hash: string;
    host: string;
    hostname: string;
    href: string;
    readonly origin: string;
    password: string;
    pathname: string;
    port: string;
    protocol: string;
    search: string;
    readonly searchParams: URLSearchParams;
    username: string;
    toString(): string;
    toJSON(): string;
  }

  class URLSearchParams implements Iterable<[string, string]> {
    constructor(init?: string | Record<string, string> | Iterable<[string, string]>);
    readonly size: number;
    append(name: string, value: string): void;
    delete(name: string, value?: string): void;
    get(name: string): string | null;
    getAll(name: string): string[];
    has(name: string, value?: string): boolean;
    set(name: string, value: string): void;
    sort(): void;
    forEach(callback: (value: string, name: string, parent: URLSearchParams) => void): void;
    entries(): IterableIterator<[string, string]>;
    keys(): IterableIterator<string>;
    values(): IterableIterator<string>;
    [Symbol.iterator](): IterableIterator<[string, string]>;
    toString(): string;
  }

  class DOMException extends Error {
    constructor(message?: string, name?: string);
    readonly code: number;
  }

  class AbortSignal {
    readonly aborted: boolean;
    readonly reason: any;
    onabort: ((event: { type: string }) => void) | null;
    addEventListener(type: "abort", listener: (event: { type: string }) => void): void;
    removeEventListener(type: "abort", listener: (event: { type: string }) => void): void;
    throwIfAborted(): void;
    static abort(reason?: any): AbortSignal;
    static timeout(ms: number): AbortSignal;
  }

  class AbortController {
    readonly signal: AbortSignal;
    abort(reason?: any): void;
  }

  type HeadersInit = Headers | Record<string, string> | Iterable<readonly [string, string]>;
  type BodyInit = string | ArrayBuffer | ArrayBufferView | URLSearchParams;

  class Headers implements Iterable<[string, string]> {
    constructor(init?: HeadersInit);
    append(name: string, value: string): void;
    delete(name: string): void;
    get(name: string): string | null;
    has(name: string): boolean;
    set(name: string, value: string): void;
    forEach(callback: (value: string, name: string, parent: Headers) => void): void;
    entries(): IterableIterator<[string, string]>;
    keys(): IterableIterator<string>;
    values(): IterableIterator<string>;
    [Symbol.iterator](): IterableIterator<[string, string]>;
  }

  interface Body {
    readonly bodyUsed: boolean;
    arrayBuffer(): Promise<ArrayBuffer>;
    bytes(): Promise<Uint8Array<ArrayBuffer>>;
    json(): Promise<any>;
    text(): Promise<string>;
  }

  interface RequestInit {
    method?: string;
    headers?: HeadersInit;
    body?: BodyInit | null;
    redirect?: "follow" | "manual" | "error";
    signal?: AbortSignal | null;
  }

  interface Request extends Body {}
  class Request {
    constructor(resource: string | URL | Request, init?: RequestInit);
    readonly method: string;
    readonly url: string;
    readonly headers: Headers;
    readonly redirect: "follow" | "manual" | "error";
    readonly signal: AbortSignal | null;
    clone(): Request;
  }

  interface Response extends Body {}
  class Response {
    constructor(body?: BodyInit | null, init?: { status?: number; statusText?: string; headers?: HeadersInit });
    readonly status: number;
    readonly statusText: string;
    readonly ok: boolean;
    readonly headers: Headers;
    readonly url: string;
    readonly redirected: boolean;
    clone(): Response;
    static json(value: unknown, init?: { status?: number; statusText?: string; headers?: HeadersInit }): Response;
  }

  /** Rejects with an `HttpError`; its code is `denied` where the owner has not granted it. Follows up to 20 redirects. */
  function fetch(resource: string | URL | Request, init?: RequestInit): Promise<Response>;
}
