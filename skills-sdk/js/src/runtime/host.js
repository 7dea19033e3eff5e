// The host's interfaces, as the context of a call takes them: what crosses is checked here, since a wrong value would trap.

import { FilesError, askError, llmError, memoryError, processError } from "../errors.js";
import { filesystem } from "./files.js";
import { network } from "./http.js";

/**
 * The host of a component. `imports` has the WIT interfaces that the skill's world has: `log` always, and `memory`,
 * `llm`, `ask`, `process`, `httpTypes`, `httpHandler`, `preopens` as far as the manifest declares them. `skill` is its name.
 */
export function host(imports, skill) {
  const { log, memory, llm, ask, process, httpTypes, httpHandler, preopens } = imports;
  return {
    log: { write: (level, message) => log.write(level, message), progress: (done, total, message) => log.progress(done, total ?? null, message) },
    memory: memory && memoryOf(memory),
    llm: llm && llmOf(llm),
    ask: ask && { question: guarded(askError, (text, choices) => ask.question(text, choices)), isAvailable: () => ask.isAvailable() },
    process: process && { run: guarded(processError, (command, input) => process.run(optional(command, ["directory", "timeoutMs"]), input)) },
    http: httpTypes && httpHandler && network(httpTypes, httpHandler, skill),
    files: preopens && filesystem(preopens, skill),
  };
}

/** Turns what an import throws into an error of the SDK. The engine throws an Error that has the WIT error as payload. */
export function guarded(made, call) {
  return (...args) => {
    try {
      return call(...args);
    } catch (error) {
      const payload = error?.payload;
      if (payload === undefined) throw error;
      throw typeof payload === "object" && payload !== null ? made(payload.tag, payload.val) : made(payload);
    }
  };
}

/** An option that is not there crosses as null. */
function optional(record, fields) {
  return { ...record, ...Object.fromEntries(fields.map((field) => [field, record[field] ?? null])) };
}

function memoryOf(memory) {
  const guard = (call) => guarded(memoryError, call);
  return {
    get: guard((key) => memory.get(key) ?? undefined),
    set: guard((key, value) => memory.set(key, value)),
    delete: guard((key) => memory.delete(key)),
    search: guard((query, limit) => memory.search(query, limit)),
    list: guard((prefix, after, limit) => memory.listKeys(prefix, after ?? null, limit)),
  };
}

function llmOf(llm) {
  return {
    complete: guarded(llmError, (request) => llm.complete(optional(request, ["system", "maxTokens"]))),
    isAvailable: () => llm.isAvailable(),
  };
}
