// Reads tables from CSV and JSON.

import { InvalidInputError } from "@openclaw/skill";
import Papa from "papaparse";

/** A table: each row has as many cells as there are columns, or fewer. */
export interface Table {
  columns: string[];
  rows: string[][];
}

export function parse(text: string, format: "auto" | "csv" | "json"): Table {
  const plain = text.replace(/^\ufeff/, "");
  const isJson = format === "json" || (format === "auto" && /^\s*[[{]/.test(plain));
  return isJson ? fromJson(plain) : fromCsv(plain);
}

/** The first line names the columns; the delimiter is found out. */
function fromCsv(text: string): Table {
  const { data, errors } = Papa.parse<string[]>(text, { skipEmptyLines: "greedy" });
  const fault = errors.find(({ type }) => type === "Quotes");
  if (fault !== undefined) throw new InvalidInputError(`the CSV: line ${(fault.row ?? 0) + 1}: ${fault.message}`);
  const [head, ...rows] = data;
  if (head === undefined) throw new InvalidInputError("the CSV has no lines");
  const longest = Math.max(head.length, ...rows.map((row) => row.length));
  const columns = Array.from({ length: longest }, (_, at) => head[at]?.trim() || `column ${at + 1}`);
  return { columns, rows: rows.map((row) => row.map((cell) => cell.trim())) };
}

/** A list of objects, of lists of which the first names the columns, or of values; an object is a list of one. */
function fromJson(text: string): Table {
  const value = read(text);
  const items = Array.isArray(value) ? value : [value];
  if (items.length === 0) throw new InvalidInputError("the JSON is an empty list");
  if (items.every(Array.isArray)) return fromLists(items as unknown[][]);
  if (items.every(isObject)) return fromObjects(items);
  if (items.some((item) => typeof item === "object" && item !== null)) {
    throw new InvalidInputError("the JSON mixes objects, lists and values: give a list of one kind");
  }
  return { columns: ["value"], rows: items.map((item) => [shown(item)]) };
}

function read(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InvalidInputError(`the JSON: ${(error as Error).message}`);
  }
}

function fromLists([head = [], ...rows]: unknown[][]): Table {
  const longest = Math.max(head.length, ...rows.map((row) => row.length));
  const columns = Array.from({ length: longest }, (_, at) => (at < head.length && shown(head[at])) || `column ${at + 1}`);
  return { columns, rows: rows.map((row) => row.map(shown)) };
}

/** Columns in the order in which they come up. */
function fromObjects(items: Record<string, unknown>[]): Table {
  const columns = [...new Set(items.flatMap((item) => Object.keys(item)))];
  return { columns, rows: items.map((item) => columns.map((name) => (Object.hasOwn(item, name) ? shown(item[name]) : ""))) };
}

const isObject = (item: unknown): item is Record<string, unknown> => typeof item === "object" && item !== null && !Array.isArray(item);

function shown(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
