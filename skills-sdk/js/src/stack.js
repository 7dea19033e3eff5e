// The frames of a stack that are the author's own, as lines that name their files.

/** Frames of Node and of what is installed say nothing about the skill. */
const FOREIGN = /node_modules|node:|internal\//;

/** Frames as an engine wrote them: those of the skill, without the word `at`. */
export function plainFrames(stack) {
  const frames = stack.split("\n").map((line) => /^\s+at (.*)$/.exec(line)?.[1]);
  return frames.filter((frame) => frame !== undefined && !FOREIGN.test(frame) && !frame.includes(import.meta.dirname ?? "\0"));
}
