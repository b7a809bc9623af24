import { nothing, svg, html } from "../vendor/lit.js";

/** How many are kept to be shown. */
const KEPT = 60;

/**
 * What the buttons have sent and nobody has got yet: when it was, by its mark. All of the page goes by one clock.
 *
 * @type {Map<string, number>}
 */
const sent = new Map();

/** Notes that something is sent now; gives the mark to send along. @returns {string} */
export function begin() {
  const mark = crypto.randomUUID();
  sent.set(mark, performance.now());
  // What is never heard of is forgotten.
  setTimeout(() => sent.delete(mark), 60_000);
  return mark;
}

/** How many ms ago it was sent, or `null` where it was not from here. @param {string} mark */
export function since(mark) {
  const at = sent.get(mark);
  return at === undefined ? null : performance.now() - at;
}

/** Times in ms, the newest of them. */
export class Latency {
  /** @type {number[]} */
  samples = [];

  /** @param {number} ms */
  add(ms) {
    this.samples.push(ms);
    if (this.samples.length > KEPT) this.samples.shift();
  }

  get last() {
    return this.samples.at(-1) ?? null;
  }

  get median() {
    const sorted = this.samples.toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? null;
  }
}

/** @param {number | null} value */
export function ms(value) {
  if (value === null) return "–";
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

/** The last of them, and the one in the middle once there are any. @param {Latency} latency */
export function figures({ last, median }) {
  return html`<bdi>
    <span class="latency">${ms(last)}</span>
    ${median === null ? nothing : html`<span class="muted">· median ${ms(median)}</span>`}
  </bdi>`;
}

/** A line of them; what it says stands beside it as text. @param {Latency} latency */
export function spark({ samples }) {
  if (samples.length < 2) return nothing;
  const most = Math.max(10, ...samples);
  const points = samples.map((value, at) => `${(at * 100) / (KEPT - 1)},${30 - (28 * value) / most}`);
  return html`<svg class="spark" viewBox="0 0 100 32" preserveAspectRatio="none" aria-hidden="true">
    ${svg`<path d="M${points.join("L")}"></path>`}
  </svg>`;
}
