// A host for tests: memory, files and log in the process, and a network, a model, a person and programs that a test wrote.

import { AskError, FilesError, HttpError, LlmError, askError, llmError, memoryError, processError, toolError, DeniedError, FailedError, InvalidInputError, UnknownToolError } from "./errors.js";
import { context } from "./context.js";
import { callJson, isSkill, list } from "./skill.js";
import { plainFrames } from "./stack.js";

/** As the contract has it. */
const LONGEST_KEY = 512;
const LONGEST_QUERY = 1_024;
const MOST_WORDS = 16;
const LONGEST_WORD = 64;
const MOST_HITS = 100;
const LONGEST_SEARCHED = 64 << 10;
const LONGEST_SNIPPET = 512;
const MOST_QUESTIONS = 8;
/** What each entry of a memory counts beside its key and its value. */
const ENTRY = 32;

const KNOWN = ["memory", "quota", "denyMemory", "files", "http", "llm", "ask", "programs"];

/** The hosts behind contexts, for `call` to route `fetch` by. */
const hosts = new WeakMap();

/** A context for tests; see `FakeOptions` for what it can be given. */
export function fakeContext(given = {}) {
  const unknown = Object.keys(given).find((key) => !KNOWN.includes(key));
  if (unknown !== undefined) throw new TypeError(`a fake context has no \`${unknown}\`: it has ${KNOWN.join(", ")}`);
  const record = { log: [], progress: [], requests: [], commands: [], questions: [], prompts: [] };
  const tree = new Tree(given.files ?? {});
  const host = {
    log: {
      write: (level, message) => void record.log.push({ level, message }),
      progress: (done, total, message) => void record.progress.push({ done, total, message }),
    },
    memory: fakeMemory(given),
    llm: fakeLlm(given.llm, record),
    ask: fakeAsk(given.ask, record),
    http: fakeHttp(given.http, record),
    process: fakePrograms(given.programs ?? {}, record),
    files: tree,
  };
  const fake = { ...record, get files() { return tree.contents(); }, get memory() { return host.memory.contents(); } };
  const made = Object.freeze({ ...context(host), fake });
  hosts.set(made, host);
  return made;
}

/**
 * Calls a tool as the host does: with JSON, by its name in kebab-case, and with a global `fetch` over the context.
 * What the host would report is thrown: `InvalidInputError`, `DeniedError`, `FailedError` or `UnknownToolError`.
 */
export async function call(skill, name, input = {}, ctx = fakeContext()) {
  if (!isSkill(skill)) throw new TypeError("the first argument of `call` is what skill({ … }) made");
  const outer = globalThis.fetch;
  globalThis.fetch = fetchOver(ctx);
  try {
    return JSON.parse(await callJson(skill, name, JSON.stringify(input), ctx));
  } catch (error) {
    throw reported(error, name);
  } finally {
    globalThis.fetch = outer;
  }
}

/** The tools of a skill as they are packed: names, descriptions, JSON Schemas. */
export function tools(skill) {
  if (!isSkill(skill)) throw new TypeError("the first argument of `tools` is what skill({ … }) made");
  return list(skill);
}

function reported(thrown, name) {
  const { tag, val } = toolError(thrown, plainFrames);
  if (tag === "unknown-tool") return new UnknownToolError(name);
  const Class = { "invalid-input": InvalidInputError, denied: DeniedError, failed: FailedError }[tag] ?? FailedError;
  return new Class(val, { cause: thrown });
}

/** The global `fetch` of a component, over the context's scripted network. */
function fetchOver(ctx) {
  return async (resource, init) => {
    const request = new Request(resource, init);
    const body = request.body === null ? undefined : new Uint8Array(await request.arrayBuffer());
    const answer = await ctx.http.request({ method: request.method, url: request.url, headers: request.headers, body });
    const isEmpty = [101, 204, 205, 304].includes(answer.status);
    return new Response(isEmpty ? null : answer.body, { status: answer.status, headers: answer.headers });
  };
}

const encode = (content) => (typeof content === "string" ? new TextEncoder().encode(content) : new Uint8Array(content));

/** By bytes of UTF-8, as the host has it. */
const byBytes = (one, next) => Buffer.compare(Buffer.from(one), Buffer.from(next));

function fakeMemory({ memory = {}, quota, denyMemory }) {
  const values = new Map(Object.entries(memory).map(([key, value]) => [key, encode(value)]));
  const granted = () => {
    if (denyMemory !== undefined) throw memoryError("denied", denyMemory);
    return values;
  };
  const check = (key) => {
    const length = Buffer.byteLength(key);
    if (length === 0 || length > LONGEST_KEY) throw memoryError("invalid-key");
  };
  const size = (key, value) => Buffer.byteLength(key) + value.length + ENTRY;
  return {
    contents: () => new Map(values),
    get(key) {
      granted();
      check(key);
      return values.get(key)?.slice();
    },
    set(key, value) {
      granted();
      check(key);
      const others = [...values].filter(([other]) => other !== key);
      const wanted = others.reduce((sum, [other, kept]) => sum + size(other, kept), size(key, value));
      if (quota !== undefined && wanted > quota) throw memoryError("quota-exceeded", quota);
      values.set(key, value.slice());
    },
    delete(key) {
      granted();
      check(key);
      return values.delete(key);
    },
    list(prefix, after, limit) {
      const keys = [...granted().keys()].sort(byBytes);
      return keys.filter((key) => key.startsWith(prefix) && (after === undefined || byBytes(key, after) > 0)).slice(0, limit);
    },
    search(query, limit) {
      granted();
      return search(values, query, limit);
    },
  };
}

/** The host also passes over accents, and puts first where the words are densest. */
function search(values, query, limit) {
  const wanted = [...new Set(words(query))];
  const tooLong = Buffer.byteLength(query) > LONGEST_QUERY || wanted.some((word) => Buffer.byteLength(word) > LONGEST_WORD);
  if (tooLong || wanted.length > MOST_WORDS) throw memoryError("invalid-query");
  const hits = [];
  for (const key of [...values.keys()].sort(byBytes)) {
    const text = searched(values.get(key));
    const there = new Set(text === undefined ? [] : words(text));
    if (wanted.length > 0 && wanted.every((word) => there.has(word))) hits.push({ key, snippet: snippet(text) });
  }
  return hits.slice(0, Math.min(limit, MOST_HITS));
}

const words = (text) => text.toLowerCase().split(/[^\p{L}\p{N}]+/u).filter(Boolean);

/** Cut at a character, not within one. */
const snippet = (text) => new TextDecoder().decode(Buffer.from(text).subarray(0, LONGEST_SNIPPET), { stream: true });

function searched(value) {
  if (value.length > LONGEST_SEARCHED) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(value);
  } catch {
    return undefined;
  }
}

function fakeLlm(answer, record) {
  const tokens = (text) => Math.ceil(Buffer.byteLength(text) / 3);
  return {
    isAvailable: () => answer !== undefined,
    async complete(request) {
      if (answer === undefined) throw llmError("unavailable", "the test wrote no model");
      record.prompts.push(request);
      const text = await answered(() => answer(request), LlmError);
      return { text, inputTokens: tokens(request.prompt) + tokens(request.system ?? ""), outputTokens: tokens(text) };
    },
  };
}

/** What a test's script answers, which is a text. */
async function answered(script, Class) {
  const text = await script();
  if (typeof text !== "string") throw new Class("unavailable", "the test's script answered with no text");
  return text;
}

function fakeAsk(reply, record) {
  return {
    isAvailable: () => reply !== undefined && record.questions.length < MOST_QUESTIONS,
    async question(text, choices) {
      if (reply === undefined) throw askError("nobody");
      if (record.questions.length >= MOST_QUESTIONS) throw askError("too-many");
      record.questions.push({ text, choices });
      const answer = await answered(() => reply(text, choices), AskError);
      // As the host has it, nobody chooses what was not offered.
      if (choices.length > 0 && !choices.includes(answer)) throw askError("dismissed");
      return answer;
    },
  };
}

function fakeHttp(script, record) {
  return {
    async send(request) {
      record.requests.push(request);
      const answer = await (typeof script === "function" ? script(request) : script?.[`${request.method} ${request.url}`] ?? script?.[request.url]);
      if (answer === undefined) {
        const what = `${request.method} ${request.url}`;
        throw new HttpError("denied", `network:external denied (not-granted): ${what}; to grant it: openclaw grant allow acme/fake network ${what}`);
      }
      const { status = 200, headers = {}, body = "", json } = typeof answer === "string" ? { body: answer } : answer;
      const made = json === undefined ? { headers, body } : { headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(json) };
      return { status, headers: Object.entries(made.headers).map(([name, value]) => [name.toLowerCase(), String(value)]), body: encode(made.body) };
    },
  };
}

/** As the host denies what nobody granted; the fake knows no shapes. */
function fakePrograms(programs, record) {
  return {
    run(command, input) {
      record.commands.push({ ...command, line: [command.program, ...command.arguments].join(" "), input });
      const script = Object.hasOwn(programs, command.program) ? programs[command.program] : undefined;
      const { line } = record.commands.at(-1);
      if (script === undefined) {
        throw processError("denied", `process:execute denied (not-granted): ${line}; to grant it: openclaw grant allow acme/fake process ${line}`);
      }
      const answer = script(command.arguments, { ...command, line, input }) ?? {};
      const { code = 0, exit, stdout = "", stderr = "", heldBack = [] } = typeof answer === "string" ? { stdout: answer } : answer;
      return { exit: exit ?? { tag: "code", val: code }, stdout: encode(stdout), stderr: encode(stderr), heldBack };
    },
  };
}

/** Files below `/workspace` and `/data`, in the process. */
class Tree {
  #nodes = new Map([["/workspace", null], ["/data", null]]);

  constructor(files) {
    for (const [path, content] of Object.entries(files)) {
      const parts = path.split("/");
      for (let length = 2; length < parts.length; length++) this.#nodes.set(parts.slice(0, length).join("/"), null);
      this.#nodes.set(path, encode(content));
    }
  }

  contents() {
    return new Map([...this.#nodes].filter(([, content]) => content !== null));
  }

  #get(path) {
    if (!/^\/(workspace|data)(\/|$)/.test(path)) throw fail("no-entry", path);
    const node = this.#nodes.get(path);
    if (node === undefined) throw fail("no-entry", path);
    return node;
  }

  #file(path) {
    const node = this.#get(path);
    if (node === null) throw fail("is-directory", path);
    return node;
  }

  #parent(path) {
    const parent = path.slice(0, path.lastIndexOf("/"));
    if (this.#get(parent) !== null) throw fail("not-directory", parent);
  }

  #children(path) {
    return [...this.#nodes.keys()].filter((other) => other.startsWith(`${path}/`) && !other.slice(path.length + 1).includes("/"));
  }

  read(path) {
    return this.#file(path).slice();
  }

  write(path, content) {
    this.#parent(path);
    if (this.#nodes.get(path) === null) throw fail("is-directory", path);
    this.#nodes.set(path, content.slice());
  }

  list(path) {
    if (this.#get(path) !== null) throw fail("not-directory", path);
    return this.#children(path).map((child) => ({ name: child.slice(path.length + 1), type: this.#nodes.get(child) === null ? "directory" : "file" }));
  }

  stat(path) {
    const node = this.#get(path);
    return { type: node === null ? "directory" : "file", size: node?.length ?? 0, modified: undefined };
  }

  removeFile(path) {
    this.#file(path);
    this.#nodes.delete(path);
  }

  removeDirectory(path) {
    if (this.#get(path) !== null) throw fail("not-directory", path);
    if (this.#children(path).length > 0) throw fail("not-empty", path);
    if (["/workspace", "/data"].includes(path)) throw fail("busy", path);
    this.#nodes.delete(path);
  }

  makeDirectory(path) {
    this.#parent(path);
    if (this.#nodes.has(path)) throw fail("exist", path);
    this.#nodes.set(path, null);
  }

  rename(from, to) {
    this.#get(from);
    this.#parent(to);
    for (const [path, node] of [...this.#nodes]) {
      if (path !== from && !path.startsWith(`${from}/`)) continue;
      this.#nodes.delete(path);
      this.#nodes.set(to + path.slice(from.length), node);
    }
  }
}

const fail = (code, path) => new FilesError(code, `${path}: ${code}`);
