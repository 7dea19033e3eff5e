// The tools, called as the host calls them.

import { call, fakeContext } from "@openclaw/skill/testing";
import { expect, test } from "vitest";

import skill from "../src/index.js";

test("greets by name and logs it", async () => {
  const ctx = fakeContext();
  expect(await call(skill, "greet", { name: " Ada " }, ctx)).toEqual({ text: "Hello, Ada!" });
  expect(ctx.fake.log).toEqual([{ level: "info", message: "greeting Ada" }]);
});

test("an empty name is the caller's fault", async () => {
  await expect(call(skill, "greet", { name: " " })).rejects.toMatchObject({ code: "invalid-input" });
});
