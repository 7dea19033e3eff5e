// The tools, called as the host calls them; the same cases as in Rust.

import { call, tools } from "@openclaw/skill/testing";
import { expect, test } from "vitest";

import { Filter, ranked } from "../src/frequency.js";
import skill from "../src/index.js";
import { characters, lines, readingSeconds, sentences, words } from "../src/measure.js";

test("counts everything at once", async () => {
  expect(await call(skill, "count", { text: "Ça marche.\nDeux cafés" })).toEqual({
    words: 4,
    lines: 2,
    characters: 21,
    bytes: 23,
    sentences: 2,
    reading_seconds: 2,
  });
});

test("an empty text is all zero", async () => {
  const zero = { words: 0, lines: 0, characters: 0, bytes: 0, sentences: 0, reading_seconds: 0 };
  expect(await call(skill, "count", { text: "" })).toEqual(zero);
});

test("the pace can be given, and is not zero", async () => {
  expect((await call(skill, "count", { text: "one two", words_per_minute: 1 })).reading_seconds).toBe(120);
  await expect(call(skill, "count", { text: "x", words_per_minute: 0 })).rejects.toMatchObject({
    code: "invalid-input",
    message: expect.stringContaining("`words_per_minute`"),
  });
});

test("the list is cut but the totals are not", async () => {
  expect(await call(skill, "frequency", { text: "b b a a c", top: 2 })).toEqual({
    words: [
      { word: "a", count: 2 },
      { word: "b", count: 2 },
    ],
    distinct: 3,
    total: 5,
  });
});

test("the list has an upper limit", async () => {
  const text = Array.from({ length: 1500 }, (_, n) => `w${n}`).join(" ");
  expect((await call(skill, "frequency", { text, top: 5000 })).words).toHaveLength(1000);
  expect((await call(skill, "frequency", { text })).words).toHaveLength(20);
});

test("the names of fields are those of the skill in Rust", () => {
  const properties = Object.fromEntries(tools(skill).map(({ name, inputSchema }) => [name, Object.keys((inputSchema as { properties: object }).properties)]));
  expect(properties).toEqual({ count: ["text", "words_per_minute"], frequency: ["text", "top", "ignore_common", "ignore", "min_length"] });
});

test.each([
  ["", 0],
  ["  \n\t ", 0],
  ["don't stop – it's 3.14!", 4],
  ["naïve café", 2],
  ["... --- ...", 0],
  ["snake_case x-ray", 3],
  ["漢字かな", 4],
])("words of %j", (text, count) => expect(words(text)).toHaveLength(count));

test.each([
  ["", 0],
  ["one", 1],
  ["one\n", 1],
  ["one\r\ntwo\r\n", 2],
  ["\n\n", 2],
])("lines of %j", (text, count) => expect(lines(text)).toBe(count));

test.each(["e\u0301", "🇳🇴", "👩‍👩‍👧‍👦", "\r\n"])("%j is one character", (text) => expect(characters(text)).toBe(1));

test.each([
  ["It works. Twice! Really?", 3],
  ["...", 0],
  ["no full stop", 1],
])("sentences of %j", (text, count) => expect(sentences(text)).toBe(count));

test("reading time is rounded up", () => {
  expect([0, 1, 238].map((count) => readingSeconds(count, 238))).toEqual([0, 1, 60]);
});

test("words are compared in any case, with either apostrophe, and by their length in characters", () => {
  expect(ranked("pear apple Pear fig apple PEAR date").map(({ word, count }) => `${word} ${count}`)).toEqual(["pear 3", "apple 2", "date 1", "fig 1"]);
  expect(ranked("fig FIG apple", new Filter(["Fig"]))).toEqual([{ word: "apple", count: 1 }]);
  expect(ranked("It’s it's the cat", new Filter([], true))).toEqual([{ word: "cat", count: 1 }]);
  expect(ranked("été do", new Filter([], false, 3))).toEqual([{ word: "été", count: 1 }]);
  expect(ranked("__proto__ __proto__")).toEqual([{ word: "__proto__", count: 2 }]);
});
