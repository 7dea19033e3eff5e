// Writes tables in Markdown, with columns as wide as what a reader sees.

import { eastAsianWidth } from "get-east-asian-width";

import type { Table } from "./parse.js";

export type Alignment = "left" | "center" | "right";

/** A column that no alignment was given for. */
export type Marking = Alignment | "none";

/** The least width of a column, so that its rule has room for two colons and a dash. */
const NARROWEST = 3;

export function render({ columns, rows }: Table, alignments: readonly Marking[]): string {
  const lines = [columns, ...rows].map((row) => columns.map((_, at) => escape(row[at] ?? "")));
  const widths = columns.map((_, at) => Math.max(NARROWEST, ...lines.map((line) => width(line[at] ?? ""))));
  const [head = [], ...body] = lines.map((line) => line.map((cell, at) => padded(cell, widths[at] ?? NARROWEST, alignments[at] ?? "left")));
  const rule = widths.map((width, at) => ruled(width, alignments[at] ?? "left"));
  return [head, rule, ...body].map((line) => `| ${line.join(" | ")} |\n`).join("");
}

/** A cell stays in its line, and a bar in its cell. */
const escape = (cell: string): string => cell.replace(/\\?\|/g, "\\|").replace(/\r\n|\r|\n/g, "<br>").replace(/\t/g, " ");

/** Columns of a terminal: marks take none, and a picture or an ideograph two. */
export function width(text: string): number {
  const plain = text.replace(/\p{Regional_Indicator}{2}|\p{Emoji_Presentation}(?:[\p{M}\u{1f3fb}-\u{1f3ff}]|\u200d\p{Extended_Pictographic})*/gu, "漢");
  return [...plain].reduce((sum, character) => sum + (/[\p{M}\p{Cf}\p{Cc}]/u.test(character) ? 0 : eastAsianWidth(character.codePointAt(0) ?? 0)), 0);
}

function padded(cell: string, wanted: number, alignment: Marking): string {
  const room = wanted - width(cell);
  const before = alignment === "right" ? room : alignment === "center" ? Math.floor(room / 2) : 0;
  return " ".repeat(before) + cell + " ".repeat(room - before);
}

function ruled(width: number, alignment: Marking): string {
  const left = alignment === "left" || alignment === "center" ? ":" : "-";
  const right = alignment === "right" || alignment === "center" ? ":" : "-";
  return `${left}${"-".repeat(width - 2)}${right}`;
}
