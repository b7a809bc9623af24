// Messages of D-Bus, as far as `desktop.mjs` speaks it (D-Bus specification, "Message Protocol"): numbers, texts and
// lists of texts, in little endian.

const KINDS = ["", "call", "return", "error", "signal"];
/** Fields of a header: the code of each, and its type. */
const FIELDS = {
  path: [1, "o"],
  interface: [2, "s"],
  member: [3, "s"],
  name: [4, "s"],
  replySerial: [5, "u"],
  destination: [6, "s"],
  sender: [7, "s"],
  signature: [8, "g"],
};
/** Kind, flags and version; length of the body, serial, length of the fields. */
const HEAD_BYTES = 16;

const padded = (at, to) => Math.ceil(at / to) * to;

/** The types of a signature, each by itself. */
const types = (signature) => signature.match(/a?./g) ?? [];

class Writer {
  bytes = Buffer.alloc(0);

  put(...parts) {
    this.bytes = Buffer.concat([this.bytes, ...parts.map((part) => Buffer.from(part))]);
  }

  align(to) {
    this.put(Buffer.alloc(padded(this.bytes.length, to) - this.bytes.length));
  }

  u(number) {
    this.align(4);
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(number);
    this.put(bytes);
  }

  s(text) {
    this.u(Buffer.byteLength(text));
    this.put(text, [0]);
  }

  o(text) {
    this.s(text);
  }

  g(text) {
    this.put([text.length], text, [0]);
  }

  as(texts) {
    const list = new Writer();
    for (const text of texts) list.s(text);
    this.u(list.bytes.length);
    this.put(list.bytes);
  }
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  align(to) {
    this.at = padded(this.at, to);
  }

  byte() {
    this.at += 1;
    return this.bytes[this.at - 1];
  }

  u() {
    this.align(4);
    this.at += 4;
    return this.bytes.readUInt32LE(this.at - 4);
  }

  text(length) {
    this.at += length + 1;
    return this.bytes.toString("utf8", this.at - length - 1, this.at - 1);
  }

  s() {
    return this.text(this.u());
  }

  o() {
    return this.s();
  }

  g() {
    return this.text(this.byte());
  }

  as() {
    const length = this.u();
    const texts = [];
    for (const end = this.at + length; this.at < end; ) texts.push(this.s());
    return texts;
  }

  /** Values of these types; what follows them is not looked at. */
  take(signature) {
    return types(signature).map((type) => this[type]());
  }
}

/** A message as bytes. */
export function write({ kind, serial, signature = "", values = [], ...fields }) {
  const body = new Writer();
  types(signature).forEach((type, i) => body[type](values[i]));
  const header = new Writer();
  for (const [name, value] of Object.entries({ ...fields, ...(signature && { signature }) })) {
    const [code, type] = FIELDS[name];
    header.align(8);
    header.put([code]);
    header.g(type);
    header[type](value);
  }
  const message = new Writer();
  message.put("l", [KINDS.indexOf(kind), 0, 1]);
  message.u(body.bytes.length);
  message.u(serial);
  message.u(header.bytes.length);
  message.put(header.bytes);
  message.align(8);
  message.put(body.bytes);
  return message.bytes;
}

/** The first message of these bytes, and the bytes behind it; nothing if it is not whole. */
export function read(bytes) {
  if (bytes.length < HEAD_BYTES) return undefined;
  const head = new Reader(bytes);
  const kind = KINDS[bytes[1]];
  head.at = 4;
  const [bodyBytes, serial, fieldsBytes] = head.take("uuu");
  const bodyAt = padded(HEAD_BYTES + fieldsBytes, 8);
  const end = bodyAt + bodyBytes;
  if (bytes.length < end) return undefined;
  const message = { kind, serial };
  while (head.at < HEAD_BYTES + fieldsBytes) {
    head.align(8);
    const code = head.byte();
    const value = head[head.g()]();
    const named = Object.entries(FIELDS).find(([, [known]]) => known === code);
    if (named) message[named[0]] = value;
  }
  return { ...message, body: new Reader(bytes.subarray(bodyAt, end)), rest: bytes.subarray(end) };
}
