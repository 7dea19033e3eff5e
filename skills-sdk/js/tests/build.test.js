// The parts of the build that need no toolchain: places, worlds, the versions of WASI, the export that is taken out.

import { expect, test } from "vitest";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ts from "typescript";

import { withoutInit } from "../build/component.mjs";
import { ownPlaces, placeOf } from "../build/places.mjs";
import { apart, withWasi, withWitApart } from "../build/wasi.mjs";
import { importedInterfaces } from "../build/world.mjs";
import { namespaceImports } from "../build/zod.mjs";

test("a place in the bundle leads to the author's line, and others to none", () => {
  // Line 1: column 0 from lib.js:1, column 10 from a.ts:3; line 2: column 0 from a.ts:4.
  const places = ownPlaces({ sources: ["lib.js", "a.ts"], mappings: "AAAA,UCEA;AACA" }, (name) => (name === "a.ts" ? name : undefined));
  expect([placeOf(places, 1, 5), placeOf(places, 1, 11), placeOf(places, 1, 99), placeOf(places, 2, 1)]).toEqual([undefined, "a.ts:3", "a.ts:3", "a.ts:4"]);
});

test("a world's imports are read from its text", () => {
  const directory = mkdtempSync(join(tmpdir(), "openclaw-test-"));
  const world = "package a:b;\n// import x:y/z;\nworld %other { import a:b/c; }\nworld %one {\n  include openclaw:skill/skill@1.0.0;\n  include openclaw:skill/with-network@1.0.0;\n  import wasi:random/random@0.2.12;\n}";
  writeFileSync(join(directory, "world.wit"), world);
  expect([...importedInterfaces(directory, "one")].sort()).toEqual(["openclaw:skill/log@1.0.0", "wasi:http/outgoing-handler@0.2.12", "wasi:http/types@0.2.12", "wasi:random/random@0.2.12"]);
  expect(() => importedInterfaces(directory, "two")).toThrow("there is no world two");
  rmSync(directory, { recursive: true });
});

test("WASI is kept apart and comes back under a version that hosts take", async () => {
  expect(apart("use wasi:io/poll@0.2.12.{pollable}; package wasi:io@0.2.12; openclaw:skill@1.0.0")).toBe("use wasi:io/poll@9.7.53.{pollable}; package wasi:io@9.7.53; openclaw:skill@1.0.0");
  const binary = Buffer.from([0, 200, ...Buffer.from("wasi:io/poll@9.7.53"), 255]);
  expect([...withWasi(binary)]).toEqual([0, 200, ...Buffer.from("wasi:io/poll@0.2.11"), 255]);
  const directory = mkdtempSync(join(tmpdir(), "openclaw-test-"));
  writeFileSync(join(directory, "a.wit"), "import wasi:io/poll@0.2.12;");
  expect(await withWitApart(directory, (copy) => readFileSync(join(copy, "a.wit"), "utf8"))).toBe("import wasi:io/poll@9.7.53;");
  rmSync(directory, { recursive: true });
});

test("the export of init becomes one more alias, and nothing else changes", () => {
  const section = (id, content) => [id, content.length, ...content];
  const init = [...Buffer.from("init")];
  const alias = section(6, [1, 1, 0, 22, 4, ...init]);
  const rest = section(11, [1, 0, 5, ...Buffer.from("tools"), 5, 24, 0]);
  const component = Buffer.from([0, 97, 115, 109, 13, 0, 1, 0, ...alias, ...section(11, [1, 0, 4, ...init, 1, 0, 0]), ...rest]);
  expect([...withoutInit(component)]).toEqual([0, 97, 115, 109, 13, 0, 1, 0, ...alias, ...alias, ...rest]);
});

test("only real imports of z are rewritten, and lines stay", () => {
  const rewrite = (text) => namespaceImports(ts, "a.ts", text);
  expect(rewrite('import { skill, z, tool } from "@openclaw/skill";\nz.string();')).toBe('import { skill, tool } from "@openclaw/skill"; import * as z from "zod";\nz.string();'.replace("skill, tool", "skill,  tool"));
  expect(rewrite("import {\n  skill,\n  z,\n} from 'zod';\n")).toBe("import {\n  skill,\n  \n} from 'zod'; import * as z from \"zod\";\n");
  expect(rewrite('import { z } from "zod"\nz.string()')).toBe('import {  } from "zod"; import * as z from "zod";\nz.string()');
  expect(rewrite('import { z as y } from "zod";')).toBe('import {  } from "zod"; import * as y from "zod";');
  for (const same of ['import type { z } from "zod";', 'import { type z } from "zod";', 'const x = `\nimport { z } from "zod";`;', 'import { z } from "./z.js";']) expect(rewrite(same)).toBe(same);
});
