// Finds the tables in a text in Markdown, and lines them up.

import { type Marking, render } from "./render.js";

const FENCE = /^ {0,3}(```+|~~~+)/;
const RULE = /^ {0,3}\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

/** A table is a line with bars, a rule of as many cells below it, and the lines with bars after that. */
export function alignTables(markdown: string): { markdown: string; tables: number } {
  const lines = markdown.split("\n");
  const made: string[] = [];
  let tables = 0;
  let fence: string | undefined;
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? "";
    const mark = FENCE.exec(line)?.[1];
    if (mark !== undefined && (fence === undefined || mark.startsWith(fence))) fence = fence === undefined ? mark : undefined;
    const length = fence === undefined ? tableLength(lines, at) : 0;
    if (length === 0) {
      made.push(line);
      at++;
    } else {
      made.push(...aligned(lines.slice(at, at + length)));
      tables++;
      at += length;
    }
  }
  return { markdown: made.join("\n"), tables };
}

/** How many lines of a table begin here; none, if there is no table. */
function tableLength(lines: readonly string[], at: number): number {
  const [head = "", rule = ""] = [lines[at], lines[at + 1]];
  const isTable = head.includes("|") && rule.includes("-") && RULE.test(rule) && cells(head).length === cells(rule).length;
  if (!isTable) return 0;
  let end = at + 2;
  while (end < lines.length && (lines[end] ?? "").includes("|") && !FENCE.test(lines[end] ?? "")) end++;
  return end - at;
}

function aligned([head = "", rule = "", ...rows]: string[]): string[] {
  const columns = cells(head);
  const table = render({ columns, rows: rows.map((row) => cells(row).slice(0, columns.length)) }, cells(rule).map(marking));
  return table.trimEnd().split("\n");
}

/** The cells of a line: a bar that is escaped is no border. */
function cells(line: string): string[] {
  const inner = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function marking(rule: string): Marking {
  const [left, right] = [rule.startsWith(":"), rule.endsWith(":")];
  if (left && right) return "center";
  return right ? "right" : left ? "left" : "none";
}
