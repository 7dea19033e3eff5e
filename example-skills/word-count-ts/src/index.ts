// Measures texts: the smallest useful skill, with no permission at all; the twin of word-count, which is in Rust.

import { skill, tool, z } from "@openclaw/skill";

import { Filter, ranked } from "./frequency.js";
import { bytes, characters, lines, readingSeconds, sentences, words } from "./measure.js";

/** How fast most adults read prose silently. */
const WORDS_PER_MINUTE = 238;
const TOP = 20;
const TOP_MOST = 1000;

const positive = () => z.int().min(1).max(4_294_967_295);
const count = () => z.int().min(0);

export default skill({
  tools: {
    count: tool({
      description:
        "Count the words, lines, characters, bytes and sentences of a text and the time to read it.\nUse it whenever a length must be exact.",
      input: z.object({
        text: z.string().describe("The text to measure."),
        words_per_minute: positive().nullish().describe("Reading speed for `reading_seconds`. Default: 238."),
      }),
      output: z.object({
        words: count().describe('Words by Unicode rules: "don\'t" is one, a dash is none.'),
        lines: count().describe("Lines, the last with or without a line break."),
        characters: count().describe("Characters as a reader sees them: an emoji or an accented letter is one."),
        bytes: count().describe("Bytes of UTF-8."),
        sentences: count().describe("Sentences."),
        reading_seconds: count().describe("Time to read the text silently, in seconds, rounded up."),
      }),
      run(_, { text, words_per_minute }) {
        const found = words(text).length;
        return {
          words: found,
          lines: lines(text),
          characters: characters(text),
          bytes: bytes(text),
          sentences: sentences(text),
          reading_seconds: readingSeconds(found, words_per_minute ?? WORDS_PER_MINUTE),
        };
      },
    }),
    frequency: tool({
      description: "List the most frequent words of a text with their counts.",
      input: z.object({
        text: z.string().describe("The text whose words are counted."),
        top: positive().nullish().describe("How many words to list, at most 1000. Default: 20."),
        ignore_common: z.boolean().default(false).describe('Leave out the commonest English words ("the", "of", "and").'),
        ignore: z.array(z.string()).default([]).describe("Further words to leave out, in any case."),
        min_length: z.int().min(0).max(4_294_967_295).default(0).describe("Leave out words of fewer characters."),
      }),
      output: z.object({
        words: z
          .array(
            z.object({
              word: z.string().describe("The word, in lower case."),
              count: count().describe("How often it occurs."),
            }),
          )
          .describe("The most frequent words first; equally frequent ones by the alphabet."),
        distinct: count().describe("How many different words were counted, listed or not."),
        total: count().describe("How many words were counted in all."),
      }),
      run(_, input) {
        const all = ranked(input.text, new Filter(input.ignore, input.ignore_common, input.min_length));
        const top = Math.min(input.top ?? TOP, TOP_MOST);
        return { words: all.slice(0, top), distinct: all.length, total: all.reduce((sum, { count }) => sum + count, 0) };
      },
    }),
  },
});
