import { html, nothing, render } from "../vendor/lit.js";
import { answered, call, keepToken, token } from "./api.js";
import { Console } from "./console.js";
import { Follow } from "./follow.js";
import { Overview } from "./overview.js";
import { Publish } from "./publish.js";
import { Rooms } from "./rooms.js";
import { Sessions } from "./sessions.js";
import { SignIn } from "./sign-in.js";
import { Unread } from "./unread.js";

/** @import { Section } from "./section.js" */

/** How long it is said that something was done. */
const SAID_FOR = 5_000;

/** The page: who is signed in, which section is shown, and when all of it is rendered. */
export class Page {
  #root = /** @type {HTMLElement} */ (document.querySelector("#page"));
  /** @type {Record<string, Section>} */
  #sections = {
    overview: new Overview(this),
    sessions: new Sessions(this),
    rooms: new Rooms(this),
    unread: new Unread(this),
    follow: new Follow(this),
    publish: new Publish(this),
    console: new Console(this),
  };
  /** @type {Section | null} */
  #shown = null;
  #isIn = false;
  #answered = new Set();
  #said = "";
  #isAsked = false;
  #signIn = new SignIn(this);

  async open() {
    window.addEventListener("hashchange", () => this.#show());
    // What stands behind `#` says which section is shown.
    document.querySelector(".skip-link")?.addEventListener("click", (event) => {
      event.preventDefault();
      /** @type {HTMLElement | null} */ (document.querySelector("#content"))?.focus();
    });
    await this.#signIn.byLink();
    if (token()) await this.signedIn();
    else this.update();
  }

  /** Looks whether the token is good before anything is shown. */
  async signedIn() {
    try {
      this.#answered = await answered();
      await call("GET", "/v1/admin/unread?users=nobody");
      this.#isIn = true;
      this.#show();
    } catch (/** @type {any} */ error) {
      this.signOut(error.message);
    }
  }

  signOut(reason = "") {
    keepToken(null);
    this.#shown?.stop();
    this.#shown = null;
    this.#isIn = false;
    this.#signIn.reason = reason;
    this.update();
  }

  /** Shows a section, with what it is asked for. @param {string} name @param {Record<string, string>} query */
  go(name, query) {
    const hash = `#/${name}?${new URLSearchParams(query)}`;
    if (location.hash === hash) this.#show();
    else location.hash = hash;
  }

  /** Whether this listener has an address of the API. @param {string} path */
  answers(path) {
    return this.#answered.has(path);
  }

  /** Tells what was done. @param {string} text */
  say(text) {
    this.#said = text;
    this.update();
    setTimeout(() => {
      if (this.#said === text) this.#said = "";
      this.update();
    }, SAID_FOR);
  }

  #show() {
    if (!this.#isIn) return;
    const [name, query] = location.hash.replace(/^#\/?/, "").split("?");
    const section = this.#sections[name] ?? this.#sections.overview;
    this.#shown?.stop();
    this.#shown = section;
    section.start(new URLSearchParams(query));
    document.title = `${section.title} – tidings admin`;
    this.update();
  }

  /** Renders once for all that changes in one turn. */
  update() {
    if (this.#isAsked) return;
    this.#isAsked = true;
    requestAnimationFrame(() => {
      this.#isAsked = false;
      render(this.#shown ? this.#view(this.#shown) : this.#signIn.view(), this.#root);
    });
  }

  /** @param {Section} shown */
  #view(shown) {
    /** @param {[name: string, section: Section]} entry */
    const link = ([name, section]) => html`<a href="#/${name}" aria-current=${section === shown ? "page" : nothing}>${section.title}</a>`;
    return html`<div class="frame">
      <header class="side">
        <p class="brand"><img src="assets/icon.svg" alt="" />tidings</p>
        <nav aria-label="Sections">${Object.entries(this.#sections).map(link)}</nav>
        <footer><a href="docs">API</a> <button type="button" @click=${() => this.signOut()}>Sign out</button></footer>
      </header>
      <main class="content" id="content" tabindex="-1">
        <h1>${shown.title}</h1>
        <p role="status" class=${this.#said ? "notice" : ""}>${this.#said}</p>
        ${[...shown.errors].map((text) => html`<p class="notice bad" role="alert">${text}</p>`)}
        ${shown.view()}
      </main>
    </div>`;
  }
}

new Page().open();
