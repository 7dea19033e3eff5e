// Skills and their tools: how an author declares them, how they are listed and called.

import { object } from "zod";

import { FailedError, InvalidInputError, UnknownToolError } from "./errors.js";
import { inputSchema, outputSchema, readInput, readOutput } from "./schema.js";

const TOOL = Symbol.for("@openclaw/skill/tool");
const SKILL = Symbol.for("@openclaw/skill/skill");

/** Declares a tool: what it does, what it takes, what it gives, and the function itself. */
export function tool(definition) {
  const { description, input, output, run, ...rest } = definition ?? {};
  const unknown = Object.keys(rest);
  if (unknown.length > 0) throw new TypeError(`a tool has no \`${unknown[0]}\`: it has description, input, output and run`);
  if (typeof description !== "string" || description.trim() === "") {
    throw new TypeError("a tool needs a `description`: a model chooses the tool by it");
  }
  if (typeof run !== "function") throw new TypeError("a tool needs `run(ctx, input)`");
  for (const [name, schema] of [["input", input], ["output", output]]) {
    if (schema !== undefined && schema?._zod === undefined) {
      throw new TypeError(`the \`${name}\` of a tool is a schema of zod 4, such as z.object({ … })`);
    }
  }
  return { [TOOL]: true, description: description.trim(), input: input ?? object({}), output, run };
}

/** Declares a skill: its tools under their names. `smartCommit` and `smart_commit` become `smart-commit`. */
export function skill(definition) {
  const { tools, ...rest } = definition ?? {};
  const unknown = Object.keys(rest);
  if (unknown.length > 0) throw new TypeError(`a skill has no \`${unknown[0]}\`: it has tools`);
  if (typeof tools !== "object" || tools === null || Object.keys(tools).length === 0) {
    throw new TypeError("a skill needs `tools`, and at least one");
  }
  const named = new Map();
  for (const [key, value] of Object.entries(tools)) {
    if (value?.[TOOL] !== true) throw new TypeError(`the tool \`${key}\` is not made by tool({ … })`);
    const name = kebab(key);
    if (named.has(name)) throw new TypeError(`two tools are called \`${name}\``);
    named.set(name, value);
  }
  return { [SKILL]: true, tools: named };
}

export const isSkill = (value) => value?.[SKILL] === true;

/** A name in kebab-case, as every surface shows it. */
export function kebab(name) {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1-$2")
    .replace(/[_\s]+/g, "-")
    .toLowerCase();
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(words) || words.length > 64) {
    throw new TypeError(`\`${name}\` cannot be the name of a tool: it takes letters, digits and single hyphens, 64 at most`);
  }
  return words;
}

/** All tools, as the host reads them when the skill is packed. */
export function list(skill) {
  return [...skill.tools].map(([name, tool]) => ({
    name,
    description: tool.description,
    inputSchema: inputSchema(name, tool.input),
    outputSchema: outputSchema(name, tool.output),
  }));
}

/**
 * Calls a tool by its name in kebab-case; input and result are JSON text. Only what waits for something gives a promise
 * of the result: most calls do not, and promises are half of what those cost.
 */
export function callJson(skill, name, text, ctx) {
  const tool = skill.tools.get(name);
  if (tool === undefined) throw new UnknownToolError(name);
  return after(readInput(tool.input, parse(text)), ({ value, problem }) => {
    if (problem !== undefined) throw new InvalidInputError(problem);
    return after(tool.run(ctx, value), (result) => answerOf(tool, result));
  });
}

function answerOf({ output }, result) {
  if (output === undefined) return write(result);
  return after(readOutput(output, result), ({ value, problem }) => {
    if (problem !== undefined) throw new FailedError(`the result is not what the tool declares: ${problem}`);
    return write(value);
  });
}

/** What `next` makes of a value, or a promise of it where there is one of the value. */
const after = (value, next) => (isThenable(value) ? Promise.resolve(value).then(next) : next(value));

const isThenable = (value) => typeof value === "object" && value !== null && typeof value.then === "function";

function parse(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InvalidInputError(`the input: ${error.message}`);
  }
}

function write(result) {
  try {
    // What returns nothing returns null, as a unit does in JSON.
    return JSON.stringify(result === undefined ? null : result) ?? "null";
  } catch (error) {
    throw new FailedError(`the result cannot be written as JSON: ${error.message}`);
  }
}
