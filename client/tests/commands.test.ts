/** What the client says is as in the samples of commands, which the server's own tests send it. */

import { expect, it, vi } from "vitest";
import { MemoryServer } from "../src/testing/server.js";
import { fakeTidings } from "../src/testing.js";
import { golden } from "./support/golden.js";
import { until } from "./support/server.js";

/** The sample that a command is like: `mark` has three. */
const sampleOf = ({ type }: { type: string }) => golden<Record<string, unknown>>(`command_${type}`);

it("as the samples have it, and nothing besides", async () => {
  vi.stubGlobal("document", new EventTarget());
  const obey = vi.spyOn(MemoryServer.prototype, "obey");
  const said = () => obey.mock.calls.map(([, command]) => command);
  const types = () => new Set(said().map(({ type }) => type));

  const client = fakeTidings();
  client.connect();
  await client.ready();
  client.deliver({ type: "test.event" });
  const room = client.room("chat:general");
  await until("joined", () => room.getSnapshot().status === "joined");
  await room.publish({ text: "On my way ✈" }, { event: "update" });
  room.typing();
  client.drop();
  await until("joined again", () => said().filter(({ type }) => type === "join").length === 2);
  await until("acknowledged", () => types().has("ack"));
  room.leave();
  await until("left", () => types().has("leave"));
  client.close();
  vi.unstubAllGlobals();

  expect([...types()].sort()).toEqual(["ack", "join", "leave", "message", "typing"]);
  for (const command of said()) {
    const sample = sampleOf(command);
    for (const [name, value] of Object.entries(JSON.parse(JSON.stringify(command)))) {
      expect(sample, `${command.type} has no ${name}`).toHaveProperty(name);
      expect(typeof value, `${name} of ${command.type}`).toBe(typeof sample[name]);
    }
  }
  expect(said().find(({ type, since }) => type === "join" && since)).toMatchObject({ since: "fakefake.1" });
});
