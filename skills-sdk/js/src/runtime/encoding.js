// TextEncoder and TextDecoder for UTF-8, which is what skills read and write.

/** The most characters that go through one call of a function as arguments. */
const CHUNK = 8_192;

export class TextEncoder {
  get encoding() {
    return "utf-8";
  }

  encode(text = "") {
    // The engine's own functions do the work: a loop over characters here costs many times the fuel.
    const binary = unescape(encodeURIComponent(String(text).toWellFormed()));
    const bytes = new Uint8Array(binary.length);
    for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
    return bytes;
  }

  encodeInto(text, target) {
    let read = 0;
    let written = 0;
    for (const character of String(text).toWellFormed()) {
      const bytes = this.encode(character);
      if (written + bytes.length > target.length) break;
      target.set(bytes, written);
      written += bytes.length;
      read += character.length;
    }
    return { read, written };
  }
}

const LABELS = new Set(["utf-8", "utf8", "unicode-1-1-utf-8"]);

export class TextDecoder {
  #fatal;
  #ignoreBOM;
  /** What a stream's last chunk left unfinished, and whether its first characters were seen. */
  #rest = new Uint8Array(0);
  #begun = false;

  constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
    if (!LABELS.has(String(label).trim().toLowerCase())) throw new RangeError(`TextDecoder reads utf-8 only, not ${label}`);
    this.#fatal = Boolean(fatal);
    this.#ignoreBOM = Boolean(ignoreBOM);
  }

  get encoding() {
    return "utf-8";
  }

  get fatal() {
    return this.#fatal;
  }

  get ignoreBOM() {
    return this.#ignoreBOM;
  }

  decode(input, { stream = false } = {}) {
    let bytes = joined(this.#rest, input === undefined ? new Uint8Array(0) : view(input));
    const cut = stream ? bytes.length - unfinished(bytes) : bytes.length;
    this.#rest = bytes.slice(cut);
    bytes = bytes.subarray(0, cut);
    let text = decode(bytes, this.#fatal);
    if (!this.#begun && text !== "") {
      this.#begun = true;
      if (!this.#ignoreBOM && text.startsWith("\ufeff")) text = text.slice(1);
    }
    if (!stream) this.#begun = false;
    return text;
  }
}

function view(input) {
  if (input instanceof Uint8Array) return input;
  if (ArrayBuffer.isView(input)) return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
  return new Uint8Array(input);
}

function joined(one, next) {
  if (one.length === 0) return next;
  const both = new Uint8Array(one.length + next.length);
  both.set(one);
  both.set(next, one.length);
  return both;
}

/** How many bytes at the end begin a character that is not finished. */
function unfinished(bytes) {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back];
    if (byte >= 0xc0) return back < sequenceLength(byte) ? back : 0;
    if (byte < 0x80) return 0;
  }
  return 0;
}

const sequenceLength = (byte) => (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2);

function decode(bytes, fatal) {
  const parts = [];
  for (let at = 0; at < bytes.length; at += CHUNK) parts.push(String.fromCharCode.apply(null, bytes.subarray(at, at + CHUNK)));
  const binary = parts.join("");
  if (!/[\x80-\xff]/.test(binary)) return binary;
  try {
    return decodeURIComponent(escape(binary));
  } catch {
    if (fatal) throw new TypeError("the bytes are not UTF-8");
    return replacing(bytes);
  }
}

/** Reads bytes that are not all UTF-8, with U+FFFD for each longest part that could have begun a character. */
function replacing(bytes) {
  const parts = [];
  for (let at = 0; at < bytes.length; ) {
    const [code, length] = character(bytes, at);
    parts.push(String.fromCodePoint(code));
    at += length;
  }
  return parts.join("");
}

function character(bytes, at) {
  const first = bytes[at];
  if (first < 0x80) return [first, 1];
  if (first < 0xc2 || first > 0xf4) return [0xfffd, 1];
  const length = sequenceLength(first);
  let code = first & (0x7f >> length);
  for (let index = 1; index < length; index++) {
    const byte = bytes[at + index];
    const low = index > 1 ? 0x80 : first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
    const high = index > 1 ? 0xbf : first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
    if (!(byte >= low && byte <= high)) return [0xfffd, index];
    code = (code << 6) | (byte & 0x3f);
  }
  return [code, length];
}
