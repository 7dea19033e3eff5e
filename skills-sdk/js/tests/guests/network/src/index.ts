// Requests that are granted and that are not, by `fetch` and by the context.

import { HttpError, skill, tool, z } from "@openclaw/skill";

const input = z.object({ url: z.string() });

export default skill({
  tools: {
    fetchText: tool({
      description: "Fetches a text; a denial passes.",
      input,
      async run(_, { url }) {
        const response = await fetch(url);
        return { status: response.status, type: response.headers.get("content-type"), url: response.url, redirected: response.redirected, text: await response.text() };
      },
    }),
    catchDenial: tool({
      description: "Fetches, and tells of a denial.",
      input,
      async run(_, { url }) {
        try {
          await fetch(url);
          return { fetched: true };
        } catch (error) {
          if (!(error instanceof HttpError)) throw error;
          return { code: error.code, message: error.message };
        }
      },
    }),
    post: tool({
      description: "Posts so many bytes and gives what came back.",
      input: z.object({ url: z.string(), bytes: z.int() }),
      async run(ctx, { url, bytes }) {
        const answer = await ctx.http.post(url, new Uint8Array(bytes).fill(97), { headers: { "Content-Type": "text/x-test" } });
        return { status: answer.status, headers: answer.headers, length: answer.body.length };
      },
    }),
    parallel: tool({
      description: "Fetches the same several times at once, and gives how long that took.",
      input: z.object({ url: z.string(), times: z.int() }),
      async run(_, { url, times }) {
        const begin = performance.now();
        const texts = await Promise.all(Array.from({ length: times }, async () => (await fetch(url)).text()));
        return { texts, ms: performance.now() - begin };
      },
    }),
    timeout: tool({
      description: "Gives up after a while.",
      input: z.object({ url: z.string(), ms: z.int() }),
      async run(_, { url, ms }) {
        try {
          await fetch(url, { signal: AbortSignal.timeout(ms) });
          return "answered";
        } catch (error) {
          return (error as Error).name;
        }
      },
    }),
  },
});
