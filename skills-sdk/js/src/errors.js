// What can go wrong in a skill: errors with a `code` that is the host's own word for it.

/** An error of a tool, in words for its caller. */
export class SkillError extends Error {
  constructor(code, message, options) {
    super(message, options);
    this.code = code;
  }
  get name() {
    return this.constructor.name;
  }
}

export class InvalidInputError extends SkillError {
  constructor(message, options) {
    super("invalid-input", message, options);
  }
}

export class DeniedError extends SkillError {
  constructor(message, options) {
    super("denied", message, options);
  }
}

export class FailedError extends SkillError {
  constructor(message, options) {
    super("failed", message, options);
  }
}

export class UnknownToolError extends SkillError {
  constructor(tool) {
    super("unknown-tool", `there is no tool \`${tool}\``);
  }
}

/** What the host refused or could not do; each capability has a class of its own. */
export class HostError extends Error {
  constructor(code, message, options) {
    super(message, options);
    this.code = code;
  }
  get name() {
    return this.constructor.name;
  }
}

export class MemoryError extends HostError {}
export class LlmError extends HostError {}
export class AskError extends HostError {}
export class HttpError extends HostError {}
export class ProcessError extends HostError {}
export class FilesError extends HostError {}

const MEMORY = {
  "quota-exceeded": (quota) => `the skill's memory would grow past its quota of ${quota} bytes`,
  "invalid-key": () => "a key of the skill's memory has 1 to 512 bytes",
  "invalid-query": () => "a query of the skill's memory has at most 16 different words",
  unavailable: (text) => `the skill's memory is not available: ${text}`,
};

const LLM = {
  "quota-exceeded": (left) => `the question takes more than the ${left} tokens that the call has left`,
  unavailable: (text) => `the language model is not available: ${text}`,
};

const ASK = {
  nobody: () => "nobody can be asked",
  dismissed: () => "the question was not answered",
  "too-many": () => "the call has asked as often as it may",
  unavailable: (text) => `the question cannot be put: ${text}`,
};

const PROCESS = {
  "too-many": () => "the call has started as many programs as it may",
  unavailable: (text) => `the program cannot be run: ${text}`,
};

/** Makes the error class of a capability out of the host's variant: a tag, and perhaps a payload. */
function maker(Class, texts) {
  const known = new Map(Object.entries({ denied: (text) => text, ...texts }));
  return (tag, payload) => new Class(tag, (known.get(tag) ?? (() => tag))(payload));
}

export const memoryError = maker(MemoryError, MEMORY);
export const llmError = maker(LlmError, LLM);
export const askError = maker(AskError, ASK);
export const processError = maker(ProcessError, PROCESS);

/** The most of a message that is passed on, in UTF-16 units; a longer one is cut and says so. */
const LONGEST_MESSAGE = 8_192;
/** The most frames of a stack that are passed on. */
const MOST_FRAMES = 10;
/** The most causes that are told. */
const MOST_CAUSES = 8;

/**
 * The tool error of whatever was thrown: `{ tag, val }` as the contract has it.
 *
 * `ownFrames` gives the frames of the skill's own code in a stack, as lines.
 */
export function toolError(thrown, ownFrames) {
  try {
    return describe(thrown, ownFrames);
  } catch {
    // A getter or `toString` of the author's threw as well.
    return { tag: "failed", val: "the tool threw something that cannot be described" };
  }
}

function describe(thrown, ownFrames) {
  if (thrown instanceof SkillError) {
    if (thrown.code === "unknown-tool") return { tag: "unknown-tool" };
    return { tag: thrown.code, val: cut(withCauses(thrown, thrown.message)) };
  }
  if (!(thrown instanceof Error)) return { tag: "failed", val: cut(`the tool threw ${shown(thrown)}`) };
  const denial = causes(thrown).find((error) => isHost(error) && error.code === "denied");
  if (denial) return { tag: "denied", val: cut(withCauses(thrown, thrown.message)) };
  if (isHost(thrown)) return { tag: "failed", val: cut(withCauses(thrown, thrown.message)) };
  const name = thrown.name === "Error" ? "" : `${thrown.name}: `;
  const frames = ownFrames(String(thrown.stack ?? "")).slice(0, MOST_FRAMES);
  const message = cut(withCauses(thrown, name + thrown.message) || "the tool threw an error without a message");
  return { tag: "failed", val: [message, ...frames.map((frame) => cut(`    at ${frame}`))].join("\n") };
}

const isHost = (error) => error instanceof HostError || (error instanceof SkillError && error.code === "denied");

function causes(error) {
  const all = [];
  for (let at = error; at instanceof Error && all.length < MOST_CAUSES; at = at.cause) all.push(at);
  return all;
}

/** Many errors already quote their cause, so a cause that was told is not told again. */
function withCauses(error, message) {
  for (const cause of causes(error).slice(1)) {
    if (!message.includes(cause.message)) message += `: ${cause.message}`;
  }
  return message;
}

function cut(text) {
  const whole = String(text).toWellFormed();
  return whole.length > LONGEST_MESSAGE ? `${whole.slice(0, LONGEST_MESSAGE).toWellFormed()}… (cut)` : whole;
}

function shown(value) {
  if (typeof value === "string") return value;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
