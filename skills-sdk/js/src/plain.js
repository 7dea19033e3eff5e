// Reads values by the schemas of zod that only say what a value looks like, as most do, without zod: in a fresh instance
// each function that runs is one more page to copy. What does not fit is left to zod, which knows what to say of it.

/** A function of a value and of whether fields are refused that the schema does not know, by schema; see `readPlain`. */
const readers = new WeakMap();

/**
 * What zod would make of a value; undefined where zod has to say, since the value does not fit or the schema does more
 * than look. With `closed`, an object with fields that its schema does not know does not fit.
 */
export function readPlain(schema, value, closed) {
  return readerOf(schema)?.(value, closed);
}

function readerOf(schema) {
  if (!readers.has(schema)) {
    // One that holds itself is left to zod, which minds values that do.
    readers.set(schema, undefined);
    readers.set(schema, makeReader(schema._zod));
  }
  return readers.get(schema);
}

function makeReader({ def, values, run, parse, bag }) {
  const checks = checksOf(def);
  const isReplaced = bag.fallbackRun !== undefined || (checks?.length === 0 && run !== parse);
  if (checks === undefined || isReplaced || def.coerce) return undefined;
  // What may be null is checked by zod alone, which knows when not to.
  if (checks.length > 0 && !CHECKED.has(def.type)) return undefined;
  const check = checks.length === 0 ? () => true : (value) => checks.every((one) => one(value));
  const fits = (looks) => (value) => (looks(value) && check(value) ? value : undefined);
  switch (def.type) {
    case "string":
      return fits((value) => typeof value === "string");
    case "number":
      return fits(Number.isFinite);
    case "boolean":
      return fits((value) => typeof value === "boolean");
    case "null":
      return fits((value) => value === null);
    case "literal":
    case "enum":
      return fits((value) => value !== undefined && values.has(value));
    case "nullable":
      return nullableReader(readerOf(def.innerType));
    case "array":
      return arrayReader(readerOf(def.element), check);
    case "object":
      return objectReader(def);
    default:
      return undefined;
  }
}

function nullableReader(inner) {
  return inner && ((value, closed) => (value === null ? null : inner(value, closed)));
}

function arrayReader(item, check) {
  return (
    item &&
    ((value, closed) => {
      if (!Array.isArray(value) || !check(value)) return undefined;
      const made = [];
      for (let at = 0; at < value.length; at++) {
        const read = item(value[at], closed);
        if (read === undefined) return undefined;
        made.push(read);
      }
      return made;
    })
  );
}

function objectReader({ shape, catchall }) {
  const fields = Object.entries(shape).map(([key, schema]) => ({ key, ...fieldOf(schema) }));
  const isPlain = catchall === undefined && fields.every(({ key, reader }) => reader !== undefined && key !== "__proto__");
  if (!isPlain || Object.getOwnPropertySymbols(shape).length > 0) return undefined;
  const isKnown = (key) => Object.hasOwn(shape, key);
  return (value, closed) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    if (closed && !Object.keys(value).every(isKnown)) return undefined;
    const made = {};
    for (const { key, reader, absent } of fields) {
      const given = value[key];
      if (given === undefined && absent === undefined) return undefined;
      const read = given === undefined ? absent() : reader(given, closed);
      if (given !== undefined && read === undefined) return undefined;
      if (read !== undefined) made[key] = read;
    }
    return made;
  };
}

/** The reader of an object's field, and what gives its value where it is absent. */
function fieldOf(schema) {
  const { def, run, parse, traits } = schema._zod;
  const isOptional = def.type === "optional" && def.innerType._zod.optin !== "defaulted" && !traits.has("$ZodExactOptional");
  if (run !== parse || !(isOptional || def.type === "default")) return { reader: readerOf(schema) };
  return { reader: readerOf(def.innerType), absent: () => def.defaultValue };
}

/** What a schema checks of a value that looks right; undefined where only zod can. */
function checksOf(def) {
  const own = def.check === undefined ? [] : [def];
  const made = [...own, ...(def.checks ?? []).map((check) => check._zod.def)].map((one) => CHECKS[one.check]?.(one));
  return made.includes(undefined) ? undefined : made;
}

/** The kinds of schemas whose checks are made here. */
const CHECKED = new Set(["string", "number", "array"]);

const CHECKS = {
  number_format: ({ format }) => (format === "safeint" ? Number.isSafeInteger : undefined),
  greater_than: ({ value, inclusive }) => (given) => (inclusive ? given >= value : given > value),
  less_than: ({ value, inclusive }) => (given) => (inclusive ? given <= value : given < value),
  min_length: ({ minimum }) => (given) => lengthOf(given) >= minimum,
  max_length: ({ maximum }) => (given) => given.length <= maximum || lengthOf(given) <= maximum,
};

/** As zod counts: the items of an array, the characters of a text, which are one or two units each. */
const lengthOf = (value) => (typeof value === "string" ? [...value].length : value.length);
