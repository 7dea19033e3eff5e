// Makes Markdown tables of data, and lines up those that are there.

import { type Context, InvalidInputError, skill, tool, z } from "@openclaw/skill";

import { alignTables } from "./align.js";
import { type Table, parse } from "./parse.js";
import { type Alignment, render } from "./render.js";

const ROWS = 200;
const ROWS_MOST = 1_000;
/** The largest file that is read, in bytes. */
const FILE_MOST = 4 << 20;

const alignment = z.enum(["left", "center", "right"]);

export default skill({
  tools: {
    render: tool({
      description: "Make a Markdown table of CSV or JSON. Use it whenever rows of data are to be shown.",
      input: z.object({
        text: z.string().optional().describe("The data itself. Give this or `file`."),
        file: z.string().optional().describe("A file of the workspace with the data, by its path in it: data/sales.csv."),
        format: z.enum(["auto", "csv", "json"]).default("auto").describe("How the data is written. `auto` looks at how it begins."),
        columns: z.array(z.string()).min(1).optional().describe("Which columns to show, in this order. Default: all."),
        align: z.record(z.string(), alignment).default({}).describe("How to align columns, by their names. Default: numbers to the right."),
        max_rows: z.int().min(1).max(ROWS_MOST).default(ROWS).describe(`How many rows to show, at most ${ROWS_MOST}.`),
      }),
      output: z.object({
        table: z.string().describe("The table, in Markdown."),
        rows: z.int().describe("How many rows it shows."),
        columns: z.array(z.string()).describe("The names of its columns."),
        omitted_rows: z.int().describe("How many rows were left out."),
      }),
      run(ctx, input) {
        const all = choose(parse(data(ctx, input), input.format), input.columns);
        const rows = all.rows.slice(0, input.max_rows);
        const omitted = all.rows.length - rows.length;
        if (omitted > 0) ctx.log.warn(`left out ${omitted} rows`);
        const table = render({ columns: all.columns, rows }, alignments(all, input.align));
        return { table, rows: rows.length, columns: all.columns, omitted_rows: omitted };
      },
    }),
    align: tool({
      description: "Line up the tables in a text in Markdown. Use it when a table is hard to read as text.",
      input: z.object({ markdown: z.string().describe("The text, with any number of tables in it.") }),
      output: z.object({
        markdown: z.string().describe("The same text with its tables lined up."),
        tables: z.int().describe("How many tables it has."),
      }),
      run: (_, { markdown }) => alignTables(markdown),
    }),
  },
});

function data(ctx: Context, { text, file }: { text?: string | undefined; file?: string | undefined }): string {
  if ((text === undefined) === (file === undefined)) throw new InvalidInputError("give either `text` or `file`");
  if (file === undefined) return text ?? "";
  const path = `/workspace/${file}`;
  const { type, size } = ctx.files.stat(path);
  if (type !== "file") throw new InvalidInputError(`\`file\`: ${file} is a ${type}`);
  if (size > FILE_MOST) throw new InvalidInputError(`\`file\`: ${file} has ${size} bytes, more than ${FILE_MOST}`);
  return ctx.files.readText(path);
}

function choose(table: Table, wanted: readonly string[] | undefined): Table {
  if (wanted === undefined) return table;
  const places = wanted.map((name) => place(table, name, "columns"));
  return { columns: [...wanted], rows: table.rows.map((row) => places.map((at) => row[at] ?? "")) };
}

function place({ columns }: Table, name: string, field: string): number {
  const at = columns.indexOf(name);
  if (at < 0) throw new InvalidInputError(`\`${field}\`: there is no column ${JSON.stringify(name)}; there is ${columns.map((name) => JSON.stringify(name)).join(", ")}`);
  return at;
}

/** Numbers stand to the right, where nothing else was asked for. */
function alignments(table: Table, asked: Record<string, Alignment>): Alignment[] {
  const wanted = new Map(Object.entries(asked));
  for (const name of wanted.keys()) place(table, name, "align");
  return table.columns.map((name, at) => wanted.get(name) ?? (isNumeric(table.rows.map((row) => row[at] ?? "")) ? "right" : "left"));
}

const NUMBER = /^[-+]?(\d{1,3}([ ,'’]\d{3})+|\d+)(\.\d+)?\s?%?$/;

function isNumeric(cells: readonly string[]): boolean {
  const filled = cells.filter((cell) => cell !== "");
  return filled.length > 0 && filled.every((cell) => NUMBER.test(cell));
}
