// What each capability does when it is granted, and the code of what it refuses.

import { HostError, skill, tool, z } from "@openclaw/skill";

async function outcome(act: () => unknown): Promise<unknown> {
  try {
    return (await act()) ?? null;
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return `${error.constructor.name} ${error.code}: ${error.message}`;
  }
}

export default skill({
  tools: {
    memory: tool({
      description: "Uses the memory.",
      async run({ memory }) {
        memory.set("b/1", "the quick brown fox");
        memory.setJson("b/2", { deep: [1, 2] });
        memory.set("a", new Uint8Array([0xff]));
        return {
          text: memory.get("b/1"),
          json: memory.getJson("b/2"),
          bytes: [...(memory.getBytes("a") ?? [])],
          missing: memory.get("c") ?? null,
          keys: memory.list("b/"),
          all: memory.list(),
          found: memory.search("QUICK fox").map(({ key }) => key),
          deleted: [memory.delete("a"), memory.delete("a")],
          quota: await outcome(() => memory.set("big", "x".repeat(2_000))),
          key: await outcome(() => memory.set("", "x")),
          query: await outcome(() => memory.search("x".repeat(2_000))),
        };
      },
    }),
    files: tool({
      description: "Uses files.",
      async run({ files }) {
        files.makeDirectory("/workspace/t/u", { recursive: true });
        files.writeText("/workspace/t/a.txt", "grüß dich\n");
        files.write("/workspace/t/big", new Uint8Array(700_000).fill(7));
        files.writeText("/workspace/t/a.txt", "kurz");
        files.rename("/workspace/t/a.txt", "/workspace/t/u/b.txt");
        const result = {
          text: files.readText("/workspace/t/u/b.txt"),
          big: files.read("/workspace/t/big").length,
          list: files.list("/workspace/t"),
          size: files.stat("/workspace/t/u/b.txt").size,
          year: files.stat("/workspace/t/u/b.txt").modified?.getUTCFullYear() ?? null,
          exists: [files.exists("/workspace/t/x"), files.exists("/workspace/t")],
          binary: await outcome(() => (files.write("/workspace/t/bin", new Uint8Array([0xff])), files.readText("/workspace/t/bin"))),
          missing: await outcome(() => files.readText("/workspace/t/x")),
          outside: await outcome(() => files.readText("/workspace/../etc/passwd")),
          data: await outcome(() => files.readText("/data/x")),
          relative: await outcome(() => files.readText("x")),
          full: await outcome(() => files.remove("/workspace/t")),
          control: await outcome(() => files.writeText("/workspace/.envrc", "x")),
        };
        files.remove("/workspace/t", { recursive: true });
        return { ...result, gone: !files.exists("/workspace/t") };
      },
    }),
    process: tool({
      description: "Runs programs.",
      async run({ process }) {
        const git = await process.run("git", ["--version"]);
        return {
          version: git.checked().stdoutText().startsWith("git version"),
          exit: git.exit,
          denied: await outcome(() => process.run("git", ["status"])),
          unknown: await outcome(() => process.run("sh", ["-c", "id"])),
        };
      },
    }),
    people: tool({
      description: "Asks a model and a person.",
      async run({ llm, ask }) {
        return {
          available: [llm.isAvailable(), ask.isAvailable()],
          llm: await outcome(() => llm.complete({ prompt: "why", maxTokens: 5 })),
          ask: await outcome(() => ask.question("Which?", ["a", "b"])),
        };
      },
    }),
    log: tool({
      description: "Writes to the log.",
      run({ log }) {
        log.trace("t");
        log.debug("d");
        log.info("i");
        log.warn("w");
        log.error("e");
        log.progress(1, 2, "half");
        console.log("%s has %d", "it", 3, { a: [1, new Map([["k", new Set([1])]])], e: null, u: undefined });
        console.error(new Error("told"));
        return null;
      },
    }),
    denied: tool({ description: "Lets a denial pass.", run: ({ process }) => process.run("git", ["status"]) }),
  },
});
