import { html, nothing, render, repeat } from "../vendor/lit.js";
import { block } from "./block.js";
import { bookOf } from "./book.js";
import { callView } from "./call.js";
import { closeCodes, frameView } from "./frame.js";
import { inline, text } from "./text.js";

/** @import { Book } from "./book.js" */
/** @import { CallEntry, FrameEntry, Group } from "./documents.js" */

const base = new URL(".", document.baseURI).href.replace(/\/$/, "");
const root = /** @type {HTMLElement} */ (document.querySelector("#page"));
const wide = matchMedia("(min-width: 64rem)");

/** @param {string} name */
async function load(name) {
  const response = await fetch(`${base}/${name}`);
  if (!response.ok) throw new Error(`${name}: the server answered ${response.status}`);
  return response.json();
}

/** The page: which entries are shown, which are open, and when all of it is rendered. */
class Page {
  /** @type {Book} */
  #book;
  #words = "";
  #open = new Set();
  #said = "";

  /** @param {Book} book */
  constructor(book) {
    this.#book = book;
    addEventListener("hashchange", () => this.#go());
    addEventListener("keydown", (event) => this.#press(event));
    wide.addEventListener("change", () => this.update());
    this.update();
    this.#go();
  }

  update() {
    render(this.#view(), root);
  }

  /** Opens what the address names, and shows it. */
  #go() {
    const id = decodeURIComponent(location.hash.slice(1));
    if (!id) return;
    if (this.#book.byId.has(id)) {
      this.#words = "";
      this.#open.add(id);
      this.update();
    }
    // On a narrow screen the contents would hide what was chosen of them.
    const contents = /** @type {HTMLDetailsElement | null} */ (root.querySelector(".contents"));
    if (contents && !wide.matches) contents.open = false;
    const shown = document.getElementById(id);
    shown?.querySelector("summary")?.focus({ preventScroll: true });
    shown?.scrollIntoView();
  }

  /** `/` leads to the search, wherever nothing is typed; Escape empties it. @param {KeyboardEvent} event */
  #press(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    const isTyping = target.matches("input, textarea, select");
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      /** @type {HTMLInputElement | null} */ (root.querySelector("input[type=search]"))?.focus();
    } else if (event.key === "Escape" && target.matches("[type=search]")) {
      this.#search("");
    }
  }

  /** @param {string} words */
  #search(words) {
    this.#words = words;
    this.update();
  }

  /** @param {string} id @param {boolean} isOpen */
  #toggle(id, isOpen) {
    if (isOpen === this.#open.has(id)) return;
    if (isOpen) this.#open.add(id);
    else this.#open.delete(id);
    this.update();
  }

  /** Copies what stands in the block; where the browser does not let us, it is selected. @param {Event} event */
  #copy = async (event) => {
    const block = /** @type {HTMLElement} */ (event.target).closest(".block")?.querySelector("pre");
    if (!block) return;
    try {
      await navigator.clipboard.writeText(block.textContent);
      this.#say("Copied.");
    } catch {
      getSelection()?.selectAllChildren(block);
      this.#say("Selected: copy it with your keyboard.");
    }
  };

  /** @param {string} words */
  #say(words) {
    this.#said = words;
    this.update();
    setTimeout(() => {
      if (this.#said !== words) return;
      this.#said = "";
      this.update();
    }, 3_000);
  }

  /** Entries that have all words, by group. */
  #found() {
    const words = this.#words.toLowerCase().split(/\s+/).filter(Boolean);
    /** @param {CallEntry | FrameEntry} entry */
    const has = (entry) => words.every((word) => entry.words.includes(word));
    const groups = this.#book.groups.map((group) => ({ ...group, entries: group.entries.filter(has) }));
    return groups.filter(({ entries }) => entries.length > 0);
  }

  #view() {
    const found = this.#found();
    const count = found.reduce((sum, { entries }) => sum + entries.length, 0);
    return html`<div class="frame">
      <header class="side">
        <p class="brand"><img src="assets/icon.svg" alt="" />tidings API <span class="muted small">${this.#book.version}</span></p>
        <label class="search"><span class="visually-hidden">Search</span>
          <input type="search" placeholder="Search ( / )" autocomplete="off" spellcheck="false" .value=${this.#words} @input=${(/** @type {{ target: HTMLInputElement }} */ { target }) => this.#search(target.value)} />
        </label>
        <p class="visually-hidden" role="status">${this.#words ? `${count} found` : ""}</p>
        <details class="contents" ?open=${wide.matches}>
          <summary>Contents</summary>
          <nav aria-label="Contents">${repeat(found, ({ id }) => id, (group) => this.#links(group))}</nav>
        </details>
      </header>
      <main class="content" id="content" tabindex="-1">
        <h1>The tidings API</h1>
        <p class="row small">
          <a href="openapi.json">openapi.json</a>
          ${this.#book.hasSocket ? html`<a href="asyncapi.json">asyncapi.json</a>` : nothing}
        </p>
        ${this.#words ? nothing : this.#about()}
        ${found.length === 0 ? html`<p class="notice">Nothing has all of these words.</p>` : nothing}
        ${repeat(found, ({ id }) => id, (group) => this.#group(group))}
      </main>
      <p class="toast" role="status">${this.#said}</p>
    </div>`;
  }

  #about() {
    return html`<section class="card about" aria-label="What holds for all calls">
      <div class="body text">
        ${text(this.#book.about)}
        ${block("A token for the lines below, beside tidings dev", "TOKEN=$(tidings token dev)", this.#copy)}
      </div>
    </section>`;
  }

  /** @param {Group} group */
  #links({ id, name, entries }) {
    /** @param {CallEntry | FrameEntry} entry */
    const link = (entry) => html`<li><a href="#${entry.id}">${entry.badge ? html`<span class="verb ${entry.badge.toLowerCase()}">${entry.badge}</span>` : nothing}<span class="name">${entry.name}</span></a></li>`;
    return html`<p><a class="group" href="#${id}">${name}</a></p><ul>${repeat(entries, (entry) => entry.id, link)}</ul>`;
  }

  /** @param {Group} group */
  #group({ id, name, about, entries, hasCodes }) {
    return html`<section class="group" id=${id} aria-label=${name}>
      <h2>${name}</h2>
      <div class="text muted">${text(about)}</div>
      ${repeat(entries, (entry) => entry.id, (entry) => this.#entry(entry))}
      ${this.#book.socket && hasCodes && !this.#words ? closeCodes(this.#book.socket) : nothing}
    </section>`;
  }

  /** @param {CallEntry | FrameEntry} entry */
  #entry(entry) {
    const isOpen = this.#open.has(entry.id);
    const means = { base, copy: this.#copy };
    const view = () => ("message" in entry ? frameView(entry, means) : callView(entry, means));
    return html`<details class="card entry" id=${entry.id} ?open=${isOpen} @toggle=${(/** @type {{ target: HTMLDetailsElement }} */ { target }) => this.#toggle(entry.id, target.open)}>
      <summary>
        ${entry.badge ? html`<span class="verb ${entry.badge.toLowerCase()}">${entry.badge}</span>` : nothing}
        <code class="path">${entry.name}</code>
        <span class="summary">${inline(entry.summary)}</span>
      </summary>
      ${isOpen ? html`<div class="body stack">${view()}</div>` : nothing}
    </details>`;
  }
}

try {
  const http = await load("openapi.json");
  // The listener for administrators has no WebSocket, and no document of it.
  const socket = http.paths["/asyncapi.json"] ? await load("asyncapi.json") : null;
  root.replaceChildren();
  new Page(bookOf(http, socket));
} catch (/** @type {any} */ error) {
  render(html`<main id="content"><p class="notice bad" role="alert">${error.message}</p></main>`, root);
}
