import { html, nothing } from "../vendor/lit.js";
import { call } from "./api.js";
import { confirm } from "./dialog.js";
import { fields } from "./form.js";
import { bytes, moment, number } from "./format.js";
import { Listing } from "./listing.js";
import { table } from "./table.js";
import { revoke } from "./users.js";

/** @import { Session } from "./api.js" */
/** @import { Submitted } from "./form.js" */

const COLUMNS = [
  "user",
  "over",
  "since",
  "rooms",
  { name: "unread bytes", isEnd: true },
  "inbox at",
  "acked",
  "node",
  { name: "what to do", isActions: true },
];

/** Who is connected, and from where they can be sent away. */
export class Sessions extends Listing {
  title = "Sessions";
  path = "/v1/admin/sessions";
  filters = { user: "", room: "" };

  /** @param {Session} session */
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
      await this.ask();
    });
  }

  /** @param {Session} session */
  async #revoke({ user }) {
    await this.attempt(async () => {
      if (!(await revoke(user))) return false;
      this.page.say(`The tokens of ${user} are revoked.`);
      return this.ask();
    });
  }

  /** @override */
  view() {
    const { sessions = [] } = this.answer ?? {};
    return html`<div class="stack">
      <form class="filters" role="search" @submit=${(/** @type {Submitted} */ event) => this.narrow(fields(event))}>
        <label>User <input name="user" .value=${this.filters.user} autocomplete="off" /></label>
        <label>In the room <input name="room" .value=${this.filters.room} autocomplete="off" /></label>
        <button>Filter</button>
      </form>
      ${this.more(sessions)}
      ${table({
        label: "Sessions",
        columns: COLUMNS,
        rows: sessions,
        key: ({ session }) => session,
        row: (session) => this.#row(session),
        empty: this.answer ? "Nobody is connected." : "Asking…",
      })}
    </div>`;
  }

  /** @param {Session} session */
  #row(session) {
    const { user, transport, opened_at, rooms, room_count, waiting_bytes, position, acked, node } = session;
    const more = room_count - rooms.length;
    return html`<tr>
      <th scope="row"><a href="#/follow?user=${encodeURIComponent(user)}">${user}</a></th>
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
      <td class="actions">
        <button type="button" class="danger" @click=${() => this.#disconnect(session)}>Disconnect</button>
        <button type="button" class="danger" @click=${() => this.#revoke(session)}>Revoke</button>
      </td>
    </tr>`;
  }
}
