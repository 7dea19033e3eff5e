// Builds a skill's component: checks the types, bundles, and lets QuickJS take a snapshot of the result.
//
//   node build.mjs --project DIR --entry src/index.ts --wit DIR --world NAME --toolchain DIR --out FILE
//
// Progress and errors go to standard error. It ends with 0, with 1 where the project is at fault, and with 2 where the
// call of this script is.

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { withoutInit } from "./build/component.mjs";
import { ownPlaces, placeOf } from "./build/places.mjs";
import { apart, withWasi, withWitApart } from "./build/wasi.mjs";
import { importedInterfaces } from "./build/world.mjs";
import { namespaceImports } from "./build/zod.mjs";

const SDK = dirname(fileURLToPath(import.meta.url));
const OPTIONS = ["project", "entry", "wit", "world", "toolchain", "out"];

/** What is wrong with the project, as lines that are ready to be shown. */
class BuildError extends Error {}

/** The interfaces that the SDK knows what to do with, and the names by which it does. */
const INTERFACES = {
  "openclaw:skill/log@1.0.0": "log",
  "openclaw:skill/memory@1.0.0": "memory",
  "openclaw:skill/llm@1.0.0": "llm",
  "openclaw:skill/ask@1.0.0": "ask",
  "openclaw:skill/process@1.0.0": "process",
  "wasi:http/types@0.2.12": "httpTypes",
  "wasi:http/outgoing-handler@0.2.12": "httpHandler",
  "wasi:filesystem/preopens@0.2.12": "preopens",
};

async function main() {
  const given = readOptions();
  const project = resolve(given.project);
  const entry = resolve(project, given.entry);
  if (!existsSync(entry)) throw new BuildError(`there is no ${given.entry}: a skill's code begins there`);
  const tools = await loadToolchain(resolve(given.toolchain));

  if (/\.[mc]?tsx?$/.test(entry)) await step("checking types", () => checkTypes(tools, project, entry));
  const bundle = await step("bundling", () => bundled(tools, project, entry, resolve(given.wit), given.world));
  const component = await step("making the component", () => componentized(tools, project, bundle, given));
  write(resolve(given.out), component);
}

function readOptions() {
  let values;
  try {
    ({ values } = parseArgs({ options: Object.fromEntries(OPTIONS.map((name) => [name, { type: "string" }])) }));
  } catch (error) {
    usage(error.message);
  }
  const missing = OPTIONS.find((name) => values[name] === undefined);
  if (missing !== undefined) usage(`--${missing} is missing`);
  return values;
}

function usage(message) {
  process.stderr.write(`error: ${message}\nusage: node build.mjs ${OPTIONS.map((name) => `--${name} …`).join(" ")}\n`);
  process.exit(2);
}

/** The pinned tools, from the directory that was made of toolchain/package-lock.json. */
async function loadToolchain(directory) {
  const require = createRequire(join(directory, "package.json"));
  const load = async (name) => {
    try {
      const module = await import(pathToFileURL(require.resolve(name)));
      return module.default ?? module;
    } catch (error) {
      process.stderr.write(`error: the toolchain in ${directory} has no ${name} (${error.code ?? error.message}): run npm ci --ignore-scripts there\n`);
      process.exit(2);
    }
  };
  return { directory, load, modules: join(directory, "node_modules") };
}

async function step(name, act) {
  process.stderr.write(`${name}\n`);
  const begin = performance.now();
  const result = await act();
  process.stderr.write(`${name}: done in ${((performance.now() - begin) / 1_000).toFixed(1)} s\n`);
  return result;
}

async function checkTypes(tools, project, entry) {
  const ts = await tools.load("typescript");
  const { options, problems } = compilerOptions(ts, tools, project);
  const program = ts.createProgram([entry, join(SDK, "types/globals.d.ts")], options);
  const found = [...problems, ...ts.getPreEmitDiagnostics(program)].filter(({ category }) => category === ts.DiagnosticCategory.Error);
  if (found.length > 0) throw new BuildError(found.map((one) => diagnostic(ts, project, one)).join("\n"));
}

/** The project's own options, and those that a skill needs whatever the project says. */
function compilerOptions(ts, tools, project) {
  const file = join(project, "tsconfig.json");
  const read = existsSync(file) ? ts.readConfigFile(file, ts.sys.readFile) : { config: { compilerOptions: { strict: true } } };
  if (read.error !== undefined) return { options: {}, problems: [read.error] };
  // Which files there are is the entry's to say: tests are checked by whoever runs them.
  const parsed = ts.parseJsonConfigFileContent({ ...read.config, files: [], include: [] }, ts.sys, project);
  const problems = parsed.errors.filter(({ code }) => code !== 18_002 && code !== 18_003);
  const options = {
    ...parsed.options,
    noEmit: true,
    incremental: false,
    composite: false,
    declaration: false,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2024,
    lib: ["lib.es2024.d.ts", "lib.esnext.array.d.ts", "lib.esnext.disposable.d.ts"],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    types: [],
    paths: {
      ...parsed.options.paths,
      "@openclaw/skill": [join(SDK, "types/index.d.ts")],
      "@openclaw/skill/testing": [join(SDK, "types/testing.d.ts")],
      "@openclaw/skill/globals": [join(SDK, "types/globals.d.ts")],
      zod: [join(tools.modules, "zod")],
      "zod/*": [join(tools.modules, "zod/*")],
    },
  };
  return { options, problems };
}

function diagnostic(ts, project, { file, start, messageText }) {
  const message = ts.flattenDiagnosticMessageText(messageText, "\n  ");
  if (file === undefined) return `error: ${message}`;
  const { line, character } = file.getLineAndCharacterOfPosition(start);
  return `${shown(project, file.fileName)}:${line + 1}:${character + 1}: error: ${message}`;
}

const shown = (project, file) => {
  const path = relative(project, file);
  return path.startsWith("..") ? file : path.split(sep).join("/");
};

/** The bundle's text: an entry that joins the skill, the SDK and what its world imports. */
async function bundled(tools, project, entry, wit, world) {
  const esbuild = await tools.load("esbuild");
  const source = entrySource(project, entry, importedInterfaces(wit, world));
  const first = await runEsbuild(esbuild, tools, project, source, true);
  // Each of zod's fifty languages costs as much as a small skill, and almost nobody names one.
  return usesLocales(project, first.metafile) ? runEsbuild(esbuild, tools, project, source, false) : first;
}

function entrySource(project, entry, interfaces) {
  const known = Object.entries(INTERFACES).filter(([name]) => interfaces.has(name));
  const imports = known.map(([name, local]) => `import * as ${local} from ${JSON.stringify(name)};`);
  const runtime = (file) => JSON.stringify(join(SDK, "src/runtime", file));
  return [
    `import ${runtime("globals.js")};`,
    `import ${runtime("zod.js")};`,
    ...imports,
    `import skill from ${JSON.stringify(entry)};`,
    `import { component, finishLoading, setPlaces } from ${runtime("component.js")};`,
    `export const tools = component(skill, { ${known.map(([, local]) => `${local}: ${local}.default`).join(", ")} }, ${JSON.stringify(skillName(project))});`,
    "finishLoading();",
    "globalThis.__openclaw_places = setPlaces;",
  ].join("\n");
}

/** `publisher/name`, for the words of a denial; the manifest is read in full by whoever calls this script. */
function skillName(project) {
  const file = join(project, "openclaw/skill.toml");
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const table = /^\[skill\]\s*$([\s\S]*?)(?=^\[|$(?![\s\S]))/m.exec(text)?.[1] ?? "";
  const value = (key) => new RegExp(`^${key}\\s*=\\s*["']([a-z0-9-]+)["']`, "m").exec(table)?.[1];
  return `${value("publisher") ?? "PUBLISHER"}/${value("name") ?? "SKILL"}`;
}

async function runEsbuild(esbuild, tools, project, contents, oneLocale) {
  try {
    const result = await esbuild.build({
      stdin: { contents, resolveDir: project, sourcefile: "openclaw-entry.js" },
      absWorkingDir: project,
      bundle: true,
      format: "esm",
      platform: "neutral",
      mainFields: ["module", "main"],
      conditions: ["module"],
      // QuickJS knows the language up to here; its jobs, by which `async` goes on, are the SDK's to run.
      target: "es2023",
      supported: { "async-await": false, "async-generator": false, "for-await": false },
      external: ["openclaw:*"],
      nodePaths: [tools.modules],
      define: { "process.env.NODE_ENV": '"production"', global: "globalThis" },
      plugins: [resolution(tools, oneLocale), smallZod(await tools.load("typescript"))],
      // Whatever stands in the source lies in the memory of each call; names stay, for code that asks for them.
      minifyWhitespace: true,
      minifySyntax: true,
      charset: "utf8",
      legalComments: "none",
      sourcemap: "external",
      sourcesContent: false,
      metafile: true,
      outfile: join(project, "skill.js"),
      write: false,
      logLevel: "silent",
    });
    const [map, code] = ["skill.js.map", "skill.js"].map((name) => result.outputFiles.find((file) => file.path.endsWith(name)).text);
    return { code, map: JSON.parse(map), metafile: result.metafile };
  } catch (error) {
    if (error.errors === undefined) throw error;
    throw new BuildError(error.errors.map(esbuildMessage).join("\n"));
  }
}

function esbuildMessage({ text, location, notes }) {
  const place = location === null || location.file === "openclaw-entry.js" ? "" : `${location.file}:${location.line}:${location.column + 1}: `;
  const missing = /Could not resolve "(node:)?([^"]+)"/.exec(text);
  const hint = missing && isNodeModule(missing) ? "\n  a skill has no modules of Node: use ctx.files, ctx.http, ctx.process and the globals" : "";
  const more = hint === "" && location?.file !== "openclaw-entry.js" ? "" : notes.map((note) => `\n  ${note.text}`).join("");
  const top = text.startsWith("Top-level await") ? "a module of a skill cannot await while it is loaded: await within `run`" : text;
  const missingPackage = missing && hint === "" && !/^[./]/.test(missing[2]) ? "\n  if it is a package: npm install it in the project" : "";
  const plain = top.replace(/^No matching export in "(.+)" for import "default"$/, "$1 has no default export: it has to say `export default skill({ … })`");
  return `${place}error: ${plain}${hint || missingPackage || more}`;
}

const NODE = new Set(createRequire(import.meta.url)("node:module").builtinModules);
const isNodeModule = ([, prefix, name]) => prefix !== undefined || NODE.has(name);

/** The SDK is the one beside this script, and so is what it stands on where a project has none of its own. */
function resolution(tools, oneLocale) {
  const require = createRequire(join(tools.directory, "package.json"));
  return {
    name: "openclaw",
    setup(build) {
      build.onResolve({ filter: /^wasi:/ }, ({ path }) => ({ path: apart(path), external: true }));
      build.onResolve({ filter: /^@openclaw\/skill(\/testing)?$/ }, ({ path }) => ({ path: join(SDK, "src", path.endsWith("/testing") ? "testing.js" : "index.js") }));
      build.onResolve({ filter: /^zod(\/.*)?$/ }, ({ path }) => ({ path: require.resolve(path).replace(/\.cjs$/, ".js") }));
      build.onResolve({ filter: /^(@noble\/hashes|whatwg-url-minimum)(\/|$)/ }, ({ path, importer, kind, resolveDir, pluginData }) => {
        if (pluginData === "again" || !importer.startsWith(SDK + sep)) return undefined;
        return build.resolve(path, { importer, kind, resolveDir: tools.directory, pluginData: "again" });
      });
      // Many packages look for Node only where they find it: what they would load fails when it is asked for, by its name.
      build.onResolve({ filter: /.*/ }, ({ path, kind, importer }) => {
        const isMissing = kind === "require-call" && importer.includes(`${sep}node_modules${sep}`) && NODE.has(path.replace(/^node:/, ""));
        return isMissing ? { path, namespace: "node" } : undefined;
      });
      build.onLoad({ filter: /.*/, namespace: "node" }, ({ path }) => ({ contents: `throw new Error(${JSON.stringify(`a skill has no module ${path} of Node`)});` }));
      if (oneLocale) build.onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({ contents: 'export { default as en } from "./en.js";' }));
    },
  };
}

/** Lets the bundler see which parts of zod a module uses. */
function smallZod(ts) {
  return {
    name: "small-zod",
    setup(build) {
      build.onLoad({ filter: /\.[mc]?[jt]sx?$/ }, ({ path }) => {
        if (path.includes(`${sep}node_modules${sep}`) || path.startsWith(join(SDK, "src") + sep)) return undefined;
        return { contents: namespaceImports(ts, path, readFileSync(path, "utf8")), loader: /[jt]sx$/.test(path) ? path.slice(-3) : /\.[mc]?ts$/.test(path) ? "ts" : "js" };
      });
    },
  };
}

/** Whether something besides zod names its languages. */
function usesLocales(project, { inputs }) {
  const files = Object.keys(inputs).map((file) => resolve(project, file));
  const others = files.filter((file) => !/(^|\/)zod\//.test(file) && existsSync(file));
  return others.some((file) => /\blocales\b/.test(readFileSync(file, "utf8")) && /\bzod\b|@openclaw\/skill/.test(readFileSync(file, "utf8")));
}

async function componentized(tools, project, { code, map }, { wit, world }) {
  const { componentize } = await tools.load("componentize-qjs");
  const places = JSON.stringify(ownPlaces(map, (file) => ownFile(project, file)));
  // At the end, so that the lines before it stay what they are.
  const jsSource = `${code}\nglobalThis.__openclaw_places(${JSON.stringify(places)});\ndelete globalThis.__openclaw_places;\n`;
  try {
    const { component } = await withWitApart(resolve(wit), (witPath) => componentize({ witPath, jsSource, world, sync: true }));
    return withWasi(withoutInit(component));
  } catch (error) {
    throw new BuildError(loadError(project, map, String(error.message ?? error)));
  }
}

/** A file of the project itself as it is shown, or undefined for what is not the author's. */
function ownFile(project, file) {
  const path = relative(project, resolve(project, file));
  return path.startsWith("..") || path.split(sep).includes("node_modules") || path === "openclaw-entry.js" || resolve(project, file).startsWith(SDK + sep + "src") ? undefined : path.split(sep).join("/");
}

/** What went wrong while the modules were loaded, with the author's own place. */
function loadError(project, map, message) {
  const table = ownPlaces(map, (file) => ownFile(project, file));
  const places = [...message.matchAll(/:(\d+):(\d+)\)?/g)].map(([, line, column]) => placeOf(table, Number(line), Number(column)));
  const place = places.find((place) => place !== undefined);
  const fact = /message: Some\("((?:[^"\\]|\\.)*)"\)/.exec(message)?.[1] ?? /(?:Error|Exception): ([^\n]*)/.exec(message)?.[1] ?? message.trim();
  return `${place === undefined ? "" : `${place}: `}error: the skill cannot be loaded: ${fact.replace(/\\(["\\])/g, "$1")}`;
}

/** Whole or not at all. */
function write(file, bytes) {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.part`;
  writeFileSync(temporary, bytes);
  renameSync(temporary, file);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof BuildError ? error.message : error.stack}\n`);
  process.exitCode = 1;
}
