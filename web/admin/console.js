import { createRef, html, nothing, ref, repeat } from "../vendor/lit.js";
import { base, call, token } from "./api.js";
import { fields, names } from "./form.js";
import { Section } from "./section.js";

/** @import { Session } from "./api.js" */
/** @import { Submitted, Typed } from "./form.js" */

/** Lines that are kept; while it is paused, too, and then the newest of what has come wait. */
const KEPT = 500;
/** How often it is looked who is connected. */
const INTERVAL = 1_000;
const SESSIONS_MAX = 200;

/** @typedef {{ id: number, at: Date, type: string, data: string }} Line */

/**
 * What happens, as it happens: who comes and goes, and every frame that a session with this token is sent of the rooms
 * that it listens to and of its own inbox. Bare frames, by a socket without the client library: nothing is hidden.
 */
export class Console extends Section {
  title = "Console";
  /** @type {Line[]} */
  #lines = [];
  /** @type {Line[]} */
  #waiting = [];
  #isPaused = false;
  #filter = "";
  #rooms = "";
  /** @type {WebSocket | null} */
  #socket = null;
  #state = "not listening";
  /** By id. @type {Map<string, Session> | null} */
  #sessions = null;
  #next = 0;
  /** @type {import("lit/directives/ref.js").Ref<HTMLElement>} */
  #list = createRef();

  /** @override @param {URLSearchParams} query */
  start(query) {
    super.start();
    this.#rooms = query.get("room") ?? this.#rooms;
    this.every(INTERVAL, () => this.#lookForSessions());
    if (this.page.answers("/v1/ws")) this.#listen();
  }

  stop() {
    super.stop();
    this.#socket?.close();
    this.#socket = null;
  }

  #listen() {
    this.#socket?.close();
    const rooms = names(this.#rooms);
    const query = rooms.length > 0 ? `?${new URLSearchParams({ rooms: rooms.join(",") })}` : "";
    const socket = new WebSocket(`${base.replace(/^http/, "ws")}/v1/ws${query}`, ["tidings.v1", `bearer.${token()}`]);
    this.#socket = socket;
    this.#state = "connecting";
    socket.onopen = () => this.#set(socket, "listening");
    socket.onmessage = ({ data }) => this.#take(JSON.parse(data).type, data);
    socket.onclose = ({ code, reason }) => {
      this.#take("closed", `${code} ${reason}`);
      this.#set(socket, "not listening");
    };
    this.update();
  }

  /** @param {WebSocket} socket @param {string} state */
  #set(socket, state) {
    if (socket === this.#socket) this.#state = state;
    this.update();
  }

  /** There is no stream of what all sessions do: it is seen by looking again. */
  async #lookForSessions() {
    const { sessions } = await call("GET", `/v1/admin/sessions?limit=${SESSIONS_MAX}`, undefined, { signal: this.signal });
    /** @type {Map<string, Session>} */
    const now = new Map(sessions.map((/** @type {Session} */ session) => [session.session, session]));
    const before = this.#sessions ?? now;
    this.#sessions = now;
    for (const [id, { user, transport, node }] of now) {
      if (!before.has(id)) this.#take("session opened", `${user} over ${transport} on ${node} ${id}`);
    }
    // Where there are more than are listed, one that is not listed may be there.
    if (sessions.length === SESSIONS_MAX) return;
    for (const [id, { user }] of before) {
      if (!now.has(id)) this.#take("session ended", `${user} ${id}`);
    }
  }

  /** @param {string} type @param {string} data */
  #take(type, data) {
    const lines = this.#isPaused ? this.#waiting : this.#lines;
    lines.push({ id: this.#next++, at: new Date(), type, data });
    if (lines.length > KEPT) lines.splice(0, lines.length - KEPT);
    this.update();
    if (!this.#isPaused) requestAnimationFrame(() => this.#list.value?.scrollTo({ top: this.#list.value.scrollHeight }));
  }

  #pause() {
    this.#isPaused = !this.#isPaused;
    if (!this.#isPaused) this.#lines = [...this.#lines, ...this.#waiting.splice(0)].slice(-KEPT);
    this.update();
  }

  /** The same in a terminal. */
  get #command() {
    const rooms = names(this.#rooms);
    return ["tidings listen dev", ...rooms.map((room) => `--room ${room}`)].join(" ");
  }

  view() {
    const wanted = this.#filter.toLowerCase();
    const lines = this.#lines.filter(({ type, data }) => `${type} ${data}`.toLowerCase().includes(wanted));
    return html`<div class="stack">
      ${this.page.answers("/v1/ws") ? this.#listening() : html`<p class="notice">This listener has no sessions: who comes and goes is told, and no frames.</p>`}
      <section class="card" aria-label="Events">
        <header>
          <label class="inline">Filter <input type="search" .value=${this.#filter} @input=${(/** @type {Typed} */ { target }) => {
            this.#filter = target.value;
            this.update();
          }} /></label>
          <button type="button" aria-pressed=${this.#isPaused} @click=${() => this.#pause()}>
            ${this.#isPaused ? `Go on (${this.#waiting.length} wait)` : "Pause"}
          </button>
          <button type="button" @click=${() => {
            this.#lines = [];
            this.update();
          }}>Clear</button>
          <span class="push-end small muted number">${lines.length} of ${this.#lines.length}</span>
        </header>
        <ol class="events" tabindex="0" aria-label="Events" ${ref(this.#list)}>
          ${repeat(
            lines,
            (line) => line.id,
            ({ at, type, data }) => html`<li>
              <time>${at.toLocaleTimeString([], { hourCycle: "h23" })}</time><b>${type}</b><span class="data">${data}</span>
            </li>`,
          )}
        </ol>
      </section>
    </div>`;
  }

  #listening() {
    /** @param {Submitted} event */
    const listen = (event) => {
      this.#rooms = fields(event).rooms;
      this.#listen();
    };
    return html`<form class="filters" @submit=${listen}>
        <label>Rooms, with commas between <input name="rooms" size="30" .value=${this.#rooms} autocomplete="off" placeholder="general, ticker" /></label>
        <button>Listen</button>
        <span class="row small" role="status">
          <span class="dot ${this.#state === "listening" ? "good" : "warn"}"></span>${this.#state}
        </span>
      </form>
      ${this.#rooms ? html`<p class="small muted">In a terminal: <code>${this.#command}</code></p>` : nothing}`;
  }
}
