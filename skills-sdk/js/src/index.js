// Write an OpenClaw skill in TypeScript or JavaScript: declare tools with zod, get a sandboxed component.

export { z } from "zod";
export { skill, tool } from "./skill.js";
export {
  AskError,
  DeniedError,
  FailedError,
  FilesError,
  HostError,
  HttpError,
  InvalidInputError,
  LlmError,
  MemoryError,
  ProcessError,
  SkillError,
  UnknownToolError,
} from "./errors.js";
