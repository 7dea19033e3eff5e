// Which interfaces a world imports, as far as its text says so: `import x;` and `include openclaw:skill/with-…`.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** What the worlds of the contract import, besides what these interfaces use themselves. */
const INCLUDED = {
  skill: ["openclaw:skill/log"],
  "with-memory": ["openclaw:skill/memory"],
  "with-llm": ["openclaw:skill/llm"],
  "with-ask": ["openclaw:skill/ask"],
  "with-process": ["openclaw:skill/process"],
  "with-filesystem": ["wasi:filesystem/types@0.2.12", "wasi:filesystem/preopens@0.2.12"],
  "with-network": ["wasi:http/types@0.2.12", "wasi:http/outgoing-handler@0.2.12"],
};

/** The full names of the interfaces that a world of the package in `directory` imports. */
export function importedInterfaces(directory, world) {
  const files = readdirSync(directory).filter((name) => name.endsWith(".wit"));
  const text = files.map((name) => readFileSync(join(directory, name), "utf8")).join("\n").replace(/\/\/.*$/gm, "");
  const body = new RegExp(`\\bworld\\s+%?${world}\\s*\\{([^}]*)\\}`).exec(text)?.[1];
  if (body === undefined) throw new Error(`there is no world ${world} in ${directory}`);
  const names = new Set([...body.matchAll(/\bimport\s+([^\s;]+)\s*;/g)].map(([, name]) => name));
  for (const [, included, version] of body.matchAll(/\binclude\s+openclaw:skill\/([a-z-]+)(@[0-9.]+)?\s*;/g)) {
    for (const name of INCLUDED[included] ?? []) names.add(name.includes("@") ? name : `${name}${version ?? ""}`);
  }
  return names;
}
