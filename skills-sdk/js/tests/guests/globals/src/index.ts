// The globals of a skill: each check gives what it got, and `checks.ts` says what that should be.

import { skill, tool } from "@openclaw/skill";

import { checks } from "./checks.js";

export default skill({
  tools: {
    check: tool({
      description: "Gives the names of the checks that failed, with what they got.",
      async run() {
        const failed: Record<string, unknown> = {};
        for (const [name, check] of Object.entries(checks)) {
          const [got, wanted] = await check().catch((error: unknown) => [String(error), "no error"] as [unknown, unknown]);
          if (JSON.stringify(got) !== JSON.stringify(wanted)) failed[name] = { got, wanted };
        }
        return { checked: Object.keys(checks).length, failed };
      },
    }),
  },
});
