import { html } from "../vendor/lit.js";
import { call, metrics } from "./api.js";
import "./chart.js";
import { bytes, duration, number, time } from "./format.js";
import { Section } from "./section.js";
import { table } from "./table.js";

const INTERVAL = 2_000;
/** Samples that are kept: five minutes of them. */
const KEPT = 150;
/** Rows of the table beside a chart. */
const ROWS = 6;

const TRANSPORTS = [
  { label: "WebSocket", key: "websocket", colour: "--accent" },
  { label: "SSE", key: "sse", colour: "--good" },
  { label: "polls", key: "poll", colour: "--warn" },
];
const RATES = [
  { label: "notifications/s", key: "notifications", colour: "--accent" },
  { label: "room messages/s", key: "messages", colour: "--good" },
];

const COLUMNS = [
  "node",
  "version",
  "up for",
  { name: "WebSocket", isEnd: true },
  { name: "SSE", isEnd: true },
  { name: "polls", isEnd: true },
  { name: "users", isEnd: true },
  { name: "rooms", isEnd: true },
];

/** What is told to others than clients, and the word that its metrics have. */
const OUTSIDE = [
  { label: "push services", key: "pushes" },
  { label: "the receiver of webhooks", key: "webhooks" },
];
/** What became of an attempt, as the metrics have it. */
const RESULTS = ["sent", "retried", "dead", "gone", "address_refused"];

/** @typedef {"websocket" | "sse" | "poll"} Transport */
/** @typedef {"notifications" | "messages"} Counted */

/**
 * What was known at one moment.
 *
 * @typedef {object} Sample
 * @property {number} at In seconds.
 * @property {Record<Counted, number>} totals
 * @property {Record<string, number>} sessions By transport.
 * @property {Record<string, number>} rates By what is counted, a second.
 */

/** How many there are, and how much is going on. Is kept up while another section is shown. */
export class Overview extends Section {
  title = "Overview";
  /** What all nodes have answered. @type {any} */
  #stats = null;
  /** @type {Map<string, number>} */
  #metrics = new Map();
  /** @type {Sample[]} */
  #samples = [];

  start() {
    super.start();
    this.every(INTERVAL, async (signal) => {
      const [stats, numbers] = await Promise.all([
        call("GET", "/v1/admin/stats", undefined, { signal }),
        metrics(signal).catch(() => new Map()),
      ]);
      this.#take(stats, numbers);
    });
  }

  /** @param {any} stats @param {Map<string, number>} numbers */
  #take(stats, numbers) {
    const at = Date.now() / 1_000;
    const totals = {
      notifications: numbers.get("tidings_notifications_accepted_total") ?? 0,
      messages: numbers.get("tidings_room_messages_accepted_total") ?? 0,
    };
    const before = this.#samples.at(-1);
    /** @param {Counted} key */
    const rate = (key) => {
      if (!before || at <= before.at) return 0;
      return Math.max(0, (totals[key] - before.totals[key]) / (at - before.at));
    };
    this.#samples.push({
      at,
      totals,
      sessions: stats.sessions,
      rates: { notifications: rate("notifications"), messages: rate("messages") },
    });
    if (this.#samples.length > KEPT) this.#samples.shift();
    this.#stats = stats;
    this.#metrics = numbers;
  }

  view() {
    if (!this.#stats) return html`<p class="muted">Asking…</p>`;
    const { sessions, nodes, complete } = this.#stats;
    const all = sessions.websocket + sessions.sse + sessions.poll;
    const totals = this.#samples.at(-1)?.totals;
    /** @param {string} label @param {string} value */
    const tile = (label, value) => html`<div class="card"><dt class="muted small">${label}</dt><dd>${value}</dd></div>`;
    return html`<div class="stack">
      <dl class="numbers">
        ${tile("Sessions", number(all))} ${tile("Nodes", number(nodes.length))}
        ${tile("Notifications accepted", number(totals?.notifications))}
        ${tile("Room messages accepted", number(totals?.messages))}
        ${tile("Connections", number(this.#metrics.get("tidings_connections")))}
        ${tile("Memory in use", bytes(this.#metrics.get("tidings_allocated_bytes")))}
      </dl>
      ${complete ? "" : html`<p class="notice">Not every instance has answered: there may be more than is shown.</p>`}
      ${this.#chart("Sessions by transport, over all nodes", TRANSPORTS, "sessions", (value) => number(Math.round(value)))}
      ${this.#chart("Accepted a second, by this node", RATES, "rates", (value) => number(Math.round(value * 10) / 10))}
      ${table({
        label: "Nodes",
        isTitled: true,
        columns: COLUMNS,
        rows: nodes,
        key: ({ node }) => node,
        row: ({ node, version, uptime_seconds, sessions, users, rooms }) => html`<tr>
          <th scope="row" class="mono">${node}</th>
          <td>${version}</td>
          <td>${duration(uptime_seconds)}</td>
          <td class="end">${number(sessions.websocket)}</td>
          <td class="end">${number(sessions.sse)}</td>
          <td class="end">${number(sessions.poll)}</td>
          <td class="end">${number(users)}</td>
          <td class="end">${number(rooms)}</td>
        </tr>`,
        empty: "No instance has answered.",
      })}
      ${this.#outside()}
    </div>`;
  }

  /** What this node has told push services and the receiver of webhooks. */
  #outside() {
    /** @param {string} name */
    const count = (name) => (this.#metrics.size > 0 ? number(this.#metrics.get(name) ?? 0) : number(null));
    const isDisabled = this.#metrics.get("tidings_webhooks_disabled") === 1;
    return html`${isDisabled ? html`<p class="notice">Nothing is sent to the receiver of webhooks: it has failed for too long, or wants nothing.</p>` : ""}
      ${table({
        label: "Told outside, by this node",
        isTitled: true,
        columns: ["attempts to tell", ...[...RESULTS.map((result) => result.replace("_", " ")), "on their way"].map((name) => ({ name, isEnd: true }))],
        rows: OUTSIDE,
        key: ({ key }) => key,
        row: ({ label, key }) => html`<tr>
          <th scope="row">${label}</th>
          ${RESULTS.map((result) => html`<td class="end">${count(`tidings_${key}_total{result="${result}"}`)}</td>`)}
          <td class="end">${count(`tidings_${key}_on_their_way`)}</td>
        </tr>`,
        empty: "",
      })}`;
  }

  /**
   * @param {string} label
   * @param {readonly import("./chart.js").Series[]} series
   * @param {"sessions" | "rates"} of
   * @param {(value: number) => string} format
   */
  #chart(label, series, of, format) {
    const data = [
      this.#samples.map(({ at }) => at),
      ...series.map(({ key }) => this.#samples.map((sample) => sample[of][key])),
    ];
    const rows = this.#samples.slice(-ROWS).reverse();
    return html`<section class="card" aria-label=${label}>
      <header>
        <h2>${label}</h2>
        <span class="row legend push-end small">
          ${series.map(({ label, colour }) => html`<span class="row key-${colour.slice(2)}"><span class="dot"></span>${label}</span>`)}
        </span>
      </header>
      <div class="body with-table">
        <tidings-chart class="chart" .series=${series} .label=${label} .format=${format} .data=${data}></tidings-chart>
        <div class="scroll" tabindex="0" role="region" aria-label="${label}, the newest">
          <table>
            <thead>
              <tr>
                <th scope="col">at</th>
                ${series.map(({ label }) => html`<th scope="col" class="end">${label}</th>`)}
              </tr>
            </thead>
            <tbody>
              ${rows.map(
                (sample) => html`<tr>
                  <td>${time(sample.at * 1_000)}</td>
                  ${series.map(({ key }) => html`<td class="end">${format(sample[of][key])}</td>`)}
                </tr>`,
              )}
            </tbody>
          </table>
        </div>
      </div>
    </section>`;
  }
}
