// What goes wrong in a skill, one tool for each: every one is to end in a typed error, and the next call to be fine.

import { skill, tool, z } from "@openclaw/skill";

function fail(): never {
  throw new RangeError("the third is missing", { cause: new Error("there are two") });
}

const depth = (left: number): number => (left === 0 ? 0 : 1 + depth(left - 1));

const polluted = () => ({ polluted: ({} as Record<string, unknown>).polluted ?? null, own: Object.keys(Object.prototype) });

export default skill({
  tools: {
    fine: tool({ description: "Is fine.", run: () => ({ fine: true }) }),
    throws: tool({ description: "Throws an error two functions deep.", run: () => fail() }),
    rejects: tool({
      description: "Throws after an await.",
      async run() {
        await null;
        fail();
      },
    }),
    throwsText: tool({
      description: "Throws what is no error.",
      run() {
        throw "just a text";
      },
    }),
    throwsWithJobs: tool({
      description: "Throws while a job of its own is due, which then throws as well.",
      run() {
        queueMicrotask(() => {
          throw new Error("the job ran");
        });
        throw new Error("the tool threw");
      },
    }),
    throws_trap: tool({
      description: "Throws what throws when it is looked at.",
      run() {
        throw Object.defineProperty(new Error("x"), "message", { get: () => fail() });
      },
    }),
    recursion: tool({
      description: "Calls itself so many times.",
      input: z.object({ depth: z.int() }),
      run: (_, input) => depth(input.depth),
    }),
    endless: tool({
      description: "Never ends.",
      run() {
        for (;;);
      },
    }),
    endlessTimer: tool({ description: "Waits for ever, one timer at a time.", run: () => new Promise(() => setInterval(() => {}, 5)) }),
    endlessJobs: tool({
      description: "Waits for ever, one job at a time.",
      async run() {
        for (;;) await null;
      },
    }),
    gigabytes: tool({
      description: "Keeps more and more.",
      run() {
        const kept = [];
        for (;;) kept.push(new Uint8Array(1 << 20).fill(1));
      },
    }),
    gigabytesOfText: tool({
      description: "Makes a text twice as long, for ever.",
      run() {
        let text = "x";
        for (;;) text += text;
      },
    }),
    unsettled: tool({ description: "Waits for what never happens.", run: () => new Promise(() => {}) }),
    unhandled: tool({
      description: "Leaves a rejected promise behind.",
      run() {
        void Promise.reject(new Error("nobody looks at this"));
        return "done";
      },
    }),
    hugeOutput: tool({
      description: "Returns so many bytes.",
      input: z.object({ bytes: z.int() }),
      run: (_, input) => "x".repeat(input.bytes),
    }),
    hugeError: tool({
      description: "Throws a message of so many bytes.",
      input: z.object({ bytes: z.int() }),
      run(_, input) {
        throw new Error("x".repeat(input.bytes));
      },
    }),
    circle: tool({
      description: "Returns what is no JSON.",
      run() {
        const circle: Record<string, unknown> = {};
        circle.self = circle;
        return circle;
      },
    }),
    wrongOutput: tool({
      description: "Returns something else than it declares.",
      output: z.object({ count: z.number() }),
      run: () => ({ count: "three" }) as never,
    }),
    surrogate: tool({
      description: "Writes texts with a lone surrogate wherever it can.",
      run(ctx) {
        ctx.log.info("a\ud800b");
        console.log("a\udfffb");
        return { text: "a\ud800b" };
      },
    }),
    pollution: tool({
      description: "Merges its input, as a careless library does.",
      input: z.object({ options: z.record(z.string(), z.unknown()) }),
      run(_, input) {
        const copy = structuredClone(input.options);
        Object.assign({}, copy, { ...input.options });
        return { ...polluted(), keys: Object.keys(input.options), copied: Object.keys(copy) };
      },
    }),
    logs: tool({
      description: "Logs so many lines.",
      input: z.object({ lines: z.int() }),
      run(ctx, input) {
        for (let line = 0; line < input.lines; line++) ctx.log.info(line);
        return input.lines;
      },
    }),
    undeclared: tool({
      description: "Uses what the manifest does not declare, and tells what it got.",
      async run(ctx) {
        const uses = {
          memory: () => ctx.memory.get("a"),
          llm: () => ctx.llm.complete("why"),
          ask: () => ctx.ask.question("why"),
          http: () => ctx.http.get("https://example.com/"),
          fetch: () => fetch("https://example.com/"),
          process: () => ctx.process.run("git"),
          files: () => ctx.files.readText("/workspace/a.txt"),
        };
        const got: Record<string, string> = {};
        for (const [name, use] of Object.entries(uses)) {
          try {
            await use();
            got[name] = "worked";
          } catch (error) {
            const { code, message } = error as { code: string; message: string };
            got[name] = `${code}: ${message}`;
          }
        }
        return { ...got, available: [ctx.llm.isAvailable(), ctx.ask.isAvailable()] };
      },
    }),
    undeclaredPassed: tool({ description: "Lets such an error pass.", run: (ctx) => ctx.memory.get("a") }),
  },
});
