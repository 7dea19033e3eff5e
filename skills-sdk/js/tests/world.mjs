// Writes the world of a guest out of its manifest, as `openclaw skill build` does for a skill.

import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const BASELINE = ["wasi:random/random@0.2.12", "wasi:clocks/wall-clock@0.2.12", "wasi:clocks/monotonic-clock@0.2.12"];

const { manifest, contract, out } = parseArgs({ options: { manifest: { type: "string" }, contract: { type: "string" }, out: { type: "string" } } }).values;
const text = readFileSync(manifest, "utf8");
const name = /^name = "(.*)"$/m.exec(text)[1];
const permissions = new Set([...text.matchAll(/^\[+permission\.([a-z]+)\]+$/gm)].map(([, permission]) => permission));

const deps = join(out, "deps");
cpSync(join(contract, "deps"), deps, { recursive: true });
mkdirSync(join(deps, "openclaw"));
for (const file of readdirSync(contract).filter((file) => file.endsWith(".wit"))) cpSync(join(contract, file), join(deps, "openclaw", file));
const lines = [
  ...["skill", ...[...permissions].map((permission) => `with-${permission}`)].map((world) => `include openclaw:skill/${world}@1.0.0;`),
  ...BASELINE.map((name) => `import ${name};`),
];
writeFileSync(join(out, "world.wit"), `package author:skill;\n\nworld %${name} {\n${lines.map((line) => `    ${line}\n`).join("")}}\n`);
