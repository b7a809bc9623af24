import { html } from "../vendor/lit.js";
import { send } from "./api.js";
import { fields, names } from "./form.js";
import { number, time } from "./format.js";
import { Section } from "./section.js";
import { table } from "./table.js";

/** @import { Submitted } from "./form.js" */

const INTERVAL = 2_000;
const KEY = "tidings.admin.users";
const USERS_MAX = 200;

const COLUMNS = [
  "user",
  { name: "unread", isEnd: true },
  { name: "unseen", isEnd: true },
  { name: "changes", isEnd: true },
];

/** The counters of some users, polled: what has not changed is not sent again (ETag, 304). */
export class Unread extends Section {
  title = "Unread";
  #users = (sessionStorage.getItem(KEY) ?? "alice, bob").trim();
  /** @type {{ user: string, counters: { unread: number, unseen: number, version: number } }[]} */
  #rows = [];
  /** @type {string | null} */
  #tag = null;
  #polls = 0;
  #unchanged = 0;
  /** @type {Date | null} */
  #changedAt = null;

  start() {
    super.start();
    this.every(INTERVAL, () => this.#ask());
  }

  async #ask() {
    const asked = this.#users;
    const users = [...new Set(names(asked))].slice(0, USERS_MAX);
    if (users.length === 0) {
      this.#rows = [];
      return;
    }
    /** @type {Record<string, string>} */
    const headers = this.#tag ? { "If-None-Match": this.#tag } : {};
    const path = `/v1/admin/unread?${new URLSearchParams({ users: users.join(",") })}`;
    const response = await send("GET", path, undefined, { headers, signal: this.signal });
    const answer = response.status === 304 ? null : await response.json();
    // Others may be wanted by now.
    if (asked !== this.#users) return;
    this.#polls += 1;
    if (!answer) {
      this.#unchanged += 1;
      return;
    }
    this.#tag = response.headers.get("ETag");
    this.#rows = answer.users;
    this.#changedAt = new Date();
  }

  /** @param {Submitted} event */
  #change(event) {
    this.#users = fields(event).users;
    sessionStorage.setItem(KEY, this.#users);
    this.#tag = null;
    this.look(() => this.#ask());
  }

  view() {
    return html`<div class="stack">
      <form class="filters" @submit=${(/** @type {Submitted} */ event) => this.#change(event)}>
        <label>Users, with commas between <input name="users" size="40" .value=${this.#users} autocomplete="off" /></label>
        <button>Show</button>
      </form>
      <p class="small muted number">
        Asked ${this.#polls === 1 ? "once" : `${number(this.#polls)} times`}, ${number(this.#unchanged)} of them answered 304,
        nothing new${this.#changedAt ? `; changed at ${time(this.#changedAt)}` : ""}.
      </p>
      ${table({
        label: "Unread",
        columns: COLUMNS,
        rows: this.#rows,
        key: ({ user }) => user,
        row: ({ user, counters }) => html`<tr>
          <th scope="row"><a href="#/follow?user=${encodeURIComponent(user)}">${user}</a></th>
          <td class="end">${number(counters.unread)}</td>
          <td class="end">${number(counters.unseen)}</td>
          <td class="end">${number(counters.version)}</td>
        </tr>`,
        empty: this.#users.trim() ? "Asking…" : "Nobody is asked for.",
      })}
    </div>`;
  }
}
