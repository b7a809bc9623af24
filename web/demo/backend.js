import { html, live } from "../vendor/lit.js";
import { begin } from "./latency.js";

/** @type {Record<string, string[]>} */
const RECIPIENTS = { alice: ["alice"], bob: ["bob"], both: ["alice", "bob"] };
const TEXTS = ["Build finished", "Your order has left the warehouse", "Bob mentioned you", "The backup is done"];

/** What an application's server does: it publishes, and knows nothing of who is connected. */
export class BackEnd {
  #to = "alice";
  #text = "";
  #next = 0;
  /** @type {string | null} */
  #failure = null;

  /**
   * @param {object} how
   * @param {string} how.base Where the server is.
   * @param {() => Promise<string>} how.getToken
   * @param {() => void} how.update Renders the page.
   * @param {(text: string) => void} how.tell Writes into its log.
   */
  constructor({ base, getToken, update, tell }) {
    this.base = base;
    this.getToken = getToken;
    this.update = update;
    this.tell = tell;
  }

  /** @param {number} count */
  async #send(count) {
    this.#failure = null;
    try {
      for (let n = 0; n < count; n += 1) await this.#publish();
    } catch (/** @type {any} */ error) {
      this.#failure = error.message;
    }
    this.#text = "";
    this.update();
  }

  async #publish() {
    const text = this.#text.trim() || TEXTS[this.#next++ % TEXTS.length];
    const payload = { title: text, text: `For ${this.#to}, from the back-end`, mark: begin() };
    const body = { to: RECIPIENTS[this.#to], type: "demo.note", payload };
    /** @type {{ notifications: { to: string, position: string }[] }} */
    const { notifications } = await this.#post("/v1/notifications", body);
    this.tell(`stored: ${notifications.map(({ to, position }) => `${to} ${position}`).join(", ")}`);
  }

  async #say() {
    this.#failure = null;
    try {
      const data = { text: this.#text.trim() || "A word from the back-end", mark: begin() };
      await this.#post("/v1/rooms/general/messages", { data });
    } catch (/** @type {any} */ error) {
      this.#failure = error.message;
    }
    this.#text = "";
    this.update();
  }

  /** @param {string} path @param {object} body */
  async #post(path, body) {
    const response = await fetch(this.base + path, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${await this.getToken()}` },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.detail ?? response.statusText);
    return answer;
  }

  view() {
    /** @param {string} to */
    const radio = (to) => html`<label class="inline">
      <input type="radio" name="to" value=${to} .checked=${live(this.#to === to)} @change=${() => {
        this.#to = to;
        this.update();
      }} />${to}
    </label>`;
    const command = `curl -d 'Build finished' ${this.base}/v1/send/alice -H "Authorization: Bearer $(tidings token dev)"`;
    return html`<section class="card" aria-label="Back-end">
      <header><h2>Back-end</h2></header>
      <div class="body stack">
        <fieldset>
          <legend>To</legend>
          ${Object.keys(RECIPIENTS).map(radio)}
        </fieldset>
        <label>
          Text
          <input
            placeholder=${TEXTS[this.#next % TEXTS.length]}
            .value=${live(this.#text)}
            @input=${(/** @type {{ target: HTMLInputElement }} */ { target }) => {
              this.#text = target.value;
            }}
          />
        </label>
        <div class="row">
          <button type="button" class="primary send" @click=${() => this.#send(1)}>Notify</button>
          <button type="button" class="send-many" @click=${() => this.#send(3)}>Notify 3 times</button>
          <button type="button" class="say" @click=${() => this.#say()}>Say in #general</button>
        </div>
        ${this.#failure ? html`<p class="notice bad" role="alert">${this.#failure}</p>` : ""}
        <p class="small muted">Or from a terminal:</p>
        <pre><code>${command}</code></pre>
      </div>
    </section>`;
  }
}
