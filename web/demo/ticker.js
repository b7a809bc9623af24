import { html } from "../vendor/lit.js";
import { Latency, figures, spark } from "./latency.js";

/** The room in which a clock of the server says each second what time it is, as one of the seats hears it. */
export class Ticker {
  #latency = new Latency();
  /** @type {{ time: string } | null} */
  #tick = null;
  #heard = 0;
  #late = 0;

  /**
   * @param {import("./seat.js").Seat} seat Who hears it.
   * @param {() => void} update Renders the page.
   */
  constructor(seat, update) {
    this.seat = seat;
    /** @type {import("../vendor/tidings.js").Room<{ time: string }>} */
    const room = seat.client.room("ticker");
    room.onMessage(({ data }) => {
      const passed = Date.now() - Date.parse(data.time);
      this.#tick = data;
      this.#heard += 1;
      // What was missed is told all the same; how late it was says nothing about the way.
      if (passed < 1_000) this.#latency.add(Math.max(0, passed));
      else this.#late += 1;
      update();
    });
  }

  view() {
    const time = this.#tick ? new Date(this.#tick.time).toLocaleTimeString([], { hourCycle: "h23" }) : "--:--:--";
    return html`<section class="card" aria-label="Ticker">
      <header>
        <h2>Ticker</h2>
        <span class="muted small">a room, heard by ${this.seat.user}</span>
      </header>
      <div class="body stack">
        <p class="clock">${time}</p>
        ${spark(this.#latency)}
        <dl class="facts">
          <dt class="muted">on its way</dt>
          <dd>${figures(this.#latency)}</dd>
          <dt class="muted">heard</dt>
          <dd class="heard">${this.#heard}</dd>
          <dt class="muted">made up for</dt>
          <dd class="late">${this.#late}</dd>
        </dl>
      </div>
    </section>`;
  }
}
