// Takes the export `init` out of a component: it was for the snapshot, and nobody may call it again.

/** Sections of a component, by their numbers in the binary format. */
const ALIAS = 6;
const EXPORT = 11;
/** The length of what stands before the first section. */
const PREAMBLE = 8;
/** The section's content: one export, named `init`, of the function 0, without a type. */
const INIT = Buffer.from([1, 0, 4, 0x69, 0x6e, 0x69, 0x74, 1, 0, 0]);
/** How the alias ends that made that function. */
const ALIASED = Buffer.from([4, 0x69, 0x6e, 0x69, 0x74]);

/**
 * An export also counts as a function of the component, to which later sections refer by number. So the alias of the same
 * function is written once more in its place, and all numbers stay.
 */
export function withoutInit(component) {
  const sections = [];
  for (const section of split(component)) {
    const before = sections.at(-1);
    const isInit = section.id === EXPORT && section.content.equals(INIT) && before?.id === ALIAS && before.content.subarray(-ALIASED.length).equals(ALIASED);
    sections.push(isInit ? before : section);
  }
  return Buffer.concat([component.subarray(0, PREAMBLE), ...sections.map(({ whole }) => whole)]);
}

function split(component) {
  const sections = [];
  for (let at = PREAMBLE; at < component.length; ) {
    const [size, begin] = leb128(component, at + 1);
    const end = begin + size;
    sections.push({ id: component[at], content: component.subarray(begin, end), whole: component.subarray(at, end) });
    at = end;
  }
  return sections;
}

/** A number, and where it ends. */
function leb128(bytes, at) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return [value, at];
  }
}
