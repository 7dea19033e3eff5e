// Writes `import { z } from …` as `import * as z from "zod"`: of a namespace, a bundler keeps only what is used.

const SOURCES = new Set(["zod", "@openclaw/skill"]);

/** The text of a module with such imports rewritten; each line stays where it is. */
export function namespaceImports(ts, path, text) {
  if (!/\bz\b/.test(text)) return text;
  const module = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, false);
  let made = text;
  // From the end, so that the places before stay right.
  for (const statement of module.statements.filter(ts.isImportDeclaration).reverse()) {
    const named = statement.importClause?.namedBindings;
    if (!SOURCES.has(statement.moduleSpecifier.text) || named === undefined || !ts.isNamedImports(named)) continue;
    const own = named.elements.find((element) => (element.propertyName ?? element.name).text === "z" && !element.isTypeOnly);
    if (own === undefined || statement.importClause.isTypeOnly) continue;
    const end = text[statement.end - 1] === ";" ? "" : ";";
    made = `${made.slice(0, statement.end)}${end} import * as ${own.name.text} from "zod";${made.slice(statement.end)}`;
    made = without(made, named, own, module);
  }
  return made;
}

function without(text, named, own, module) {
  const start = own.getStart(module);
  const comma = /^\s*,/.exec(text.slice(own.end, named.end));
  const gap = text.slice(start, own.end + (comma?.[0].length ?? 0)).replace(/[^\n]/g, "");
  return text.slice(0, start) + gap + text.slice(own.end + (comma?.[0].length ?? 0));
}
