// What can be counted in a text, by the rules of Unicode (UAX #29).

import { countGraphemes } from "unicode-segmenter/grapheme";

/** Letters that stand together in a word; an ideograph or a hiragana is a word by itself. */
const LETTER = "(?:(?!\\p{Ideographic}|\\p{Script=Hiragana})\\p{Alphabetic})";
const DIGIT = "\\p{Nd}";
/** What joins letters and digits as if it were one: the underscore and its kin. */
const JOINER = "\\p{Pc}";
/** Marks and the like belong to what they follow. */
const MARKS = "[\\p{M}\\p{Cf}]*";
const BETWEEN_LETTERS = "[.:·'’‘․﹒＇．：]";
const BETWEEN_DIGITS = "[.,;'’‘٬․﹒﹐﹔＇．，；]";

const UNIT = `(?:${LETTER}|${DIGIT}|${JOINER})${MARKS}`;
const JOINED = `(?<=${LETTER}${MARKS})${BETWEEN_LETTERS}(?=${LETTER})|(?<=${DIGIT}${MARKS})${BETWEEN_DIGITS}(?=${DIGIT})`;
const WORD = new RegExp(`[\\p{Ideographic}\\p{Script=Hiragana}]${MARKS}|${UNIT}(?:(?:${JOINED})?${UNIT})*`, "gu");

/** Where a sentence ends: at its sign and what closes after it, if no small letter goes on; or at a paragraph. */
const SENTENCE_END = /(?<=[!?。！？‼⁇⁈⁉…]["'”’»)\]]*\s+)|(?<=[.．]["'”’»)\]]*\s+)(?!\s*[\p{P}\s]*\p{Ll})|(?<=[。！？])|(?<=[\n\r\u0085\u2028\u2029])/u;

const COUNTS = /[\p{Alphabetic}\p{N}]/u;

export const words = (text: string): string[] => (text.match(WORD) ?? []).filter((word) => COUNTS.test(word));

export function lines(text: string): number {
  if (text === "") return 0;
  return text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
}

/** In such a text each letter is one character: nothing combines. */
const PLAIN = /^[\n\x20-\x7e]*$/;

/** Grapheme clusters: what a reader takes for one character. */
export const characters = (text: string): number => (PLAIN.test(text) ? text.length : countGraphemes(text));

export const bytes = (text: string): number => new TextEncoder().encode(text).length;

/** Sentences that hold at least one word; a row of dots is none. */
export const sentences = (text: string): number => text.split(SENTENCE_END).filter((part) => COUNTS.test(part)).length;

/** Seconds to read a number of words, rounded up. */
export const readingSeconds = (words: number, wordsPerMinute: number): number => Math.ceil((words * 60) / wordsPerMinute);
