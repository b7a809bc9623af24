// A desktop, as far as a browser needs one to show notifications: a session bus, and on it who draws them
// (org.freedesktop.Notifications), which is the test. A click there is a click of the user's for the browser.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { read, write } from "./dbus.mjs";
import { atEnd, until } from "./server.mjs";

const NAME = "org.freedesktop.Notifications";
const PATH = "/org/freedesktop/Notifications";
const BUS = "org.freedesktop.DBus";
/** Why a notification is not shown any more: whoever has shown it has asked for that. */
const BY_CALL = 3;

/** A bus that starts nobody, whatever is installed. */
const config = (socket) => `<busconfig>
  <type>session</type>
  <listen>unix:path=${socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>`;

/** What a browser asks at its start, and how it is answered. */
const ANSWERS = {
  GetCapabilities: () => ["as", [["actions", "body", "persistence"]]],
  GetServerInformation: () => ["ssss", ["tests", "tidings", "1", "1.2"]],
};

class Desktop {
  /** By its number: what the browser has had shown, and whether it still is. */
  notifications = new Map();
  #serial = 0;
  #answered = new Map();

  constructor(socket, address) {
    this.address = address;
    this.socket = socket;
  }

  /** What is on the screen, the oldest first. */
  get shown() {
    return [...this.notifications.values()].filter(({ isShown }) => isShown);
  }

  /** The user clicks a notification. */
  click(id) {
    this.#signal("ActionInvoked", "us", [id, "default"]);
  }

  async begin() {
    this.socket.write(`\0AUTH EXTERNAL ${Buffer.from(String(process.getuid())).toString("hex")}\r\n`);
    const [welcome] = await once(this.socket, "data");
    if (!String(welcome).startsWith("OK ")) throw new Error(`the bus lets nobody in: ${welcome}`);
    this.socket.write("BEGIN\r\n");
    let rest = Buffer.alloc(0);
    this.socket.on("data", (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      for (let found = read(rest); found; found = read(rest)) {
        rest = found.rest;
        this.#hear(found);
      }
    });
    await this.#call("Hello");
    await this.#call("RequestName", "su", [NAME, 0]);
  }

  #send(message) {
    this.#serial += 1;
    this.socket.write(write({ serial: this.#serial, ...message }));
    return this.#serial;
  }

  #call(member, signature = "", values = []) {
    const serial = this.#send({ kind: "call", path: "/org/freedesktop/DBus", destination: BUS, interface: BUS, member, signature, values });
    return new Promise((done, fail) => this.#answered.set(serial, { done, fail }));
  }

  #signal(member, signature, values) {
    this.#send({ kind: "signal", path: PATH, interface: NAME, member, signature, values });
  }

  #hear({ kind, serial, replySerial, sender, member, body }) {
    if (kind === "return") this.#answered.get(replySerial)?.done();
    if (kind === "error") this.#answered.get(replySerial)?.fail(new Error("the bus refuses"));
    if (kind !== "call") return;
    const answer = ANSWERS[member]?.() ?? this.#act(member, body);
    if (!answer) return void this.#send({ kind: "error", destination: sender, replySerial: serial, name: `${BUS}.Error.UnknownMethod` });
    const [signature, values] = answer;
    this.#send({ kind: "return", destination: sender, replySerial: serial, signature, values });
  }

  #act(member, body) {
    if (member === "Notify") {
      const [, replaces, , title, text, actions] = body.take("susssas");
      const id = replaces || this.notifications.size + 1;
      this.notifications.set(id, { id, title, text, actions, isShown: true });
      return ["u", [id]];
    }
    if (member === "CloseNotification") {
      const [id] = body.take("u");
      const closed = this.notifications.get(id);
      if (closed) closed.isShown = false;
      this.#signal("NotificationClosed", "uu", [id, BY_CALL]);
      return ["", []];
    }
    return undefined;
  }
}

/** A desktop for one test. `address` is that of its bus. */
export async function desktop(t) {
  const folder = await mkdtemp(path.join(tmpdir(), "tidings-desktop-"));
  atEnd(t, () => rm(folder, { recursive: true, force: true }));
  const socket = path.join(folder, "bus");
  const file = path.join(folder, "bus.conf");
  await writeFile(file, config(socket));
  const bus = spawn("dbus-daemon", [`--config-file=${file}`, "--nofork", "--print-address"], { stdio: ["ignore", "pipe", "ignore"] });
  atEnd(t, async () => {
    bus.kill("SIGKILL");
    if (bus.exitCode === null && bus.signalCode === null) await once(bus, "exit");
  });
  const [address] = await Promise.race([once(createInterface({ input: bus.stdout }), "line"), once(bus, "error").then(([error]) => Promise.reject(error))]);
  const made = new Desktop(createConnection(socket), address);
  atEnd(t, () => made.socket.destroy());
  await made.begin();
  return made;
}

/** Waits until this is what is on the screen, and answers with it. */
export async function shows(desktop, titles) {
  await until(`the desktop shows ${titles}`, () => desktop.shown.map(({ title }) => title).join() === titles.join());
  return desktop.shown;
}
