import { html, nothing, render, repeat } from "../vendor/lit.js";
import "../vendor/element.js";
import { BackEnd } from "./backend.js";
import { Seat } from "./seat.js";
import { Ticker } from "./ticker.js";

/** Lines of the log that are kept. */
const LINES = 100;

const base = new URL(".", document.baseURI).href.replace(/\/$/, "");
const main = /** @type {HTMLElement} */ (document.querySelector("main"));
/** @type {{ id: number, at: Date, text: string }[]} */
const lines = [];
/** @type {[Seat, Seat, Ticker, BackEnd] | undefined} */
let parts;
let isAsked = false;

/** Renders once for all that changes in one turn. A hidden page has no frames, and a title all the same. */
function update() {
  if (isAsked) return;
  isAsked = true;
  const soon = document.hidden ? setTimeout : requestAnimationFrame;
  soon(() => {
    isAsked = false;
    render(page(), main);
  });
}

/** @param {string} text */
function tell(text) {
  lines.unshift({ id: (lines[0]?.id ?? 0) + 1, at: new Date(), text });
  lines.length = Math.min(lines.length, LINES);
  update();
}

/** Asked again for each connection, so that a page may be open for days. */
async function tokens() {
  const response = await fetch(`${base}/demo/tokens`, { method: "POST" });
  if (!response.ok) throw new Error(`signing in failed: ${response.status}`);
  return response.json();
}

function page() {
  if (!parts) return nothing;
  const [alice, bob, ticker, backEnd] = parts;
  const unseen = alice.client.getSnapshot().unseen;
  document.title = unseen > 0 ? `(${unseen}) tidings demo` : "tidings demo";
  return html`${alice.view()} ${bob.view()}
    <div class="behind stack">${backEnd.view()} ${ticker.view()} ${log()}</div>`;
}

function log() {
  return html`<section class="card" aria-label="What has happened">
    <header><h2>What has happened</h2></header>
    <div class="body log" role="log" tabindex="0" aria-label="What has happened, newest first">
      ${lines.length === 0 ? html`<p class="muted">Nothing yet: send something.</p>` : ""}
      <ol>
        ${repeat(
          lines,
          (line) => line.id,
          ({ at, text }) => html`<li><time>${at.toLocaleTimeString([], { hourCycle: "h23" })}</time><span>${text}</span></li>`,
        )}
      </ol>
    </div>
  </section>`;
}

try {
  await tokens();
  main.replaceChildren();
  /** @param {string} user */
  const seat = (user) => new Seat({ user, base, update, tell, getToken: async () => (await tokens())[user] });
  const alice = seat("alice");
  const bob = seat("bob");
  const backEnd = new BackEnd({ base, update, tell, getToken: async () => (await tokens()).backend });
  parts = [alice, bob, new Ticker(alice, update), backEnd];
  update();
} catch (/** @type {any} */ error) {
  render(html`<p class="notice bad" role="alert">${error.message}</p>`, main);
}
