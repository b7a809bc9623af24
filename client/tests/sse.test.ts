import { expect, it } from "vitest";
import { dataReader } from "../src/transports/sse.js";

const read = (...pieces: string[]) => {
  const found: string[] = [];
  const reader = dataReader((data) => found.push(data));
  for (const piece of pieces) reader(piece);
  return found;
};

const STREAM = [
  ": hello\n\nretry: 1500\n\n",
  'event: note.text\r\nid: inbox@k3x9q2ab.1\r\ndata: {"a":1}\r\n\r\n',
  "data:two\rdata: lines\r\revent: nothing\n\n",
  'data: {"text":"✈"}\n\n',
].join("");
const FOUND = ['{"a":1}', "two\nlines", '{"text":"✈"}'];

it("reads the data of events, whatever ends their lines", () => {
  expect(read(STREAM)).toEqual(FOUND);
});

it("reads them wherever the stream is cut", () => {
  for (let at = 0; at <= STREAM.length; at += 1) expect(read(STREAM.slice(0, at), STREAM.slice(at))).toEqual(FOUND);
  expect(read(...STREAM)).toEqual(FOUND);
});

it("takes no event that has no end", () => {
  expect(read('data: {"a":1}\n')).toEqual([]);
});
