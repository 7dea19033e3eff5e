// Keeps the skill's imports of WASI apart from those of the engine's own C library while the snapshot is taken.
//
// The snapshot is taken with a WASI that is there for the C library, and with traps in place of all other imports. A trap
// that uses a stream of the real WASI, as in `wasi:http`, does not fit it. So the skill's world gets a version of WASI that
// nobody has, and when the snapshot is taken, one that every host of 0.2 takes. It differs from the C library's 0.2.12,
// since a component cannot import one name twice.

import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const IN_WIT = /(\bwasi:[a-z-]+(?:\/[a-z-]+)?)@0\.2\.\d+/g;
const NOBODYS = "9.7.53";
/** As long as the one above, since it takes its place in the binary. */
const FINAL = "0.2.11";

const inComponent = new RegExp(`(\\bwasi:[a-z-]+/[a-z-]+@)${NOBODYS.replaceAll(".", "\\.")}`, "g");

/** The name of an interface while the snapshot is taken. */
export const apart = (text) => text.replace(IN_WIT, `$1@${NOBODYS}`);

/** Calls `act` with a copy of a directory of WIT whose WASI is kept apart. */
export async function withWitApart(directory, act) {
  const copy = mkdtempSync(join(tmpdir(), "openclaw-wit-"));
  try {
    cpSync(directory, copy, { recursive: true });
    for (const file of readdirSync(copy, { recursive: true }).filter((name) => name.endsWith(".wit"))) {
      const path = join(copy, file);
      // Attributes name older versions, which a package of version 9 has gone past; the rest of the text does not mind.
      writeFileSync(path, apart(readFileSync(path, "utf8")));
    }
    return await act(copy);
  } finally {
    rmSync(copy, { recursive: true });
  }
}

/** Gives a component the version of WASI that hosts have. */
export function withWasi(component) {
  return Buffer.from(component.toString("latin1").replace(inComponent, `$1${FINAL}`), "latin1");
}
