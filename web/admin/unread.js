import { html, nothing } from "../vendor/lit.js";
import { send } from "./api.js";
import { number, time } from "./format.js";
import { Section } from "./section.js";

const INTERVAL = 2_000;
const KEY = "tidings.admin.users";
const USERS_MAX = 200;

/** The counters of some users, polled: what has not changed is not sent again (ETag, 304). */
export class Unread extends Section {
  title = "Unread";
  #users = (sessionStorage.getItem(KEY) ?? "alice, bob").trim();
  #rows = [];
  #tag = null;
  #polls = 0;
  #unchanged = 0;
  #changedAt = null;

  start() {
    super.start();
    this.every(INTERVAL, () => this.#ask());
  }

  async #ask() {
    const users = [...new Set(this.#users.split(/[\s,]+/).filter(Boolean))].slice(0, USERS_MAX);
    if (users.length === 0) {
      this.#rows = [];
      return;
    }
    const headers = this.#tag ? { "If-None-Match": this.#tag } : {};
    const path = `/v1/admin/unread?${new URLSearchParams({ users: users.join(",") })}`;
    const response = await send("GET", path, undefined, { headers, signal: this.signal });
    this.#polls += 1;
    if (response.status === 304) {
      this.#unchanged += 1;
      return;
    }
    this.#tag = response.headers.get("ETag");
    this.#rows = (await response.json()).users;
    this.#changedAt = new Date();
  }

  #change(event) {
    event.preventDefault();
    this.#users = new FormData(event.target).get("users");
    sessionStorage.setItem(KEY, this.#users);
    this.#tag = null;
    this.attempt(() => this.#ask());
  }

  view() {
    return html`<div class="stack">
      <form class="filters" @submit=${(event) => this.#change(event)}>
        <label>Users, with commas between <input name="users" size="40" .value=${this.#users} autocomplete="off" /></label>
        <button>Show</button>
      </form>
      <p class="small muted number">
        ${number(this.#polls)} polls, ${number(this.#unchanged)} of them answered 304, nothing new
        ${this.#changedAt ? html`; changed at ${time(this.#changedAt)}` : nothing}
      </p>
      <section class="card" aria-label="Unread">
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">user</th>
                <th scope="col" class="end">unread</th>
                <th scope="col" class="end">unseen</th>
                <th scope="col" class="end">changes</th>
              </tr>
            </thead>
            <tbody>
              ${this.#rows.map(
                ({ user, counters }) => html`<tr>
                  <td><a href="#/follow?user=${encodeURIComponent(user)}">${user}</a></td>
                  <td class="end">${number(counters.unread)}</td>
                  <td class="end">${number(counters.unseen)}</td>
                  <td class="end">${number(counters.version)}</td>
                </tr>`,
              )}
            </tbody>
          </table>
        </div>
      </section>
    </div>`;
  }
}
