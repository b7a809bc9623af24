import { html } from "../vendor/lit.js";
import { number } from "./format.js";
import { Listing } from "./listing.js";
import { table } from "./table.js";

/** @import { Typed } from "./form.js" */

const COLUMNS = [
  "room",
  { name: "users", isEnd: true },
  { name: "sessions", isEnd: true },
  "position",
  { name: "where to go", isActions: true },
];

/** The rooms with somebody in them. */
export class Rooms extends Listing {
  title = "Rooms";
  path = "/v1/admin/rooms";
  filters = { prefix: "" };

  /** @override */
  view() {
    const { rooms = [] } = this.answer ?? {};
    /** @param {Typed} event */
    const type = ({ currentTarget }) => this.narrow({ prefix: currentTarget.value.trim() });
    return html`<div class="stack">
      <form class="filters" role="search" @submit=${(/** @type {Event} */ event) => event.preventDefault()}>
        <label>Name begins with <input type="search" .value=${this.filters.prefix} autocomplete="off" @input=${type} /></label>
      </form>
      ${this.more(rooms)}
      ${table({
        label: "Rooms",
        columns: COLUMNS,
        rows: rooms,
        key: ({ room }) => room,
        row: ({ room, user_count, sessions, position }) => html`<tr>
          <th scope="row">${room}</th>
          <td class="end">${number(user_count)}</td>
          <td class="end">${number(sessions)}</td>
          <td class="mono">${position}</td>
          <td class="actions">
            <span class="row">
              <a href="#/sessions?room=${encodeURIComponent(room)}">who is there</a>
              <a href="#/console?room=${encodeURIComponent(room)}">listen</a>
            </span>
          </td>
        </tr>`,
        empty: this.answer ? "Nobody is in a room." : "Asking…",
      })}
    </div>`;
  }
}
