// Requests to the network, over `wasi:http`: the host checks each one against the owner's grant.

import { HttpError } from "../errors.js";
import { joined } from "./files.js";
import { ready } from "./loop.js";

/** How much is written or read at a time, in bytes; a stream takes no more at once. */
const WRITE = 4_096;
const READ = 1 << 16;
/** Nanoseconds of a millisecond. */
const MS = 1_000_000;

const METHODS = new Set(["get", "head", "post", "put", "delete", "connect", "options", "trace", "patch"]);

/** What the owner has not allowed is one thing, whatever the protocol calls it. */
const DENIALS = new Set(["HTTP-request-denied", "destination-IP-prohibited"]);

export function network(types, handler, skill) {
  return {
    async send(request) {
      const url = parse(request.url);
      const error = (code, detail) => failure(request, url, skill, code, detail);
      try {
        return await exchange(types, handler, request, url);
      } catch (thrown) {
        const payload = thrown?.payload ?? thrown?.failed;
        if (payload === undefined) throw thrown;
        throw typeof payload === "object" && payload !== null ? error(payload.tag, payload.val) : error(String(payload ?? "refused"));
      }
    },
  };
}

function parse(text) {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw new HttpError("HTTP-request-URI-invalid", `${JSON.stringify(text.slice(0, 200))} is not a URL`);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new HttpError("HTTP-request-URI-invalid", `${url.protocol.slice(0, -1)} is not supported, only http and https`);
  }
  if (url.username !== "" || url.password !== "") throw new HttpError("HTTP-request-URI-invalid", "a URL must not hold a user name or a password");
  return url;
}

/** Hosts that are inside by their very name; what a name leads to is the host's to find out. */
const INTERNAL = /^(localhost|.*\.localhost|127\..*|10\..*|192\.168\..*|172\.(1[6-9]|2\d|3[01])\..*|169\.254\..*|\[.*\])$/;

function failure(request, url, skill, code, detail) {
  const what = `${request.method} ${url.origin}${url.pathname}`;
  if (DENIALS.has(code)) {
    const kind = INTERNAL.test(url.hostname) ? "network:internal" : "network";
    return new HttpError(
      "denied",
      `network denied: ${what}; where \`[[permission.network]]\` of openclaw/skill.toml declares it, to grant it: openclaw grant allow ${skill} ${kind} ${what}`,
    );
  }
  const more = typeof detail === "string" ? detail : detail === null || detail === undefined ? "" : JSON.stringify(detail);
  return new HttpError(code, `${what}: ${code}${more && `: ${more}`}`);
}

/** An error that came as a value, made like one that was thrown. */
const failed = (payload) => Object.assign(new Error("the request failed"), { failed: payload });

async function exchange(types, handler, request, url) {
  const future = begin(types, handler, request, url);
  await ready(future.subscribe());
  const outcome = future.get();
  dispose(future);
  // The outer result says whether somebody had asked already; nobody else does.
  if (outcome?.tag !== "ok" || outcome.val?.tag !== "ok") throw failed(outcome?.val?.val ?? "connection-terminated");
  const response = outcome.val.val;
  try {
    return await read(types, response);
  } finally {
    dispose(response);
  }
}

function begin(types, handler, { method, headers, body, timeoutMs }, url) {
  const encoder = new TextEncoder();
  const fields = types.Fields.fromList(headers.map(([name, value]) => [name, encoder.encode(value)]));
  const request = new types.OutgoingRequest(fields);
  const lower = method.toLowerCase();
  request.setMethod(METHODS.has(lower) ? { tag: lower } : { tag: "other", val: method });
  request.setScheme({ tag: url.protocol === "https:" ? "HTTPS" : "HTTP" });
  request.setAuthority(url.host);
  request.setPathWithQuery(url.pathname + url.search);
  // A body that nobody asks for is empty; one that is written to after the answer came would fail.
  const outgoing = body === undefined || body.length === 0 ? undefined : request.body();
  const future = handler.handle(request, timeoutMs === undefined ? null : timeouts(types, timeoutMs));
  if (outgoing !== undefined) write(types, outgoing, body);
  return future;
}

function timeouts(types, ms) {
  const options = new types.RequestOptions();
  options.setConnectTimeout(ms * MS);
  options.setFirstByteTimeout(ms * MS);
  options.setBetweenBytesTimeout(ms * MS);
  return options;
}

function write(types, outgoing, body) {
  const stream = outgoing.write();
  try {
    for (let at = 0; at < body.length; at += WRITE) stream.blockingWriteAndFlush(body.slice(at, at + WRITE));
  } catch {
    // The server closed early. What it answered says more than this.
    dispose(stream);
    return;
  }
  dispose(stream);
  types.OutgoingBody.finish(outgoing, null);
}

async function read(types, response) {
  const decoder = new TextDecoder();
  const fields = response.headers();
  const headers = fields.entries().map(([name, value]) => [name.toLowerCase(), decoder.decode(value)]);
  dispose(fields);
  const body = response.consume();
  const stream = body.stream();
  const parts = [];
  let length = 0;
  for (;;) {
    await ready(stream.subscribe());
    const part = next(types, stream);
    if (part === undefined) break;
    parts.push(part);
    length += part.length;
  }
  dispose(stream);
  dispose(body);
  return { status: response.status(), headers, body: joined(parts, length) };
}

/** What a stream has now; undefined at its end. */
function next(types, stream) {
  try {
    return stream.read(READ);
  } catch (error) {
    const payload = error?.payload;
    if ((payload?.tag ?? payload) === "closed") return undefined;
    if (payload?.tag === "last-operation-failed") throw failed(types.httpErrorCode(payload.val) ?? { tag: "HTTP-response-incomplete" });
    throw error;
  }
}

function dispose(resource) {
  resource[Symbol.dispose]();
}
