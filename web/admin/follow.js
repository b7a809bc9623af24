import { html, nothing } from "../vendor/lit.js";
import { call } from "./api.js";
import { fields } from "./form.js";
import { moment, number } from "./format.js";
import { Section } from "./section.js";
import { erase, revoke } from "./users.js";

/** @import { Session } from "./api.js" */
/** @import { Submitted } from "./form.js" */
/** @import { Notification } from "../vendor/tidings.js" */

const INTERVAL = 1_500;
const IS_NOTIFICATION = /^ntf_[0-9A-Z]{26}$/;

/**
 * What became of a notification for one subscription to pushes.
 *
 * @typedef {object} Pushed
 * @property {string} subscription
 * @property {string} state
 * @property {number} attempts
 * @property {number} [status] What the push service has answered.
 * @property {string} [reason]
 * @property {string} [due_at]
 * @property {string} [ended_at]
 */

/**
 * As `GET /v1/admin/notifications/{id}` answers it.
 *
 * @typedef {object} Trace
 * @property {Notification & { expires_at?: string }} notification
 * @property {string} user
 * @property {boolean} muted
 * @property {boolean} acked
 * @property {Pick<Session, "session" | "transport" | "node">[]} sent
 * @property {Pushed[]} push
 * @property {boolean} complete
 */

/** @typedef {{ user: string, counters: Record<"unread" | "unseen" | "version", number>, sessions: Session[] }} Found */

/** One user or one notification, followed: what became of it, and where it stands. */
export class Follow extends Section {
  title = "Follow";
  #wanted = "";
  /** @type {Found | null} */
  #user = null;
  /** @type {Trace | null} */
  #trace = null;

  /** @override @param {URLSearchParams} query */
  start(query) {
    super.start();
    const wanted = query.get("id") ?? query.get("user");
    if (wanted) this.#want(wanted);
    this.every(INTERVAL, () => this.#ask());
  }

  /** @param {string} text */
  #want(text) {
    this.#wanted = text.trim();
    this.#user = null;
    this.#trace = null;
  }

  async #ask() {
    const wanted = this.#wanted;
    if (wanted === "") return;
    const answer = IS_NOTIFICATION.test(wanted) ? { trace: await this.#askTrace(wanted) } : { user: await this.#askUser(wanted) };
    // Something else may be wanted by now.
    if (wanted !== this.#wanted) return;
    this.#trace = answer.trace ?? null;
    this.#user = answer.user ?? null;
  }

  /** @param {string} user */
  #revoke(user) {
    return this.attempt(async () => {
      if (!(await revoke(user))) return false;
      return this.page.say(`The tokens of ${user} are revoked.`);
    });
  }

  /** @param {string} user */
  #erase(user) {
    return this.attempt(async () => {
      if (!(await erase(user))) return false;
      this.page.say(`Nothing of ${user} is left.`);
      return this.#ask();
    });
  }

  /** Pushes to this user that were given up. @param {string} user */
  async #retry(user) {
    await this.attempt(async () => {
      const { retried } = await call("POST", "/v1/admin/push/retry", { user });
      this.page.say(`${retried === 1 ? "1 push" : `${number(retried)} pushes`} to ${user} ${retried === 1 ? "is" : "are"} due again.`);
      await this.#ask();
    });
  }

  /** @param {string} id */
  #askTrace(id) {
    return call("GET", `/v1/admin/notifications/${id}`, undefined, { signal: this.signal });
  }

  /** @param {string} user */
  async #askUser(user) {
    const { signal } = this;
    const [counters, sessions] = await Promise.all([
      call("GET", `/v1/admin/unread?${new URLSearchParams({ users: user })}`, undefined, { signal }),
      call("GET", `/v1/admin/sessions?${new URLSearchParams({ user })}`, undefined, { signal }),
    ]);
    return { ...counters.users[0], ...sessions };
  }

  view() {
    /** @param {Submitted} event */
    const find = (event) => {
      const { wanted } = fields(event);
      this.page.go("follow", { [IS_NOTIFICATION.test(wanted) ? "id" : "user"]: wanted });
    };
    return html`<div class="stack">
      <form class="filters" role="search" @submit=${find}>
        <label>
          User, or id of a notification
          <input name="wanted" size="34" required .value=${this.#wanted} autocomplete="off" spellcheck="false" />
        </label>
        <button class="primary">Follow</button>
      </form>
      ${this.#trace ? this.#traced(this.#trace) : nothing} ${this.#user ? this.#found(this.#user) : nothing}
      ${!this.#trace && !this.#user && this.#wanted === "" ? html`<p class="muted">What is published is answered with an id, such as ntf_01M80RGBFJAPQ3ZKRMXZC4KYHW.</p>` : nothing}
    </div>`;
  }

  /** @param {Trace} trace */
  #traced({ notification, user, muted, acked, sent, push, complete }) {
    /** @param {unknown} isDone @param {string} name @param {unknown} text */
    const step = (isDone, name, text, isFailed = false) => html`<li class=${isFailed ? "failed" : isDone ? "done" : ""}>
      <b>${name}</b><span class=${isDone || isFailed ? "" : "muted"}>${text}</span>
    </li>`;
    /** @param {string | undefined} at @param {string} not */
    const when = (at, not) => (at ? moment(at) : not);
    return html`<div class="two">
      <section class="card" aria-label="What became of it">
        <header><h2>What became of it</h2><code class="muted">${notification.id}</code></header>
        <ol class="body trace">
          ${step(true, "stored", html`${moment(notification.created_at)} at <code>${notification.position}</code>`)}
          ${muted ? step(false, "muted", "the user wants to hear nothing of it: told to nobody", true) : nothing}
          ${step(
            sent.length > 0,
            "sent live",
            sent.length > 0
              ? html`<ul>${sent.map(({ session, transport, node }) => html`<li class="mono">${session} <span class="tag">${transport}</span> on ${node}</li>`)}</ul>`
              : "to no session that is open now",
          )}
          ${step(acked, "acknowledged", acked ? "some device of the user has shown it" : "by no device")}
          ${push.length === 0 ? step(false, "pushed", "no") : push.map((attempt) => this.#pushed(attempt, step))}
          ${step(notification.seen_at, "seen", when(notification.seen_at, "not yet"))}
          ${step(notification.read_at, "read", when(notification.read_at, "not yet"))}
          ${notification.archived_at ? step(true, "archived", moment(notification.archived_at)) : nothing}
          ${notification.expires_at ? step(false, "expires", moment(notification.expires_at)) : nothing}
        </ol>
        ${
          push.some(({ state }) => state === "dead")
            ? html`<p class="body"><button type="button" @click=${() => this.#retry(user)}>Push to ${user} again</button></p>`
            : nothing
        }
        ${complete ? nothing : html`<p class="body small muted">Not every instance has answered.</p>`}
      </section>
      <section class="card" aria-label="The notification">
        <header>
          <h2>${notification.type}</h2>
          <span class="muted">to <a href="#/follow?user=${encodeURIComponent(user)}">${user}</a></span>
        </header>
        <pre class="body scroll" tabindex="0"><code>${JSON.stringify(notification.payload, null, 2)}</code></pre>
      </section>
    </div>`;
  }

  /** @param {Pushed} pushed @param {(isDone: unknown, name: string, text: unknown, isFailed?: boolean) => unknown} step */
  #pushed({ subscription, state, attempts, status, reason, due_at, ended_at }, step) {
    const facts = [
      attempts > 0 ? `${attempts === 1 ? "1 attempt" : `${attempts} attempts`}` : null,
      status ? `answered ${status}` : null,
      reason,
      due_at ? `due ${moment(due_at)}` : null,
      ended_at ? moment(ended_at) : null,
    ].filter(Boolean);
    const text = html`<b>${state}</b>${facts.length > 0 ? `: ${facts.join(", ")}` : nothing} <code class="muted">${subscription}</code>`;
    return step(state === "sent", "pushed", text, state === "dead" || state === "gone");
  }

  /** @param {Found} found */
  #found({ user, counters, sessions }) {
    /** @param {string} label @param {number} value */
    const tile = (label, value) => html`<div class="card"><dt class="muted small">${label}</dt><dd>${number(value)}</dd></div>`;
    return html`<section class="stack" aria-label=${user}>
      <h2>${user}</h2>
      <dl class="numbers">
        ${tile("Unread", counters.unread)} ${tile("Unseen", counters.unseen)} ${tile("Changes", counters.version)}
        ${tile("Sessions", sessions.length)}
      </dl>
      <ul class="stack">
        ${sessions.map(
          ({ session, transport, node, opened_at, position, acked }) => html`<li class="card"><div class="body stack">
            <span class="row"><span class="dot good"></span><span class="tag">${transport}</span> on <code>${node}</code></span>
            <span class="small muted">
              since ${moment(opened_at)}; was given <code>${position ?? "nothing yet"}</code>, the user has acknowledged
              <code>${acked}</code>
            </span>
            <code class="muted">${session}</code>
          </div></li>`,
        )}
      </ul>
      ${sessions.length === 0 ? html`<p class="muted">Not connected now.</p>` : nothing}
      <p class="row">
        ${sessions.length > 0 ? html`<a href="#/sessions?user=${encodeURIComponent(user)}">Disconnect</a>` : nothing}
        <button type="button" class="danger" @click=${() => this.#revoke(user)}>Revoke all tokens</button>
        <button type="button" class="danger" @click=${() => this.#erase(user)}>Erase everything</button>
      </p>
    </section>`;
  }
}
