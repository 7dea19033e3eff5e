// The fake context: it does what the host does, and keeps what was done with it.

import { skill, tool, z } from "@openclaw/skill";
import { call, fakeContext } from "@openclaw/skill/testing";
import { expect, test } from "vitest";

import { checks } from "./guests/globals/src/checks.js";

const code = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return (error as { code: string }).code;
  }
};

test("memory is kept, listed, searched and bounded", () => {
  const { memory, fake } = fakeContext({ memory: { "a/1": "x" }, quota: 200 });
  memory.setJson("a/2", { n: 1 });
  memory.set("b", "The Quick, brown fox");
  expect([memory.get("a/1"), memory.getJson("a/2"), memory.get("c"), memory.list(), memory.list("a/")]).toEqual(["x", { n: 1 }, undefined, ["a/1", "a/2", "b"], ["a/1", "a/2"]]);
  expect(memory.search("fox QUICK")).toEqual([{ key: "b", snippet: "The Quick, brown fox" }]);
  expect([memory.search("fox cat"), memory.delete("b"), memory.delete("b")]).toEqual([[], true, false]);
  expect(code(() => memory.set("big", "x".repeat(200)))).toBe("quota-exceeded");
  expect(code(() => memory.set("", "x"))).toBe("invalid-key");
  expect(code(() => memory.get("é".repeat(257)))).toBe("invalid-key");
  expect(code(() => memory.search(Array.from({ length: 17 }, (_, n) => `w${n}`).join(" ")))).toBe("invalid-query");
  expect(code(() => memory.getJson("a/1"))).toBe("json");
  memory.set("bytes", new Uint8Array([0xff]));
  expect(code(() => memory.get("bytes"))).toBe("json");
  expect([...fake.memory.keys()]).toEqual(["a/1", "a/2", "bytes"]);
  expect(() => memory.set(7 as never, "x")).toThrow("a key is a text, not 7");
});

test("many keys come in pages", () => {
  const { memory } = fakeContext();
  for (let n = 0; n < 300; n++) memory.set(`k${String(n).padStart(3, "0")}`, "");
  expect(memory.list("k")).toHaveLength(300);
});

test("memory can be denied", () => {
  expect(code(() => fakeContext({ denyMemory: "openclaw grant allow …" }).memory.get("a"))).toBe("denied");
});

test("files are written, listed, moved and removed", () => {
  const { files, fake } = fakeContext({ files: { "/workspace/a/b.txt": "b" } });
  files.makeDirectory("/data/x/y", { recursive: true });
  files.makeDirectory("/data/x/y", { recursive: true });
  files.writeText("/data/x/y/c.txt", "grüß");
  files.rename("/data/x/y", "/data/x/z");
  expect([files.readText("/workspace/./a//b.txt"), files.readText("/data/x/z/c.txt"), files.list("/data/x")]).toEqual(["b", "grüß", [{ name: "z", type: "directory" }]]);
  expect([files.stat("/data/x/z/c.txt").size, files.exists("/data/q"), files.exists("/data")]).toEqual([6, false, true]);
  expect(["/data/x", "x", "/etc/passwd", "/workspace/../etc"].map((path) => code(() => files.read(path)))).toEqual(["is-directory", "invalid", "no-entry", "no-entry"]);
  expect([code(() => files.remove("/data/x")), code(() => files.writeText("/data/no/x", "")), code(() => files.makeDirectory("/data/x"))]).toEqual(["not-empty", "no-entry", "exist"]);
  files.remove("/data/x", { recursive: true });
  expect([...fake.files.keys()]).toEqual(["/workspace/a/b.txt"]);
  expect(() => files.remove("/data", { recursiv: true } as never)).toThrow("there is no option `recursiv`");
});

test("requests are answered as scripted, by fetch too, and others are denied", async () => {
  const get = skill({
    tools: {
      get: tool({
        description: "Gets.",
        input: z.object({ url: z.string() }),
        async run(ctx, { url }) {
          const response = await fetch(url, { method: "POST", body: "x" });
          return [response.status, await response.json(), (await ctx.http.get(url)).text()];
        },
      }),
    },
  });
  const ctx = fakeContext({ http: { "POST https://a.test/": { status: 201, json: { a: 1 } }, "https://a.test/": "plain" } });
  expect(await call(get, "get", { url: "https://a.test/" }, ctx)).toEqual([201, { a: 1 }, "plain"]);
  expect(ctx.fake.requests.map(({ method, url, body }) => [method, url, body && new TextDecoder().decode(body)])).toEqual([
    ["POST", "https://a.test/", "x"],
    ["GET", "https://a.test/", undefined],
  ]);
  await expect(call(get, "get", { url: "https://b.test/" }, ctx)).rejects.toMatchObject({ code: "denied", message: expect.stringContaining("openclaw grant allow acme/fake network POST https://b.test/") });
});

test("a model and a person answer as scripted, and are not there otherwise", async () => {
  const ctx = fakeContext({ llm: ({ prompt }) => prompt.toUpperCase(), ask: (_, choices) => choices[1] ?? "Tuesday" });
  expect(await ctx.llm.complete({ prompt: "why", maxTokens: 9 })).toEqual({ text: "WHY", inputTokens: 1, outputTokens: 1 });
  expect([await ctx.ask.question("When?"), await ctx.ask.question("So?", ["yes", "no"])]).toEqual(["Tuesday", "no"]);
  for (let asked = 2; asked < 8; asked++) await ctx.ask.question("More?");
  expect(ctx.ask.isAvailable()).toBe(false);
  await expect(ctx.ask.question("More?")).rejects.toMatchObject({ code: "too-many" });
  await expect(fakeContext({ ask: () => "maybe" }).ask.question("So?", ["yes"])).rejects.toMatchObject({ code: "dismissed" });
  await expect(fakeContext().ask.question("So?")).rejects.toMatchObject({ code: "nobody" });
  await expect(fakeContext().llm.complete("why")).rejects.toMatchObject({ code: "unavailable" });
});

test("programs answer as scripted, and are kept, denied ones too", async () => {
  const ctx = fakeContext({ programs: { git: (args) => (args[0] === "status" ? "?? a.txt\n" : { code: 2, stderr: "bad\nworse\n" }) } });
  expect((await ctx.process.run("git", ["status"], { env: { A: "1" }, input: "in" })).stdoutText()).toBe("?? a.txt\n");
  const failed = await ctx.process.run("git", ["push"]);
  expect([failed.success, failed.exit]).toEqual([false, { tag: "code", val: 2 }]);
  expect(() => failed.checked()).toThrow("`git` ended with code 2: bad\nworse");
  await expect(ctx.process.run("sh", ["-c", "id"])).rejects.toMatchObject({ code: "denied", message: expect.stringContaining("sh -c id") });
  expect(ctx.fake.commands.map(({ line }) => line)).toEqual(["git status", "git push", "sh -c id"]);
});

test("the log and progress are kept", () => {
  const ctx = fakeContext();
  ctx.log.warn(7);
  ctx.log.progress(1, 2, "half");
  ctx.log.progress(2);
  expect([ctx.fake.log, ctx.fake.progress]).toEqual([[{ level: "warn", message: "7" }], [{ done: 1, total: 2, message: "half" }, { done: 2, total: undefined, message: "" }]]);
  expect(() => ctx.log.progress(-1)).toThrow("`done` is a whole number");
});

test("what a fake does not know is an error", () => {
  expect(() => fakeContext({ file: {} } as never)).toThrow("a fake context has no `file`");
});

// What a skill's globals are held to is what Node does, as far as Node 20 has it.
test.each(Object.keys(checks).filter((name) => name !== "newer than Node 20"))("in Node as in a skill: %s", async (name) => {
  const [got, wanted] = await checks[name]!();
  expect(got).toEqual(wanted);
});
