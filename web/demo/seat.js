import { createRef, html, live, nothing, ref, repeat } from "../vendor/lit.js";
import { createTidings } from "../vendor/tidings.js";
import { Latency, begin, figures, ms, since } from "./latency.js";
import { Plug } from "./plug.js";

const ROOM = "general";
/** @import { Message, Transport } from "../vendor/tidings.js" */

/** @type {Record<Transport, string>} */
const WAYS = { ws: "WebSocket", sse: "Server-Sent Events", longpoll: "long poll", poll: "poll" };
/** How long it is said that something was missed. */
const RECOVERED_FOR = 8_000;

/** One person: a client, what they see, and what can be done to their connection. */
export class Seat {
  latency = new Latency();
  /** What was missed and is there now, for as long as it is said. @type {string | null} */
  recovered = null;
  draft = "";
  #recovered = 0;
  #timer = 0;
  #list = createRef();
  #room;

  /**
   * @param {object} how
   * @param {string} how.user
   * @param {string} how.base Where the server is.
   * @param {() => Promise<string>} how.getToken
   * @param {() => void} how.update Renders the page.
   * @param {(text: string) => void} how.tell Writes into its log.
   */
  constructor({ user, base, getToken, update, tell }) {
    this.user = user;
    this.update = update;
    this.tell = tell;
    this.plug = new Plug();
    this.client = createTidings({
      url: base,
      getToken,
      sharing: "none",
      badge: false,
      pollInterval: 3_000,
      serviceWorker: { url: `${base}/sw.js`, scope: `${base}/` },
      fetch: this.plug.fetch,
      WebSocket: this.plug.WebSocket,
    });
    this.#room = this.client.room(ROOM);
    this.#listen();
    this.client.connect();
  }

  #listen() {
    const { client } = this;
    client.subscribe(this.update);
    client.on("notification", ({ payload }) => this.#measure(markOf(payload), "a notification"));
    client.on("recovered", ({ stream, count, complete }) => {
      this.tell(`${this.user}: ${count} of ${stream} made up for${complete ? "" : ", some are lost"}`);
      // What else the client is in counts for itself.
      if (stream !== "inbox" && stream !== ROOM) return;
      this.#recovered += count;
      this.recovered = `recovered ${this.#recovered}`;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => {
        this.recovered = null;
        this.#recovered = 0;
        this.update();
      }, RECOVERED_FOR);
      this.update();
    });
    this.#room.onMessage(({ data }) => {
      this.#measure(markOf(data), "a message");
      this.#toEnd();
    });
    client
      .ready()
      .then(() => this.#room.history())
      .then(() => this.#toEnd())
      .catch((error) => this.tell(`${this.user}: the history cannot be read: ${error.message}`));
  }

  /** @param {string} mark @param {string} what */
  #measure(mark, what) {
    const passed = since(mark);
    if (passed === null) return;
    this.latency.add(passed);
    this.tell(`${this.user} has ${what} after ${ms(passed)}`);
  }

  /** The newest are in view, once they are rendered. */
  #toEnd() {
    requestAnimationFrame(() => this.#list.value?.scrollTo({ top: this.#list.value.scrollHeight }));
  }

  get #place() {
    return this.client.getSnapshot().rooms[ROOM];
  }

  /** @param {SubmitEvent} event */
  async #say(event) {
    event.preventDefault();
    const text = this.draft.trim();
    if (text === "") return;
    this.draft = "";
    this.#room.typing(false);
    this.update();
    try {
      await this.#room.publish({ text, mark: begin() });
    } catch (/** @type {any} */ error) {
      this.tell(`${this.user}: not said: ${error.message}`);
      this.draft ||= text;
      this.update();
    }
  }

  /** @param {{ target: HTMLInputElement }} event */
  #type(event) {
    this.draft = event.target.value;
    this.#room.typing(this.draft !== "");
    this.update();
  }

  #togglePlug() {
    if (this.plug.isPulled) {
      this.plug.plugIn();
      this.client.reconnect();
    } else {
      this.plug.pull();
    }
    this.tell(`${this.user}: the plug is ${this.plug.isPulled ? "pulled" : "in"}`);
    this.update();
  }

  view() {
    const { client, user } = this;
    return html`<section class="card seat seat-${user}" aria-label=${user}>
      <header>
        <span class="avatar" aria-hidden="true">${user[0]}</span>
        <div class="who">
          <h2>${user}</h2>
          ${this.#status()}
        </div>
        <tidings-bell class="push-end" .client=${client}></tidings-bell>
      </header>
      ${this.#connection()} ${this.#chat()}
    </section>`;
  }

  #status() {
    const { status, transport, error } = this.client.getSnapshot();
    const isLive = status === "connected";
    const word = isLive ? `live (${transport && WAYS[transport]})` : status;
    const colour = isLive ? "good" : status === "closed" ? "bad" : "warn";
    return html`<p class="row small" role="status">
      <span class="dot ${colour}"></span>
      <span class="status">${word}${error && status === "closed" ? `: ${error.message}` : nothing}</span>
      ${this.recovered ? html`<strong class="good">${this.recovered}</strong>` : nothing}
    </p>`;
  }

  #connection() {
    const { isPulled } = this.plug;
    const { transport } = this.client.getSnapshot();
    /** @param {{ target: { value: Transport } }} event */
    const change = ({ target }) => {
      this.tell(`${this.user}: over ${WAYS[target.value]} from now on`);
      this.client.reconnect(target.value);
    };
    return html`<div class="line">
      <button type="button" class="plug" aria-pressed=${isPulled} @click=${() => this.#togglePlug()}>
        ${isPulled ? "Plug in again" : "Pull the plug"}
      </button>
      <label class="inline">
        <span class="visually-hidden">over</span>
        <select class="transport" .value=${live(transport ?? "ws")} @change=${change}>
          ${Object.entries(WAYS).map(([way, name]) => html`<option value=${way} ?selected=${way === transport}>${name}</option>`)}
        </select>
      </label>
    </div>`;
  }

  #chat() {
    const place = this.#place;
    const typing = place?.typing ?? [];
    const here = place?.users ?? [];
    const isAre = typing.length === 1 ? "is" : "are";
    return html`<div class="chat">
      <p class="line">
        <strong><bdi>#${ROOM}</bdi></strong>
        <span class="here row">
          ${
            here.length === 0
              ? html`<span class="muted">${place?.status === "joined" ? "nobody is seen on this way" : "joining…"}</span>`
              : here.map((user) => html`<span class="tag"><span class="dot good"></span>${user}</span>`)
          }
        </span>
        <span class="push-end number" title="from sending to showing, on this machine">
          ${figures(this.latency)}
        </span>
      </p>
      <ul class="messages" tabindex="0" aria-label="Messages in ${ROOM}" ${ref(this.#list)}>
        ${repeat(
          place?.messages ?? [],
          (message) => message.position,
          (message) => this.#message(message),
        )}
        ${place?.status === "joined" && place.messages.length === 0 ? html`<li class="nothing">Nothing said yet.</li>` : nothing}
      </ul>
      <p class="typing" aria-live="polite">${typing.length > 0 ? `${typing.join(", ")} ${isAre} typing…` : nothing}</p>
      <form class="compose" @submit=${(/** @type {SubmitEvent} */ event) => this.#say(event)}>
        <input
          aria-label="Message as ${this.user}"
          placeholder="Say something as ${this.user}"
          autocomplete="off"
          .value=${live(this.draft)}
          @input=${(/** @type {{ target: HTMLInputElement }} */ event) => this.#type(event)}
        />
        <button class="primary">Send</button>
      </form>
    </div>`;
  }

  /** @param {Message<any>} message */
  #message({ from, data, at }) {
    const time = new Date(at).toLocaleTimeString([], { hourCycle: "h23" });
    return html`<li class=${from === this.user ? "own" : ""}>
      <span class="meta">${from} · ${time}</span>
      <span dir="auto">${typeof data === "string" ? data : (data?.text ?? JSON.stringify(data))}</span>
    </li>`;
  }
}

/** The mark that a button of the page has sent along, if it was one. @param {any} sent */
function markOf(sent) {
  return sent?.mark;
}
