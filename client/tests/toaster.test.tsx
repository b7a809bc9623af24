/** @vitest-environment happy-dom */

import { act, StrictMode } from "react";
import { renderToString } from "react-dom/server";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { TidingsProvider } from "../src/react/index.js";
import { Toaster, type ToasterProps } from "../src/react/Toaster.js";
import { type FakeTidings, fakeTidings } from "../src/testing.js";
import { host, root } from "./support/root.js";

let client: FakeTidings;

beforeEach(async () => {
  vi.useFakeTimers();
  client = fakeTidings();
  client.deliver({ type: "note.text", payload: { title: "Old" } });
  client.connect();
  await pass(100);
});

afterEach(() => act(async () => client.close()));

const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

async function show(props: ToasterProps = {}): Promise<void> {
  await act(async () =>
    root.render(
      <StrictMode>
        <TidingsProvider client={client}>
          <Toaster language="en" {...props} />
        </TidingsProvider>
      </StrictMode>,
    ),
  );
}

async function deliver(title: string, more = {}): Promise<void> {
  client.deliver({ type: "note.text", payload: { title, ...more } });
  await pass(100);
}

const region = () => host.querySelector<HTMLElement>("[role=status]") as HTMLElement;
const titles = () => [...region().querySelectorAll("strong")].map(({ textContent }) => textContent);

it("shows what is new for a moment, the newest of many, and nothing that was there before", async () => {
  await show({ max: 2 });
  expect(region(), "it is there before anything is said in it").not.toBe(null);
  expect(titles()).toEqual([]);
  for (const title of ["one", "two", "three"]) await deliver(title);
  expect(titles()).toEqual(["three", "two"]);
  await pass(7000);
  expect(titles()).toEqual([]);
  expect(client.getSnapshot().unread, "nobody has read it").toBe(4);
});

it("does not hurry whoever points at it, or is in it by keyboard", async () => {
  await show();
  await deliver("one");
  const [item] = region().querySelectorAll("button");
  await act(async () => item?.focus());
  await pass(60_000);
  expect(titles()).toEqual(["one"]);
  await act(async () => item?.blur());
  await pass(7000);
  expect(titles()).toEqual([]);
});

it("marks what is opened as read, and takes away what was dismissed or dealt with elsewhere", async () => {
  const opened: string[] = [];
  await show({ onOpen: ({ id }) => opened.push(id), duration: 60_000 });
  for (const title of ["one", "two", "three"]) await deliver(title, { url: "https://a.example/x" });
  const [three, two] = client.getSnapshot().items;
  await act(async () => region().querySelector<HTMLElement>("a.tidings-item")?.click());
  await pass(100);
  expect([opened, titles()]).toEqual([[three?.id], ["two", "one"]]);
  expect(client.getSnapshot().items[0]?.read_at).toBeDefined();
  await act(() => client.markRead(two?.id as string));
  await pass(100);
  expect(titles()).toEqual(["one"]);
  // It does not come back when it is unread again.
  await act(() => client.markUnread(two?.id as string));
  await pass(100);
  expect(titles()).toEqual(["one"]);
  await act(async () => region().querySelector<HTMLElement>("[aria-label=Dismiss]")?.click());
  expect(titles()).toEqual([]);
});

it("renders on a server", () => {
  const html = renderToString(
    <TidingsProvider client={client}>
      <Toaster />
    </TidingsProvider>,
  );
  expect(html).toContain('role="status"');
});
