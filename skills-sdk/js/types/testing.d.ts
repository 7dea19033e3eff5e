// A context for tests, without a host: memory, files and log in the process, the rest as the test writes it.

import type { Context, ProcessExit, Skill } from "./index.js";

/** What a fake context is made of. What is left out is empty, or as where the owner has not granted it. */
export interface FakeOptions {
  /** Values of the memory, whatever the quota is. */
  memory?: Record<string, string | Uint8Array>;
  /** Bounds the memory, in bytes of keys and values, and 32 for each entry. */
  quota?: number;
  /** Denies the memory with this text, as where the owner has not granted it. */
  denyMemory?: string;
  /** Files under their absolute paths, below `/workspace` and `/data`. */
  files?: Record<string, string | Uint8Array>;
  /** What servers answer: by `"GET https://…"` or by URL, or a function. What is not there is denied. */
  http?: Record<string, FakeAnswer> | ((request: FakeRequest) => FakeAnswer | undefined | Promise<FakeAnswer | undefined>);
  /** Answers in place of a language model. Without this there is none. */
  llm?: (request: FakePrompt) => string | Promise<string>;
  /** Answers in place of a person. Without this there is nobody. */
  ask?: (text: string, choices: readonly string[]) => string | Promise<string>;
  /** Programs by their names. One that is not there is denied; the fake knows no shapes of arguments. */
  programs?: Record<string, (args: readonly string[], command: FakeCommand) => FakeOutput | string | void>;
}

export type FakeAnswer = string | { status?: number; headers?: Record<string, string>; body?: string | Uint8Array; json?: unknown };

export interface FakeRequest {
  method: string;
  url: string;
  headers: [string, string][];
  body: Uint8Array | undefined;
}

export interface FakePrompt {
  prompt: string;
  system: string | undefined;
  maxTokens: number | undefined;
}

export interface FakeCommand {
  program: string;
  arguments: string[];
  environment: [string, string][];
  directory: string | undefined;
  timeoutMs: number | undefined;
  input: Uint8Array;
  /** The program and its arguments, in one line. */
  line: string;
}

/** What a program of a test leaves: nothing, and success, unless something is said. */
export interface FakeOutput {
  code?: number;
  exit?: ProcessExit;
  stdout?: string | Uint8Array;
  stderr?: string | Uint8Array;
  heldBack?: string[];
}

/** What was done with a fake context. */
export interface Fake {
  readonly log: { level: "trace" | "debug" | "info" | "warn" | "error"; message: string }[];
  readonly progress: { done: number; total: number | undefined; message: string }[];
  readonly requests: FakeRequest[];
  /** In their order, denied ones too. */
  readonly commands: FakeCommand[];
  readonly questions: { text: string; choices: string[] }[];
  readonly prompts: FakePrompt[];
  /** The files as they are now, by their paths. */
  readonly files: Map<string, Uint8Array>;
  /** The memory as it is now. */
  readonly memory: Map<string, Uint8Array>;
}

/** A context for tests. */
export function fakeContext(options?: FakeOptions): Context & { readonly fake: Fake };

/**
 * Calls a tool as the host does: with JSON, by its name in kebab-case, with the global `fetch` over the context. Throws
 * what the host would report: `InvalidInputError`, `DeniedError`, `FailedError` or `UnknownToolError`.
 */
export function call<T = any>(skill: Skill, tool: string, input?: unknown, ctx?: Context): Promise<T>;

/** The tools of a skill as they are packed. */
export function tools(skill: Skill): { name: string; description: string; inputSchema: object; outputSchema: object | undefined }[];

