// JSON Schemas of what goes into a tool and comes out of it, made of zod's.

import { toJSONSchema } from "zod";
import { $ZodAsyncError } from "zod/v4/core";

import { readPlain } from "./plain.js";

/** How many things that are wrong with a value are told at once. */
const MOST_PROBLEMS = 5;

/** The schema of a tool's input, which has to be an object; as an object of JSON. */
export function inputSchema(tool, schema) {
  const made = convert(tool, "input", schema);
  if (!isObject(made)) {
    throw new TypeError(`the input of the tool \`${tool}\` is not a JSON object: take a z.object({ … })`);
  }
  return { ...made, type: "object" };
}

/** The schema of a tool's output; undefined where it says nothing. */
export function outputSchema(tool, schema) {
  if (schema === undefined) return undefined;
  const made = convert(tool, "output", schema);
  return Object.keys(made).length === 0 ? undefined : made;
}

function convert(tool, place, schema) {
  let made;
  try {
    made = toJSONSchema(schema, { target: "draft-2020-12", io: place, override: ({ zodSchema, jsonSchema }) => close(place, zodSchema, jsonSchema) });
  } catch (error) {
    throw new TypeError(`the ${place} of the tool \`${tool}\` has no JSON Schema: ${error.message}`, { cause: error });
  }
  // A model reads the schema with every request: nothing in it that the contract says already.
  delete made.$schema;
  return JSON.parse(JSON.stringify(made));
}

/** An input takes no field that it does not know, so that a misspelt optional one is an error; an output may grow. */
function close(place, zodSchema, jsonSchema) {
  const def = zodSchema._zod.def;
  if (def.type !== "object" || def.catchall !== undefined) return;
  if (place === "input") jsonSchema.additionalProperties = false;
  else delete jsonSchema.additionalProperties;
}

/** Whether every value that fits is an object; a union says so in each of its alternatives. */
function isObject(schema) {
  if (schema.type === "object") return true;
  return ["oneOf", "anyOf"].some((key) => Array.isArray(schema[key]) && schema[key].length > 0 && schema[key].every(isObject));
}

/** Reads the input of a call: `{ value }`, or `{ problem }` with the path of what is wrong; or a promise of it. */
export function readInput(schema, value) {
  const plain = readPlain(schema, value, true);
  if (plain !== undefined) return { value: plain };
  const problem = unknownFields(schema, value);
  return problem === undefined ? read(schema, value, "the input") : { problem };
}

/** Reads the result of a call: `{ value }`, without the fields that the schema does not know, or `{ problem }`. */
export function readOutput(schema, value) {
  const plain = readPlain(schema, value, false);
  return plain === undefined ? read(schema, value, "it") : { value: plain };
}

/** Only a schema with checks that are async gives a promise: most calls need none, and each costs fuel. */
function read(schema, value, whole) {
  const outcome = (result) => (result.success ? { value: result.data } : { problem: told(result.error.issues, whole) });
  try {
    return outcome(schema.safeParse(value));
  } catch (error) {
    if (error instanceof $ZodAsyncError) return schema.safeParseAsync(value).then(outcome);
    throw error;
  }
}

const told = (issues, whole) => issues.slice(0, MOST_PROBLEMS).map((issue) => `${place(issue.path, whole)}: ${issue.message}`).join("; ");

function place(path, whole) {
  if (path.length === 0) return whole;
  const text = path.reduce((text, part) => text + (typeof part === "number" ? `[${part}]` : `${text && "."}${String(part)}`), "");
  return `\`${text}\``;
}

/**
 * The first field of a plain object that its schema does not know, told as a problem. zod drops such fields in
 * silence; the host's check by JSON Schema does not, and tests should see what the host does.
 */
function unknownFields(schema, value, path = []) {
  const def = schema?._zod?.def;
  if (def === undefined || typeof value !== "object" || value === null) return undefined;
  if (def.type === "object") return unknownIn(def, value, path);
  if (def.type === "array") return first(Object.entries(value), ([index, item]) => unknownFields(def.element, item, [...path, Number(index)]));
  if (def.innerType !== undefined) return unknownFields(def.innerType, value, path);
  return undefined;
}

function unknownIn(def, value, path) {
  if (Array.isArray(value)) return undefined;
  if (def.catchall === undefined) {
    const unknown = Object.keys(value).find((key) => !Object.hasOwn(def.shape, key));
    if (unknown !== undefined) {
      return `${place([...path, unknown])}: no such field; there is ${Object.keys(def.shape).map((key) => `\`${key}\``).join(", ") || "none"}`;
    }
  }
  return first(Object.entries(def.shape), ([key, inner]) => (Object.hasOwn(value, key) ? unknownFields(inner, value[key], [...path, key]) : undefined));
}

function first(items, of) {
  for (const item of items) {
    const found = of(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
