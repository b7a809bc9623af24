import { html, nothing } from "../vendor/lit.js";
import { call } from "./api.js";
import { number } from "./format.js";
import { Section } from "./section.js";

const INTERVAL = 2_000;
const LIMIT = 200;

/** The rooms with somebody in them. */
export class Rooms extends Section {
  title = "Rooms";
  #answer = null;
  #prefix = "";

  start() {
    super.start();
    this.every(INTERVAL, () => this.#ask());
  }

  async #ask() {
    const query = new URLSearchParams({ limit: LIMIT, prefix: this.#prefix });
    this.#answer = await call("GET", `/v1/admin/rooms?${query}`, undefined, { signal: this.signal });
  }

  view() {
    const { rooms = [], complete = true } = this.#answer ?? {};
    const type = ({ target }) => {
      this.#prefix = target.value.trim();
      this.attempt(() => this.#ask());
    };
    return html`<div class="stack">
      <form class="filters" @submit=${(event) => event.preventDefault()}>
        <label>Name begins with <input .value=${this.#prefix} autocomplete="off" @input=${type} /></label>
      </form>
      ${complete ? nothing : html`<p class="notice">Not every instance has answered: there may be more than is shown.</p>`}
      <section class="card" aria-label="Rooms">
        <div class="scroll" tabindex="0" role="region" aria-label="Rooms, a table">
          <table>
            <thead>
              <tr>
                <th scope="col">room</th>
                <th scope="col" class="end">users</th>
                <th scope="col" class="end">sessions</th>
                <th scope="col">position</th>
                <th scope="col"><span class="visually-hidden">where to go</span></th>
              </tr>
            </thead>
            <tbody>
              ${rooms.map(
                ({ room, user_count, sessions, position }) => html`<tr>
                  <td>${room}</td>
                  <td class="end">${number(user_count)}</td>
                  <td class="end">${number(sessions)}</td>
                  <td class="mono">${position}</td>
                  <td class="row">
                    <a href="#/sessions?room=${encodeURIComponent(room)}">who is there</a>
                    <a href="#/console?room=${encodeURIComponent(room)}">listen</a>
                  </td>
                </tr>`,
              )}
            </tbody>
          </table>
        </div>
        ${rooms.length === 0 ? html`<p class="body muted">${this.#answer ? "Nobody is in a room." : "Asking…"}</p>` : nothing}
      </section>
    </div>`;
  }
}
