// What is read without zod is what zod reads: many schemas, each with many values.

import { expect, test } from "vitest";
import { z } from "zod";

import { readPlain } from "../src/plain.js";

const scalars = { text: z.string(), count: z.number(), flag: z.boolean(), nothing: z.null(), kind: z.enum(["a", "b"]), one: z.literal(1) };
const recursive = z.object({ name: z.string(), get inner() { return z.array(recursive); } });

/** Schemas that are read without zod. */
const PLAIN = [
  ...Object.values(scalars),
  z.int(),
  z.int().min(2).max(5),
  z.number().gt(1).lt(3),
  z.string().min(2).max(4),
  z.string().nullable(),
  z.array(z.string()),
  z.array(z.int()).min(1).max(2),
  z.object({}),
  z.object(scalars),
  z.object(scalars).partial(),
  z.object({ name: z.string(), count: z.int().default(3), kind: z.enum(["a", "b"]).optional() }),
  z.object({ inner: z.object({ name: z.string().nullable() }).optional(), list: z.array(z.object({ a: z.number() })).default([]) }),
];

/** Schemas that do more than look, and are left to zod. */
const NOT_PLAIN = [
  z.coerce.number(),
  z.string().trim(),
  z.email(),
  z.string().regex(/a/),
  z.number().multipleOf(2),
  z.string().refine((value) => value !== "a"),
  z.string().transform((value) => value.length),
  z.object({ a: z.string() }).refine(() => true),
  z.strictObject({ a: z.string() }),
  z.looseObject({ a: z.string() }),
  z.array(z.string().optional()),
  z.object({ a: z.string().catch("x") }),
  z.object({ a: z.string().default("x").optional() }),
  z.union([z.string(), z.number()]),
  z.record(z.string(), z.string()),
  recursive,
  z.string().nullable().check(z.minLength(2)),
  z.null().check(z.minLength(2)),
  z.literal([null, "abcd"]).check(z.minLength(2)),
  z.object({ a: z.exactOptional(z.string()) }),
  z.withParser(z.string(), (value) => value.toUpperCase()),
  z.object({ a: z.withParser(z.string(), (value) => value.toUpperCase()) }),
];

const leaves = [undefined, null, true, 0, 1, 2, 2.5, 1e300, Number.NaN, Number.POSITIVE_INFINITY, "", "a", "b", "ab", "abc", "abcd", "😀", "😀😀"];
const full = { text: "t", count: 1, flag: false, nothing: null, kind: "a", one: 1 };
const VALUES = [
  ...leaves,
  [],
  ["a"],
  [1, 2],
  [1, 2, 3],
  [1, "a"],
  {},
  full,
  { ...full, more: 1 },
  { ...full, kind: undefined },
  ...Object.keys(full).flatMap((key) => leaves.map((leaf) => ({ ...full, [key]: leaf }))),
  { name: "n" },
  { name: "n", count: 7, kind: "b" },
  { name: "n", kind: "c" },
  JSON.parse('{"name":"n","__proto__":{"kind":"a"}}'),
  Object.create({ name: "inherited" }),
  { inner: { name: null, more: 1 }, list: [{ a: 1, b: 2 }] },
  { inner: {}, list: [{}] },
  { a: "x" },
];

test("what is read without zod is what zod reads", () => {
  for (const schema of PLAIN) {
    let read = 0;
    for (const value of VALUES) {
      const [plain, theirs] = [readPlain(schema, value, false), schema.safeParse(value)];
      if (plain === undefined) continue;
      expect(theirs.success, JSON.stringify(value)).toBe(true);
      expect(plain).toEqual(theirs.data);
      read++;
    }
    expect(read, JSON.stringify(z.toJSONSchema(schema))).toBeGreaterThan(0);
  }
});

test("what zod takes is read without it", () => {
  for (const schema of PLAIN) {
    for (const value of VALUES) {
      if (value !== undefined && schema.safeParse(value).success) expect(readPlain(schema, value, false), JSON.stringify(value)).toBeDefined();
    }
  }
});

test("a schema that does more than look is left to zod", () => {
  for (const schema of NOT_PLAIN) {
    for (const value of VALUES) expect(readPlain(schema, value, false)).toBeUndefined();
  }
});

test("a field that is not known does not fit where the schema is closed, at any depth", () => {
  const schema = z.object({ list: z.array(z.object({ a: z.number() })).default([]), inner: z.object({ a: z.number() }).optional() });
  expect(readPlain(schema, { list: [{ a: 1 }], inner: { a: 1 } }, true)).toEqual({ list: [{ a: 1 }], inner: { a: 1 } });
  for (const value of [{ x: 1 }, { list: [{ a: 1, x: 1 }] }, { inner: { a: 1, x: 1 } }]) {
    expect(readPlain(schema, value, true)).toBeUndefined();
    expect(readPlain(schema, value, false)).toBeDefined();
  }
});

test("a default is made once for each value that is read", () => {
  let made = 0;
  const schema = z.object({ id: z.number().default(() => ++made), name: z.string().min(3).max(4) });
  for (const name of ["abc", "abcd", "😀😀😀😀"]) expect(readPlain(schema, { name }, true)).toEqual({ id: made, name });
  expect(made).toBe(3);
});

test("a default is a value of its own each time", () => {
  const schema = z.object({ list: z.array(z.string()).default([]) });
  const first = readPlain(schema, {}, true);
  first.list.push("mine");
  expect(readPlain(schema, {}, true)).toEqual({ list: [] });
});
