// Declaring and calling tools, and what becomes of errors.

import { DeniedError, FailedError, HostError, InvalidInputError, MemoryError, skill, tool, z } from "@openclaw/skill";
import { call, fakeContext, tools } from "@openclaw/skill/testing";
import { expect, test } from "vitest";

const one = (run: Parameters<typeof tool>[0]["run"], more: object = {}) => skill({ tools: { one: tool({ description: "One.", run, ...more }) } });

test("names become kebab-case", () => {
  const nothing = tool({ description: "Nothing.", run: () => null });
  const named = skill({ tools: { smartCommit: nothing, auto_pull: nothing, parseHTMLPage: nothing, "as-is": nothing, v2: nothing } });
  expect([...named.tools.keys()]).toEqual(["smart-commit", "auto-pull", "parse-html-page", "as-is", "v2"]);
  expect(() => skill({ tools: { smartCommit: nothing, smart_commit: nothing } })).toThrow("two tools are called `smart-commit`");
  expect(() => skill({ tools: { "a.b": nothing } })).toThrow("cannot be the name of a tool");
});

test("what is not a skill is told at once", () => {
  expect(() => skill({ tools: {} })).toThrow("at least one");
  expect(() => skill({ tools: { a: { description: "x", run() {} } } } as never)).toThrow("is not made by tool");
  expect(() => tool({ run: () => null } as never)).toThrow("needs a `description`");
  expect(() => tool({ description: "x" } as never)).toThrow("needs `run");
  expect(() => tool({ description: "x", run: () => 1, schema: 1 } as never)).toThrow("has no `schema`");
  expect(() => tool({ description: "x", input: { type: "object" }, run: () => 1 } as never)).toThrow("a schema of zod 4");
});

test("schemas are what the host takes", () => {
  const input = z.object({
    name: z.string().min(1).describe("Whom."),
    times: z.int().min(1).default(1),
    kind: z.enum(["a", "b"]).optional(),
    nested: z.object({ deep: z.array(z.object({ x: z.number() })) }).optional(),
    any: z.looseObject({}).optional(),
  });
  const [made] = tools(one(() => null, { input, output: z.object({ text: z.string() }) }));
  expect(made).toMatchObject({ name: "one", description: "One.", outputSchema: { type: "object", required: ["text"] } });
  expect(made!.outputSchema).not.toHaveProperty("additionalProperties");
  expect(made!.inputSchema).toEqual({
    type: "object",
    properties: {
      name: { type: "string", minLength: 1, description: "Whom." },
      times: { type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER, default: 1 },
      kind: { type: "string", enum: ["a", "b"] },
      nested: {
        type: "object",
        properties: { deep: { type: "array", items: { type: "object", properties: { x: { type: "number" } }, required: ["x"], additionalProperties: false } } },
        required: ["deep"],
        additionalProperties: false,
      },
      any: { type: "object", properties: {}, additionalProperties: {} },
    },
    required: ["name"],
    additionalProperties: false,
  });
});

test("a tool without input takes the empty object; one of alternatives is an object too", () => {
  expect(tools(one(() => null))[0]).toEqual({ name: "one", description: "One.", inputSchema: { type: "object", properties: {}, additionalProperties: false }, outputSchema: undefined });
  const union = z.discriminatedUnion("kind", [z.object({ kind: z.literal("a") }), z.object({ kind: z.literal("b"), b: z.string() })]);
  expect(tools(one(() => null, { input: union }))[0]!.inputSchema).toMatchObject({ type: "object", oneOf: [{}, {}] });
});

test("what has no schema, or is no object, names the tool", () => {
  expect(() => tools(one(() => null, { input: z.string() }))).toThrow("the input of the tool `one` is not a JSON object");
  expect(() => tools(one(() => null, { input: z.object({ when: z.date() }) }))).toThrow("the input of the tool `one` has no JSON Schema");
});

test.each([
  [{ a: { b: [{ c: "x" }] } }, "`a.b[0].c`: Invalid input: expected number, received string"],
  [{ a: { b: [{ c: 1, d: 1 }] } }, "`a.b[0].d`: no such field; there is `c`"],
  [{ A: 1 }, "`A`: no such field; there is `a`"],
  [7, "the input: Invalid input: expected object, received number"],
  [JSON.parse('{"__proto__":{"a":1}}'), "`__proto__`: no such field"],
])("%j is invalid input, and says where", async (input, message) => {
  const strict = one(() => "ran", { input: z.object({ a: z.object({ b: z.array(z.object({ c: z.number() })) }) }) });
  const error = await call(strict, "one", input).catch((error) => error);
  expect(error).toBeInstanceOf(InvalidInputError);
  expect(error.message).toContain(message);
});

test("input is what zod makes of it: defaults, transforms, async checks", async () => {
  const input = z.object({ a: z.string().default("x").transform((text) => text.length), b: z.string().refine(async (text) => text !== "no") });
  const echo = one((_, input) => input as object, { input });
  expect(await call(echo, "one", { b: "yes" })).toEqual({ a: 1, b: "yes" });
  await expect(call(echo, "one", { b: "no" })).rejects.toMatchObject({ code: "invalid-input" });
});

test("results are JSON: nothing is null, and what the output does not know is dropped", async () => {
  expect(await call(one(() => undefined), "one")).toBeNull();
  expect(await call(one(async () => ({ a: 1, b: undefined, d: new Date(0) })), "one")).toEqual({ a: 1, d: "1970-01-01T00:00:00.000Z" });
  expect(await call(one(() => ({ a: 1, b: 2 }), { output: z.object({ a: z.number() }) }), "one")).toEqual({ a: 1 });
  await expect(call(one(() => ({ a: "x" }), { output: z.object({ a: z.number() }) }), "one")).rejects.toThrow("not what the tool declares: `a`");
  await expect(call(one(() => 1n), "one")).rejects.toThrow("cannot be written as JSON");
});

const errors: [string, () => unknown, object][] = [
  ["the author's own", () => { throw new InvalidInputError("`a` is odd"); }, { code: "invalid-input", message: "`a` is odd" }],
  ["a denial passed on", () => { throw new DeniedError("no"); }, { code: "denied", message: "no" }],
  ["the host's denial", () => { throw new MemoryError("denied", "ask first"); }, { code: "denied", message: "ask first" }],
  ["a denial beneath", () => { throw new Error("saving", { cause: new MemoryError("denied", "ask first") }); }, { code: "denied", message: "saving: ask first" }],
  ["another one of the host's", () => { throw new MemoryError("quota-exceeded", "full"); }, { code: "failed", message: "full" }],
  ["a cause that is quoted", () => { throw new FailedError("it: x", { cause: new Error("x") }); }, { code: "failed", message: "it: x" }],
  ["no error at all", () => { throw { a: 1 }; }, { code: "failed", message: 'the tool threw {"a":1}' }],
];
test.each(errors)("%s", async (_, run, expected) => {
  await expect(call(one(run as never), "one")).rejects.toMatchObject(expected);
});

test("what nobody expected fails with its name, its causes and where it was", async () => {
  const error = await call(one(() => { throw new TypeError("odd", { cause: new Error("deep") }); }), "one").catch((error) => error);
  expect(error).toMatchObject({ code: "failed", name: "FailedError" });
  expect(error.message).toMatch(/^TypeError: odd: deep\n    at .*skill\.test\.ts:\d+:\d+/);
  expect(error.message).not.toContain("node_modules");
  const long = await call(one(() => { throw new Error("x".repeat(100_000)); }), "one").catch((error) => error);
  expect(long.message.length).toBeLessThan(12_000);
});

test("an unknown tool has an error of its own", async () => {
  await expect(call(one(() => 1), "two")).rejects.toMatchObject({ code: "unknown-tool", message: "there is no tool `two`" });
});

test("types: what run takes and returns is what the schemas say", () => {
  tool({
    description: "x",
    input: z.object({ a: z.string().default("x") }),
    output: z.object({ b: z.number() }),
    run: (_, { a }) => ({ b: a.length }),
  });
  tool({
    description: "x",
    output: z.object({ b: z.number() }),
    // @ts-expect-error: `b` is no text.
    run: () => ({ b: "x" }),
  });
  const code: "denied" | "json" | "unavailable" | "invalid-key" | "invalid-query" | "quota-exceeded" = new MemoryError("denied", "x").code;
  expect([code, new MemoryError("denied", "x") instanceof HostError]).toEqual(["denied", true]);
  expect(fakeContext().fake.log).toEqual([]);
});
