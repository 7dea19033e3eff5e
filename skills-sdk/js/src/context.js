// What a tool is given beside its input: the log, and what the manifest declares, over the host or a fake of it.

import { AskError, FailedError, FilesError, HttpError, LlmError, MemoryError, ProcessError } from "./errors.js";

/** How many keys are asked for at a time. */
const PAGE = 128;
/** How many lines of a program's errors are told, and how many characters of each. */
const TOLD_LINES = 5;
const TOLD_CHARS = 300;
/** The largest `u32` that crosses into the host safely. */
const MOST = 2 ** 31 - 1;

/**
 * The context of a call. `host` has `log`, and `memory`, `llm`, `ask`, `http`, `process` and `files` as far as the
 * manifest declares them.
 */
export function context(host) {
  return Object.freeze({
    log: log(host.log),
    memory: memory(need(host, "memory", MemoryError, "memory", "[permission.memory]")),
    llm: llm(need(host, "llm", LlmError, "the language model", "[permission.llm]"), host),
    ask: ask(need(host, "ask", AskError, "questions", "[permission.ask]"), host),
    http: http(need(host, "http", HttpError, "requests to the network", "[[permission.network]]")),
    process: programs(need(host, "process", ProcessError, "programs", "[[permission.process]]")),
    files: files(need(host, "files", FilesError, "files", "[[permission.filesystem]]")),
  });
}

/** Gives a part of the host, or throws what to declare. */
function need(host, part, Class, what, entry) {
  return () => {
    if (host[part] !== undefined) return host[part];
    throw new Class("denied", `the skill's manifest does not declare ${what}: add \`${entry}\` to openclaw/skill.toml`);
  };
}

/** A text that can cross into the host, where a lone surrogate cannot be written. */
function text(value, what) {
  if (typeof value !== "string") throw new TypeError(`${what} is a text, not ${kindOf(value)}`);
  return value.toWellFormed();
}

function count(value, what) {
  if (!Number.isInteger(value) || value < 0) throw new TypeError(`${what} is a whole number from zero on, not ${kindOf(value)}`);
  return Math.min(value, MOST);
}

function bytes(value, what) {
  if (typeof value === "string") return new TextEncoder().encode(value);
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  throw new TypeError(`${what} is a text or bytes, not ${kindOf(value)}`);
}

const kindOf = (value) => (value === null ? "null" : typeof value === "number" ? String(value) : typeof value);

/** Options that are not known are an error, so that a misspelt one does not pass in silence. */
function options(given, known) {
  const unknown = Object.keys(given ?? {}).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new TypeError(`there is no option \`${unknown}\`: there is ${known.join(", ")}`);
  return given ?? {};
}

function log(host) {
  const write = (level) => (message) => host.write(level, String(message).toWellFormed());
  return Object.freeze({
    trace: write("trace"),
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    progress(done, total, message = "") {
      const all = total === undefined || total === null ? undefined : count(total, "`total`");
      host.progress(count(done, "`done`"), all, String(message).toWellFormed());
    },
  });
}

function memory(host) {
  const getBytes = (key) => host().get(text(key, "a key"));
  const get = (key) => {
    const value = getBytes(key);
    return value === undefined ? undefined : decode(value, () => json(key, "it is not text in UTF-8; use getBytes"));
  };
  const json = (key, reason) => new MemoryError("json", `the memory's value under \`${key}\`: ${reason}`);
  const set = (key, value) => host().set(text(key, "a key"), bytes(value, "a value"));
  return Object.freeze({
    get,
    getBytes,
    set,
    delete: (key) => host().delete(text(key, "a key")),
    getJson(key) {
      const value = get(key);
      try {
        return value === undefined ? undefined : JSON.parse(value);
      } catch (error) {
        throw json(key, error.message);
      }
    },
    setJson(key, value) {
      const written = JSON.stringify(value);
      if (written === undefined) throw json(key, `${kindOf(value)} cannot be written as JSON`);
      set(key, written);
    },
    search: (query, limit = 10) => host().search(text(query, "a query"), count(limit, "`limit`")),
    list(prefix = "") {
      const keys = [];
      for (let after; ; after = keys.at(-1)) {
        const page = host().list(text(prefix, "a prefix"), after, PAGE);
        // The host may answer with less than it was asked for, so only an empty page is the end.
        if (page.length === 0) return keys;
        for (const key of page) keys.push(key);
      }
    },
  });
}

function decode(value, error) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
  } catch {
    throw error();
  }
}

function llm(host, all) {
  return Object.freeze({
    async complete(request) {
      const { prompt, system, maxTokens } = typeof request === "string" ? { prompt: request } : options(request, ["prompt", "system", "maxTokens"]);
      return host().complete({
        prompt: text(prompt, "`prompt`"),
        system: system === undefined ? undefined : text(system, "`system`"),
        maxTokens: maxTokens === undefined ? undefined : count(maxTokens, "`maxTokens`"),
      });
    },
    isAvailable: () => all.llm !== undefined && all.llm.isAvailable(),
  });
}

function ask(host, all) {
  return Object.freeze({
    async question(question, choices = []) {
      if (!Array.isArray(choices)) throw new TypeError("`choices` is a list of texts");
      const offered = choices.map((choice) => text(choice, "a choice"));
      return host().question(text(question, "a question"), offered);
    },
    isAvailable: () => all.ask !== undefined && all.ask.isAvailable(),
  });
}

function http(host) {
  const request = async (what) => {
    const { method = "GET", url, headers = {}, body, timeoutMs } = options(what, ["method", "url", "headers", "body", "timeoutMs"]);
    const answer = await host().send({
      method: text(method, "`method`").toUpperCase(),
      url: String(url).toWellFormed(),
      headers: pairs(headers),
      body: body === undefined || body === null ? undefined : bytes(body, "`body`"),
      timeoutMs: timeoutMs === undefined ? undefined : count(timeoutMs, "`timeoutMs`"),
    });
    return response(answer);
  };
  return Object.freeze({
    request,
    get: (url, more) => request({ ...options(more, ["headers", "timeoutMs"]), method: "GET", url }),
    post: (url, body, more) => request({ ...options(more, ["headers", "timeoutMs"]), method: "POST", url, body }),
  });
}

function pairs(headers) {
  const entries = typeof headers?.entries === "function" ? [...headers.entries()] : Object.entries(headers);
  return entries.map(([name, value]) => [String(name).toLowerCase(), String(value)]);
}

/** An answer of a server, whatever its status. */
function response({ status, headers, body }) {
  const named = new Map();
  for (const [name, value] of headers) named.set(name, named.has(name) ? `${named.get(name)}, ${value}` : value);
  const asText = () => new TextDecoder().decode(body);
  return Object.freeze({
    status,
    ok: status >= 200 && status < 300,
    headers: Object.freeze(Object.fromEntries(named)),
    body,
    text: asText,
    json() {
      try {
        return JSON.parse(asText());
      } catch (error) {
        throw new HttpError("json", `the answer is not JSON: ${error.message}`);
      }
    },
  });
}

function programs(host) {
  return Object.freeze({
    async run(program, args = [], more) {
      const { env = {}, directory, timeoutMs, input = "" } = options(more, ["env", "directory", "timeoutMs", "input"]);
      if (!Array.isArray(args)) throw new TypeError("the arguments of a program are a list of texts: there is no shell");
      const ran = host().run(
        {
          program: text(program, "a program"),
          arguments: args.map((argument) => text(argument, "an argument")),
          environment: Object.entries(env).map(([name, value]) => [text(name, "a variable"), text(value, "a variable")]),
          directory: directory === undefined ? undefined : text(directory, "`directory`"),
          timeoutMs: timeoutMs === undefined ? undefined : count(timeoutMs, "`timeoutMs`"),
        },
        bytes(input, "`input`"),
      );
      return output(program, ran);
    },
  });
}

/** What a program left. */
function output(program, { exit, stdout, stderr, heldBack }) {
  const readable = (bytes) => new TextDecoder().decode(bytes);
  const success = exit.tag === "code" && exit.val === 0;
  const result = {
    exit,
    success,
    stdout,
    stderr,
    heldBack,
    stdoutText: () => readable(stdout),
    stderrText: () => readable(stderr),
    checked() {
      if (success) return result;
      const lines = readable(stderr).split(/\r?\n/).map((line) => line.trimEnd().slice(0, TOLD_CHARS)).filter(Boolean);
      const told = lines.slice(0, TOLD_LINES).join("\n");
      throw new FailedError(`\`${program}\` ${ended(exit)}${told && `: ${told}`}`);
    },
  };
  return Object.freeze(result);
}

const STOPPED = {
  deadline: "its time was over",
  output: "it wrote too much",
  memory: "it held too much memory",
  processes: "it had too many processes",
  disk: "it left too little room on the disk",
  killed: "the skill ended it",
  lost: "the host lost it",
};

function ended({ tag, val }) {
  if (tag === "code") return `ended with code ${val}`;
  if (tag === "signal") return `ended by signal ${val}`;
  return `was ended: ${STOPPED[val] ?? val}`;
}

function files(host) {
  const read = (path) => host().read(place(path));
  const stat = (path) => host().stat(place(path));
  const files = {
    read,
    readText: (path) => decode(read(path), () => new FilesError("illegal-byte-sequence", `${path} is not text in UTF-8; use read`)),
    write: (path, content) => host().write(place(path), bytes(content, "the content")),
    writeText: (path, content) => host().write(place(path), bytes(text(content, "the content"), "the content")),
    list: (path) => host().list(place(path)).sort((one, next) => (one.name < next.name ? -1 : one.name > next.name ? 1 : 0)),
    stat,
    exists(path) {
      try {
        stat(path);
        return true;
      } catch (error) {
        if (error instanceof FilesError && ["no-entry", "not-directory"].includes(error.code)) return false;
        throw error;
      }
    },
    remove(path, more) {
      const { recursive = false } = options(more, ["recursive"]);
      const at = place(path);
      if (host().stat(at, { follow: false }).type !== "directory") return host().removeFile(at);
      if (recursive) for (const { name } of host().list(at)) files.remove(`${at}/${name}`, { recursive });
      return host().removeDirectory(at);
    },
    makeDirectory(path, more) {
      const { recursive = false } = options(more, ["recursive"]);
      const at = place(path);
      if (!recursive) return host().makeDirectory(at);
      const parts = at.split("/");
      for (let length = 3; length <= parts.length; length++) makeMissing(host(), parts.slice(0, length).join("/"));
      return undefined;
    },
    rename: (from, to) => host().rename(place(from), place(to)),
  };
  return Object.freeze(files);
}

function makeMissing(host, path) {
  try {
    host.makeDirectory(path);
  } catch (error) {
    const isThere = error instanceof FilesError && error.code === "exist" && host.stat(path).type === "directory";
    if (!isThere) throw error;
  }
}

/** An absolute path without `.`, `..` and doubled slashes; what leads above the root is the root, as everywhere. */
function place(path) {
  const given = text(path, "a path");
  if (!given.startsWith("/")) throw new FilesError("invalid", `${given || "the empty path"} is not an absolute path: begin with /workspace/ or /data/`);
  const parts = [];
  for (const part of given.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}
