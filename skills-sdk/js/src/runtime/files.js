// Files below the trees that the skill holds, over `wasi:filesystem`.

import { FilesError } from "../errors.js";
import { guarded } from "./host.js";

/** How much is read or written at a time, in bytes. */
const CHUNK = 1 << 18;

const FOLLOW = { symlinkFollow: true };
const STAY = { symlinkFollow: false };

const TYPES = { "regular-file": "file", directory: "directory", "symbolic-link": "symlink" };

const WORDS = {
  access: "is not allowed",
  "not-permitted": "is not allowed",
  "read-only": "is in a tree that the skill may only read",
  "no-entry": "does not exist",
  "is-directory": "is a directory",
  "not-directory": "is no directory",
  "not-empty": "is a directory that is not empty",
  exist: "exists already",
  "insufficient-space": "does not fit: the skill's space is used up",
  quota: "does not fit: the skill's quota is used up",
};

/** What the owner has not allowed is one thing, whatever the system calls it. */
const DENIALS = new Set(["access", "not-permitted", "read-only"]);

export function filesystem(preopens, skill) {
  /** The tree that holds a path, and the path below it. */
  const locate = (path) => {
    for (const [directory, root] of preopens.getDirectories()) {
      const base = root.replace(/\/+$/, "");
      if (path === base) return { directory, below: "." };
      if (path.startsWith(`${base}/`)) return { directory, below: path.slice(base.length + 1) };
    }
    throw new FilesError("denied", `the skill holds no tree with ${path}; ${remedy(path, skill)}`);
  };
  const at = (path, act) => {
    const error = (code) => new FilesError(DENIALS.has(code) ? "denied" : code, `${path} ${WORDS[code] ?? `failed: ${code}`}`);
    return guarded(error, () => {
      const { directory, below } = locate(path);
      return act(directory, below);
    })();
  };
  return {
    read: (path) => at(path, (directory, below) => using(directory.openAt(FOLLOW, below, {}, { read: true }), readAll)),
    write: (path, content) =>
      at(path, (directory, below) => using(directory.openAt(FOLLOW, below, { create: true, truncate: true }, { write: true }), (file) => writeAll(file, content))),
    list: (path) => at(path, (directory, below) => using(directory.openAt(FOLLOW, below, { directory: true }, { read: true }), entries)),
    stat: (path, { follow = true } = {}) => at(path, (directory, below) => described(directory.statAt(follow ? FOLLOW : STAY, below))),
    removeFile: (path) => at(path, (directory, below) => void directory.unlinkFileAt(below)),
    removeDirectory: (path) => at(path, (directory, below) => void directory.removeDirectoryAt(below)),
    makeDirectory: (path) => at(path, (directory, below) => void directory.createDirectoryAt(below)),
    rename: (from, to) =>
      at(from, (directory, below) => {
        const target = locate(to);
        directory.renameAt(below, target.directory, target.below);
      }),
  };
}

/** What would give the skill a path: one of the two trees that every skill can ask for, or the owner's own decision. */
function remedy(path, skill) {
  const tree = /^\/workspace(\/|$)/.test(path) ? "$workspace" : /^\/data(\/|$)/.test(path) ? "$data" : undefined;
  if (tree === undefined) return "its trees are those that openclaw/skill.toml declares and its owner granted";
  return `declare \`[[permission.filesystem]]\` with tree = "${tree}" in openclaw/skill.toml; where it is declared, to grant it: openclaw grant allow ${skill} filesystem:read '${tree}'`;
}

/** Uses something of the host's, and drops it in any case. */
function using(resource, act) {
  try {
    return act(resource);
  } finally {
    resource[Symbol.dispose]();
  }
}

function readAll(file) {
  const parts = [];
  let length = 0;
  for (;;) {
    const [part, isEnd] = file.read(CHUNK, length);
    parts.push(part);
    length += part.length;
    if (isEnd || part.length === 0) break;
  }
  return parts.length === 1 ? parts[0] : joined(parts, length);
}

/** One array of many. */
export function joined(parts, length) {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function writeAll(file, content) {
  for (let at = 0; at < content.length; ) at += file.write(content.slice(at, at + CHUNK), at);
}

function entries(directory) {
  return using(directory.readDirectory(), (stream) => {
    const all = [];
    for (let entry = stream.readDirectoryEntry(); entry !== null && entry !== undefined; entry = stream.readDirectoryEntry()) {
      all.push({ name: entry.name, type: TYPES[entry.type] ?? "other" });
    }
    return all;
  });
}

function described({ type, size, dataModificationTimestamp: modified }) {
  const time = modified === null || modified === undefined ? undefined : new Date(modified.seconds * 1_000 + Math.floor(modified.nanoseconds / 1e6));
  return { type: TYPES[type] ?? "other", size, modified: time };
}
