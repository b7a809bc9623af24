import { html, nothing } from "../vendor/lit.js";
import { call } from "./api.js";
import { fields, names } from "./form.js";
import { Section } from "./section.js";

/** @import { Submitted } from "./form.js" */

/** Publishing by hand. Needs `notify`, or `publish` for the room, in the token. */
export class Publish extends Section {
  title = "Publish";
  /** @type {{ id: string, to: string, position: string }[] | null} */
  #published = null;
  /** @type {{ room: string, position: string } | null} */
  #said = null;

  /** @param {Submitted} event */
  #notify(event) {
    const { to, type, payload, key, silent } = fields(event);
    this.attempt(async () => {
      this.#published = null;
      const body = {
        ...{ to: names(to), type, payload: object(payload, "the payload") },
        ...(key && { key }),
        ...(silent && { push: false }),
      };
      this.#published = (await call("POST", "/v1/notifications", body)).notifications;
    });
  }

  /** @param {Submitted} event */
  #say(event) {
    const { room, data } = fields(event);
    this.attempt(async () => {
      this.#said = null;
      const path = `/v1/rooms/${encodeURIComponent(room)}/messages`;
      this.#said = { room, ...(await call("POST", path, { data: value(data, "the data") })) };
    });
  }

  view() {
    if (!this.page.answers("/v1/notifications")) {
      return html`<p class="notice">
        This listener is for administrators alone. Publish over the other one: <code>tidings send alice 'Build finished'</code>.
      </p>`;
    }
    return html`<div class="two">
      <section class="card" aria-label="A notification">
        <header><h2>A notification</h2></header>
        <form class="body stack" @submit=${(/** @type {Submitted} */ event) => this.#notify(event)}>
          <label>To, with commas between <input name="to" value="alice" required autocomplete="off" /></label>
          <label>Type <input name="type" value="note.text" required autocomplete="off" /></label>
          <label>Payload, a JSON object<textarea name="payload" rows="5">{ "title": "Hello", "text": "From the admin page" }</textarea></label>
          <label>Collapse key, if any <input name="key" autocomplete="off" /></label>
          <label class="inline"><input type="checkbox" name="silent" /> do not push it</label>
          <button class="primary">Publish</button>
          ${
            this.#published
              ? html`<ul role="status">
                  ${this.#published.map(
                    ({ id, to, position }) =>
                      html`<li>to ${to} at <code>${position}</code>: <a href="#/follow?id=${id}"><code>${id}</code></a></li>`,
                  )}
                </ul>`
              : nothing
          }
        </form>
      </section>
      <section class="card" aria-label="A message to a room">
        <header><h2>A message to a room</h2></header>
        <form class="body stack" @submit=${(/** @type {Submitted} */ event) => this.#say(event)}>
          <label>Room <input name="room" value="general" required autocomplete="off" /></label>
          <label>Data, any JSON<textarea name="data" rows="5">{ "text": "From the admin page" }</textarea></label>
          <button class="primary">Publish</button>
          ${this.#said ? html`<p role="status">in ${this.#said.room} at <code>${this.#said.position}</code></p>` : nothing}
        </form>
      </section>
    </div>`;
  }
}

/** @param {string} text @param {string} name */
function value(text, name) {
  try {
    return JSON.parse(text);
  } catch (/** @type {any} */ error) {
    throw new Error(`${name}: this is not JSON: ${error.message}`);
  }
}

/** @param {string} text @param {string} name */
function object(text, name) {
  const found = value(text, name);
  if (typeof found !== "object" || found === null || Array.isArray(found)) throw new Error(`${name}: a JSON object is expected`);
  return found;
}
