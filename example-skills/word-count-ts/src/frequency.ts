// How often each word of a text occurs.

import { characters, words } from "./measure.js";

/** The commonest English words, which say little about what a text is about. */
const COMMON = `
a about after all also an and any are as at be because been but by can could did do does for from had has have
he her his how i if in into is it its it's just may me more my no not of on one only or other our out she so
some such than that the their them then there these they this to up us was we were what when which who will
with would you your
`
  .trim()
  .split(/\s+/);

/** Which words do not count. */
export class Filter {
  readonly #ignored: Set<string>;
  readonly #minLength: number;

  constructor(ignore: readonly string[] = [], ignoreCommon = false, minLength = 0) {
    this.#ignored = new Set([...ignore.map(fold), ...(ignoreCommon ? COMMON : [])]);
    this.#minLength = minLength;
  }

  keeps(word: string): boolean {
    return !this.#ignored.has(word) && (this.#minLength === 0 || characters(word) >= this.#minLength);
  }
}

/** The words of a text with their counts: most frequent first, equal ones by the alphabet. */
export function ranked(text: string, filter = new Filter()): { word: string; count: number }[] {
  // A map, since a word may be called `__proto__`.
  const counts = new Map<string, number>();
  for (const word of words(text).map(fold)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const kept = [...counts].filter(([word]) => filter.keeps(word)).map(([word, count]) => ({ word, count }));
  return kept.sort((one, next) => next.count - one.count || (one.word < next.word ? -1 : 1));
}

/** One spelling for a word in any case and with either apostrophe. */
const fold = (word: string): string => word.toLowerCase().replaceAll("’", "'");
