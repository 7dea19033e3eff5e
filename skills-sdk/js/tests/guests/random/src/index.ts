// What has to differ from call to call, and from skill to skill, although each begins with the same memory.

import { skill, tool } from "@openclaw/skill";

export default skill({
  tools: {
    draw: tool({
      description: "Draws.",
      async run() {
        const begin = performance.now();
        await new Promise((resolve) => setTimeout(resolve, 20));
        return {
          uuid: crypto.randomUUID(),
          second: crypto.randomUUID(),
          random: Math.random(),
          bytes: [...crypto.getRandomValues(new Uint8Array(8))],
          now: Date.now(),
          waited: performance.now() - begin,
        };
      },
    }),
  },
});
