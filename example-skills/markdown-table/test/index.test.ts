// The tools, called as the host calls them.

import { call, fakeContext } from "@openclaw/skill/testing";
import { expect, test } from "vitest";

import skill from "../src/index.js";
import { width } from "../src/render.js";

const table = async (input: object, ctx = fakeContext()) => (await call(skill, "render", input, ctx)).table as string;

test("CSV becomes a table, with numbers to the right", async () => {
  expect(await call(skill, "render", { text: "name,age\nAda,36\nAlan,41" })).toEqual({
    table: "| name | age |\n| :--- | --: |\n| Ada  |  36 |\n| Alan |  41 |\n",
    rows: 2,
    columns: ["name", "age"],
    omitted_rows: 0,
  });
});

test("quotes, other delimiters, bars and line breaks in cells", async () => {
  expect(await table({ text: 'a;b\n"x;y";"1|2\n3"' })).toBe("| a   | b         |\n| :-- | :-------- |\n| x;y | 1\\|2<br>3 |\n");
});

test("rows of CSV may be shorter and longer than the first", async () => {
  expect(await table({ text: "a,b\n1\n1,2,3\n\n" })).toBe("|   a |   b | column 3 |\n| --: | --: | -------: |\n|   1 |     |          |\n|   1 |   2 |        3 |\n");
});

test("JSON objects, lists and values", async () => {
  expect(await table({ text: '[{"a":1},{"b":{"c":2},"a":null}]' })).toBe('|   a | b       |\n| --: | :------ |\n|   1 |         |\n|     | {"c":2} |\n');
  expect(await table({ text: '[["x","y"],[1,true]]' })).toBe("|   x | y    |\n| --: | :--- |\n|   1 | true |\n");
  expect(await table({ text: "[1,2]" })).toBe("| value |\n| ----: |\n|     1 |\n|     2 |\n");
});

test("a column may be called __proto__", async () => {
  expect((await call(skill, "render", { text: '[{"__proto__":1,"constructor":2}]' })).columns).toEqual(["__proto__", "constructor"]);
});

test("columns are chosen and aligned", async () => {
  expect(await table({ text: "a,b,c\n1,2,3", columns: ["c", "a"], align: { a: "center" } })).toBe("|   c |  a  |\n| --: | :-: |\n|   3 |  1  |\n");
});

test("what is wide takes more room", async () => {
  expect(await table({ text: "名前,x\n漢字テスト,a" })).toBe("| 名前       | x   |\n| :--------- | :-- |\n| 漢字テスト | a   |\n");
  expect(["e\u0301", "👩‍👩‍👧", "🇳🇴", "ab"].map(width)).toEqual([1, 2, 2, 2]);
});

test("a file of the workspace is read, and its rows are bounded", async () => {
  const ctx = fakeContext({ files: { "/workspace/data/n.csv": `n\n${Array.from({ length: 5 }, (_, n) => n).join("\n")}\n` } });
  expect(await call(skill, "render", { file: "data/n.csv", max_rows: 2 }, ctx)).toMatchObject({ rows: 2, omitted_rows: 3 });
  expect(ctx.fake.log).toEqual([{ level: "warn", message: "left out 3 rows" }]);
});

test.each([
  [{}, "give either"],
  [{ text: "a", file: "b" }, "give either"],
  [{ text: "a\n1", columns: ["b"] }, 'there is no column "b"; there is "a"'],
  [{ text: "a\n1", align: { b: "left" } }, "there is no column"],
  [{ text: "a\n1", align: { a: "middle" } }, "`align.a`"],
  [{ text: "{", format: "json" }, "the JSON:"],
  [{ text: "[]" }, "an empty list"],
  [{ text: "[1,{}]" }, "mixes"],
  [{ text: "" }, "no lines"],
  [{ text: 'a\n"b' }, "the CSV: line 2"],
  [{ text: "a\n1", max_rows: 0 }, "`max_rows`"],
  [{ text: "a\n1", colums: ["a"] }, "`colums`"],
])("%j is the caller's fault", async (input, message) => {
  await expect(call(skill, "render", input)).rejects.toMatchObject({ code: "invalid-input", message: expect.stringContaining(message) });
});

test("a missing file is told by its path", async () => {
  await expect(call(skill, "render", { file: "x.csv" })).rejects.toMatchObject({ code: "failed", message: expect.stringContaining("/workspace/x.csv") });
});

test("tables are lined up, and the rest stays", async () => {
  const markdown = "# T\n\n|a|b \\| c|\n|-|:-:|\n|1|2|3|\n|long cell|\n\na | b\n\n```\n|a|\n|-|\n```\n";
  expect(await call(skill, "align", { markdown })).toEqual({
    markdown: "# T\n\n| a         | b \\| c |\n| --------- | :----: |\n| 1         |   2    |\n| long cell |        |\n\na | b\n\n```\n|a|\n|-|\n```\n",
    tables: 1,
  });
});
