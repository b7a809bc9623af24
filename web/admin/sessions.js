import { html, nothing } from "../vendor/lit.js";
import { call } from "./api.js";
import { confirm } from "./dialog.js";
import { bytes, moment, number } from "./format.js";
import { revoke } from "./revoke.js";
import { Section } from "./section.js";

const INTERVAL = 2_000;
const LIMIT = 200;

/** Who is connected, and from where they can be sent away. */
export class Sessions extends Section {
  title = "Sessions";
  #answer = null;
  #user = "";
  #room = "";

  start(query) {
    super.start();
    this.#user = query.get("user") ?? this.#user;
    this.#room = query.get("room") ?? this.#room;
    this.every(INTERVAL, () => this.#ask());
  }

  async #ask() {
    const query = new URLSearchParams({ limit: LIMIT });
    if (this.#user) query.set("user", this.#user);
    if (this.#room) query.set("room", this.#room);
    this.#answer = await call("GET", `/v1/admin/sessions?${query}`, undefined, { signal: this.signal });
  }

  #filter(event) {
    event.preventDefault();
    const form = new FormData(event.target);
    this.#user = form.get("user").trim();
    this.#room = form.get("room").trim();
    this.attempt(() => this.#ask());
  }

  async #disconnect({ session, user }) {
    const isMeant = await confirm({
      title: `Disconnect ${user}?`,
      text: "The session ends with 4503, and the client stays away. The token stays good: to shut it out, revoke it.",
      action: "Disconnect",
    });
    if (!isMeant) return;
    await this.attempt(async () => {
      await call("DELETE", `/v1/admin/sessions/${session}`);
      this.page.say(`The session of ${user} has ended.`);
      await this.#ask();
    });
  }

  async #revoke({ user }) {
    await this.attempt(async () => {
      if (!(await revoke(user))) return;
      this.page.say(`The tokens of ${user} are revoked.`);
      await this.#ask();
    });
  }

  view() {
    const { sessions = [], complete = true } = this.#answer ?? {};
    return html`<div class="stack">
      <form class="filters" @submit=${(event) => this.#filter(event)}>
        <label>User <input name="user" .value=${this.#user} autocomplete="off" /></label>
        <label>In the room <input name="room" .value=${this.#room} autocomplete="off" /></label>
        <button>Filter</button>
      </form>
      ${complete ? nothing : html`<p class="notice">Not every instance has answered: there may be more than is shown.</p>`}
      <section class="card" aria-label="Sessions">
        <div class="scroll" tabindex="0" role="region" aria-label="Sessions, a table">
          <table>
            <thead>
              <tr>
                <th scope="col">user</th>
                <th scope="col">over</th>
                <th scope="col">since</th>
                <th scope="col">rooms</th>
                <th scope="col" class="end">unread bytes</th>
                <th scope="col">inbox at</th>
                <th scope="col">acked</th>
                <th scope="col">node</th>
                <th scope="col"><span class="visually-hidden">what to do</span></th>
              </tr>
            </thead>
            <tbody>
              ${sessions.map((session) => this.#row(session))}
            </tbody>
          </table>
        </div>
        ${sessions.length === 0 ? html`<p class="body muted">${this.#answer ? "Nobody is connected." : "Asking…"}</p>` : nothing}
      </section>
    </div>`;
  }

  #row(session) {
    const { user, transport, opened_at, rooms, room_count, waiting_bytes, position, acked, node } = session;
    const more = room_count - rooms.length;
    return html`<tr>
      <td><a href="#/follow?user=${encodeURIComponent(user)}">${user}</a></td>
      <td><span class="tag">${transport}</span></td>
      <td>${moment(opened_at)}</td>
      <td class="wrap">
        <span class="row">
          ${rooms.map((room) => html`<span class="tag">${room}</span>`)}
          ${more > 0 ? html`<span class="muted">and ${number(more)} more</span>` : nothing}
        </span>
      </td>
      <td class="end ${waiting_bytes > 0 ? "warn" : ""}">${bytes(waiting_bytes)}</td>
      <td class="mono">${position ?? "–"}</td>
      <td class="mono">${acked}</td>
      <td class="mono">${node}</td>
      <td>
        <button type="button" class="danger" @click=${() => this.#disconnect(session)}>Disconnect</button>
        <button type="button" class="danger" @click=${() => this.#revoke(session)}>Revoke</button>
      </td>
    </tr>`;
  }
}
