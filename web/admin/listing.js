import { html, nothing } from "../vendor/lit.js";
import { call } from "./api.js";
import { number } from "./format.js";
import { Section } from "./section.js";

const INTERVAL = 2_000;
/** As many as are listed at once. */
const LIMIT = 200;

/** A list that is asked for again and again: all of it, or what its filters leave. */
export class Listing extends Section {
  /** The address that answers it. */
  path = "";
  /** What is left, by the names of the query. @type {Record<string, string>} */
  filters = {};
  /** What was answered last. @type {Record<string, any> | null} */
  answer = null;

  /** @override @param {URLSearchParams} query */
  start(query) {
    super.start();
    for (const name of Object.keys(this.filters)) this.filters[name] = query.get(name) ?? this.filters[name];
    this.every(INTERVAL, () => this.ask());
  }

  async ask() {
    const { filters } = this;
    const query = new URLSearchParams({ limit: `${LIMIT}` });
    for (const [name, value] of Object.entries(filters)) if (value) query.set(name, value);
    const answer = await call("GET", `${this.path}?${query}`, undefined, { signal: this.signal });
    // Something else may be wanted by now.
    if (filters === this.filters) this.answer = answer;
  }

  /** @param {Record<string, string>} filters */
  narrow(filters) {
    this.filters = { ...this.filters, ...filters };
    this.look(() => this.ask());
  }

  /** Says that there may be more than `rows`. @param {readonly unknown[]} rows */
  more(rows) {
    if (this.answer && !this.answer.complete) {
      return html`<p class="notice">Not every instance has answered: there may be more than is shown.</p>`;
    }
    if (rows.length < LIMIT) return nothing;
    return html`<p class="notice">The first ${number(LIMIT)} are shown. Narrow them to see others.</p>`;
  }
}
