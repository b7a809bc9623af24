/** A chart over time; the library comes with the first one. */

/** @typedef {import("../vendor/uplot.js").default} Chart */

/** @type {Promise<typeof import("../vendor/uplot.js").default> | undefined} */
let library;

/** What uPlot and its sheet are, once. */
function load() {
  library ??= Promise.all([import("../vendor/uplot.js"), sheet()]).then(([{ default: uPlot }]) => uPlot);
  return library;
}

function sheet() {
  return new Promise((resolve, reject) => {
    const link = Object.assign(document.createElement("link"), {
      rel: "stylesheet",
      href: new URL("../vendor/uplot.css", import.meta.url).href,
      onload: resolve,
      onerror: () => reject(new Error("uplot.css cannot be loaded")),
    });
    document.head.append(link);
  });
}

const dark = matchMedia("(prefers-color-scheme: dark)");

/** Between the marks of the clock, in seconds: it shows no parts of one, and a page may have slept for hours. */
const STEPS = [1, 2, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 21_600, 86_400];

/**
 * A line: a colour by the name of its variable.
 *
 * @typedef {{ label: string, key: string, colour: string }} Series
 */

/** An element that shows `series`, one a line. */
export class ChartElement extends HTMLElement {
  /** @type {readonly Series[]} */
  series = [];
  label = "";
  /** How the axis writes a value. @type {(value: number) => string} */
  format = String;
  /** @type {import("uplot").AlignedData | null} */
  #data = null;
  /** @type {Chart | null} */
  #chart = null;
  #observer = new ResizeObserver(() => this.#size());
  #again = () => this.#draw();

  connectedCallback() {
    this.#observer.observe(this);
    dark.addEventListener("change", this.#again);
    this.#draw();
  }

  disconnectedCallback() {
    this.#observer.disconnect();
    dark.removeEventListener("change", this.#again);
    this.#chart?.destroy();
    this.#chart = null;
  }

  /** Seconds, and the values of each series. @param {import("uplot").AlignedData} data */
  set data(data) {
    this.#data = data;
    this.#chart?.setData(data);
  }

  async #draw() {
    const uPlot = await load();
    if (!this.isConnected) return;
    this.#chart?.destroy();
    const style = getComputedStyle(this);
    /** @param {string} name */
    const colour = (name) => resolved(this, style.getPropertyValue(name));
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--border"), width: 1 }, ticks: { show: false } };
    /** @type {import("uplot").Options} */
    const options = {
      width: this.clientWidth,
      height: this.clientHeight,
      legend: { show: false },
      cursor: { drag: { x: false, y: false } },
      scales: { y: { range: (_, __, most) => [0, Math.max(4, Math.ceil(most * 1.2))] } },
      axes: [
        { ...axis, size: 28, incrs: STEPS, values: (_, values) => values.map(clock) },
        { ...axis, size: 40, values: (_, values) => values.map(this.format) },
      ],
      series: [
        {},
        ...this.series.map(({ label, colour: name }) => ({ label, stroke: colour(name), width: 2, points: { show: false } })),
      ],
    };
    this.setAttribute("role", "img");
    this.setAttribute("aria-label", `${this.label}; the table beside it has the same numbers`);
    this.#chart = new uPlot(options, this.#data ?? [[], ...this.series.map(() => [])], this);
  }

  #size() {
    this.#chart?.setSize({ width: this.clientWidth, height: this.clientHeight });
  }
}

/** @param {number} seconds */
function clock(seconds) {
  return new Date(seconds * 1_000).toLocaleTimeString([], { hourCycle: "h23" });
}

/** A canvas does not know `light-dark()`: what it is now. @param {Element} host @param {string} value */
function resolved(host, value) {
  const probe = document.createElement("span");
  probe.style.color = value;
  host.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

customElements.define("tidings-chart", ChartElement);
