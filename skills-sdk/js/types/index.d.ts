// Write an OpenClaw skill in TypeScript or JavaScript: declare tools with zod, get a sandboxed component.

import type { z } from "zod";

export { z } from "zod";

/** A tool: what it does, what it takes, what it gives, and the function itself. */
export interface ToolDefinition<Input extends z.ZodType, Output extends z.ZodType> {
  /** What it does and when to use it, in words for the model that chooses: 1 to 4,096 characters. */
  description: string;
  /** What it takes: a `z.object({ … })`, or a union of such. Left out, the tool takes `{}`. */
  input?: Input;
  /** What it gives. The result is checked against it, and the caller is told its JSON Schema. */
  output?: Output;
  /**
   * The tool. It may be async: the call ends when the promise is settled, and a promise that is not when nothing is left
   * to do fails the call. What it throws becomes the call's error; see {@link SkillError}.
   */
  run(ctx: Context, input: z.output<Input>): Result<Output> | Promise<Result<Output>>;
}

/** What `run` returns: what the output's schema takes, or any JSON where there is none. */
export type Result<Output extends z.ZodType> = z.ZodType extends Output ? unknown : z.input<Output>;

/** A tool, made by {@link tool}. */
export interface Tool {
  readonly description: string;
  readonly input: z.ZodType;
  readonly output: z.ZodType | undefined;
}

/** A skill, made by {@link skill}. */
export interface Skill {
  /** The tools under their names in kebab-case. */
  readonly tools: ReadonlyMap<string, Tool>;
}

/** Declares a tool. */
export function tool<Input extends z.ZodType = z.ZodObject<{}>, Output extends z.ZodType = z.ZodType>(definition: ToolDefinition<Input, Output>): Tool;

/**
 * Declares a skill; a project's entry exports it as its default. The names of tools become kebab-case: `smartCommit` and
 * `smart_commit` are `smart-commit`.
 */
export function skill(definition: { tools: Record<string, Tool> }): Skill;

/** What a tool is given beside its input. What the manifest does not declare throws an error with the code `denied`. */
export interface Context {
  /** The skill's log: kept by the host, shown to the owner, never part of a result. */
  readonly log: Log;
  /** `[permission.memory]`: the skill's own key-value store. */
  readonly memory: Memory;
  /** `[permission.llm]`: the owner's language model. */
  readonly llm: Llm;
  /** `[permission.ask]`: questions to the person behind the session. */
  readonly ask: Ask;
  /** `[[permission.network]]`: requests to what the manifest names. */
  readonly http: Http;
  /** `[[permission.process]]`: programs of the host. */
  readonly process: Process;
  /** `[[permission.filesystem]]`: files below `/workspace`, `/data` and other granted trees. */
  readonly files: Files;
}

/** Writing never fails: past the host's limits of a call, lines are dropped and counted. */
export interface Log {
  trace(message: unknown): void;
  debug(message: unknown): void;
  info(message: unknown): void;
  warn(message: unknown): void;
  error(message: unknown): void;
  /** Says how far the call is: of `total`, where it is known, `done` is done. */
  progress(done: number, total?: number | null, message?: string): void;
}

/** Values are bytes, kept between calls and over upgrades. Each operation is atomic. Throws {@link MemoryError}. */
export interface Memory {
  /** The value under a key as text, or undefined. Bytes that are no UTF-8 are an error; see `getBytes`. */
  get(key: string): string | undefined;
  /** The value under a key, or undefined. */
  getBytes(key: string): Uint8Array | undefined;
  /** The value under a key, read as JSON, or undefined. */
  getJson<T = unknown>(key: string): T | undefined;
  /** Puts a value under a key of 1 to 512 bytes. Past the quota it fails and changes nothing. */
  set(key: string, value: string | Uint8Array | ArrayBuffer): void;
  /** Puts a value under a key, written as JSON. */
  setJson(key: string, value: unknown): void;
  /** Removes a key; true if it was there. */
  delete(key: string): boolean;
  /** Values that have every word of a query, those first where they are densest: at most `limit` (10), and at most 100. */
  search(query: string, limit?: number): Hit[];
  /** Keys that begin with a prefix, in byte order; without one, all. */
  list(prefix?: string): string[];
}

/** Where a search found something. */
export interface Hit {
  key: string;
  /** What stands around the words, at most 512 bytes. */
  snippet: string;
}

/** Throws {@link LlmError}. */
export interface Llm {
  /** Asks the model. Both texts together have at most 1 MiB; the answer is cut at 256 KiB, and nobody vouches for it. */
  complete(request: string | { prompt: string; system?: string; maxTokens?: number }): Promise<Completion>;
  /** Whether it is declared and granted, the host has a model, and the call has tokens left. */
  isAvailable(): boolean;
}

/** What a model answered. */
export interface Completion {
  text: string;
  inputTokens: number;
  outputTokens: number;
}

/** Throws {@link AskError}. The call's deadline goes on while the person thinks. */
export interface Ask {
  /** Puts a question of at most 4 KiB and gives what they wrote; with up to 16 choices, one of these. */
  question<const Choices extends readonly string[] = readonly []>(
    text: string,
    choices?: Choices,
  ): Promise<Choices extends readonly [] ? string : Choices[number]>;
  /** Whether it is declared and granted, there is somebody, and the call may ask once more. */
  isAvailable(): boolean;
}

/** No redirect is followed; `fetch` follows them. Throws {@link HttpError}. */
export interface Http {
  request(request: HttpRequest): Promise<HttpResponse>;
  get(url: string | URL, options?: { headers?: HttpHeaders; timeoutMs?: number }): Promise<HttpResponse>;
  post(url: string | URL, body: HttpBody, options?: { headers?: HttpHeaders; timeoutMs?: number }): Promise<HttpResponse>;
}

export type HttpHeaders = Record<string, string> | { entries(): Iterable<[string, string]> };
export type HttpBody = string | Uint8Array | ArrayBuffer;

/** A request. */
export interface HttpRequest {
  /** `GET` where it is left out. */
  method?: string;
  url: string | URL;
  headers?: HttpHeaders;
  body?: HttpBody;
  /** Milliseconds for connecting, for the first byte, and between bytes. */
  timeoutMs?: number;
}

/** An answer, whatever its status. */
export interface HttpResponse {
  readonly status: number;
  /** Whether the status is 200 to 299. */
  readonly ok: boolean;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  text(): string;
  json<T = any>(): T;
}

/** Throws {@link ProcessError} where nothing was run. A program that ran and failed is no error; see `checked`. */
export interface Process {
  /** Runs a program to its end, without a shell, and gathers at most 4 MiB of its output and as much of its errors. */
  run(program: string, args?: readonly string[], options?: ProcessOptions): Promise<ProcessOutput>;
}

export interface ProcessOptions {
  /** Variables that the manifest leaves to the skill. */
  env?: Record<string, string>;
  /** Where it works: an absolute path in one of the skill's trees; `/workspace` by default, or `/data`. */
  directory?: string;
  timeoutMs?: number;
  /** What it reads from its standard input. */
  input?: string | Uint8Array | ArrayBuffer;
}

/** What a program left. */
export interface ProcessOutput {
  readonly exit: ProcessExit;
  /** Whether it ended by itself with the code zero. */
  readonly success: boolean;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  /** Control files that it made without being allowed to; each was renamed. */
  readonly heldBack: readonly string[];
  stdoutText(): string;
  stderrText(): string;
  /** The same, or a {@link FailedError} with the program, how it ended and the first lines of its errors. */
  checked(): ProcessOutput;
}

/** How a program ended. */
export type ProcessExit =
  | { tag: "code"; val: number }
  | { tag: "signal"; val: number }
  | { tag: "stopped"; val: "deadline" | "output" | "memory" | "processes" | "disk" | "killed" | "lost" };

/** Paths are absolute: `/workspace/…`, `/data/…`, or of a tree that the manifest names. Throws {@link FilesError}. */
export interface Files {
  read(path: string): Uint8Array;
  /** A file's text; one that is no UTF-8 is an error. */
  readText(path: string): string;
  /** Writes a file in place of what was there; its directory has to be there. */
  write(path: string, content: string | Uint8Array | ArrayBuffer): void;
  writeText(path: string, content: string): void;
  /** What is in a directory, in the order of names. */
  list(path: string): FileEntry[];
  stat(path: string): FileStat;
  exists(path: string): boolean;
  /** Removes a file or an empty directory; with `recursive`, all that is in it as well. */
  remove(path: string, options?: { recursive?: boolean }): void;
  /** Makes a directory; with `recursive`, those above it as well, and one that is there is no error. */
  makeDirectory(path: string, options?: { recursive?: boolean }): void;
  /** Moves a file or a directory, in place of a file that was there. */
  rename(from: string, to: string): void;
}

export type FileType = "file" | "directory" | "symlink" | "other";

export interface FileEntry {
  name: string;
  type: FileType;
}

export interface FileStat {
  type: FileType;
  /** In bytes. */
  size: number;
  modified: Date | undefined;
}

/** An error of a tool, in words for its caller; throw one of those below. */
export class SkillError extends Error {
  readonly code: "unknown-tool" | "invalid-input" | "denied" | "failed";
  protected constructor(code: string, message: string, options?: { cause?: unknown });
}

/** The input does not mean anything to the tool; say which part, and why. */
export class InvalidInputError extends SkillError {
  constructor(message: string, options?: { cause?: unknown });
}

/** A permission that the tool cannot go on without was denied; pass on the host's words where there are any. */
export class DeniedError extends SkillError {
  constructor(message: string, options?: { cause?: unknown });
}

/** The tool tried and failed. */
export class FailedError extends SkillError {
  constructor(message: string, options?: { cause?: unknown });
}

/** The skill has no tool of that name. */
export class UnknownToolError extends SkillError {
  constructor(tool: string);
}

/**
 * What the host refused or could not do. `denied` has the host's text, with the command that grants it; where a tool lets
 * it pass, the call's error is `denied` as well.
 */
export class HostError<Code extends string = string> extends Error {
  readonly code: Code | "denied";
  constructor(code: Code | "denied", message: string, options?: { cause?: unknown });
}

export class MemoryError extends HostError<"quota-exceeded" | "invalid-key" | "invalid-query" | "unavailable" | "json"> {}
export class LlmError extends HostError<"quota-exceeded" | "unavailable"> {}
export class AskError extends HostError<"nobody" | "dismissed" | "too-many" | "unavailable"> {}
export class ProcessError extends HostError<"too-many" | "unavailable"> {}
/** Its code is `denied`, `json`, or an error code of `wasi:http`, such as `connection-refused`. */
export class HttpError extends HostError {}
/** Its code is `denied`, or an error code of `wasi:filesystem`, such as `no-entry` or `exist`. */
export class FilesError extends HostError {}
