// The tools of {{publisher}}/{{name}}.

import { InvalidInputError, skill, tool, z } from "@openclaw/skill";

export default skill({
  tools: {
    greet: tool({
      description: "Greet a person by name.",
      input: z.object({
        name: z.string().describe("The person's name."),
      }),
      output: z.object({
        text: z.string().describe("The greeting."),
      }),
      run(ctx, input) {
        const name = input.name.trim();
        if (name === "") throw new InvalidInputError("`name` is empty");
        ctx.log.info(`greeting ${name}`);
        return { text: `Hello, ${name}!` };
      },
    }),
  },
});
