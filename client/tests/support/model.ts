/** A model, played step by step, and what is played to it. */

import { type Effect, type Input, NEW, type State } from "../../src/model/state.js";
import { step } from "../../src/model/step.js";
import { viewer } from "../../src/model/view.js";
import type { Counters, Notification, Page } from "../../src/wire.js";
import { golden } from "./golden.js";

export const NOW = "2026-01-02T03:05:00.000Z";

/** A model and all that it has wanted done. */
export class Played {
  state: State = NEW;
  effects: Effect[] = [];
  private readonly view = viewer();

  take(...inputs: Input[]): this {
    for (const input of inputs) {
      const [next, effects] = step(this.state, input, NOW, 200);
      this.state = next;
      this.effects.push(...effects);
    }
    return this;
  }

  private readonly push = { state: "prompt", enabled: false } as const;

  get snapshot() {
    return this.view(this.state, true, this.push);
  }

  told<T>(event: string): T[] {
    return this.effects.flatMap(([name, data]) => (name === event ? [data as T] : []));
  }

  get lists() {
    return this.effects.filter(([name]) => name === "@list").length;
  }
}

export const counters = (unread: number, version: number, marks_version = 0, unseen = unread): Counters => ({
  ...{ unread, unseen, version, marks_version },
});

export const item = (offset: number, more: Partial<Notification> = {}): Notification => ({
  ...{ id: `ntf_${offset}`, type: "test.event", v: 1, position: `k3x9q2ab.${offset}`, payload: {}, created_at: NOW },
  ...more,
});

export const page = (
  items: Notification[],
  top: number,
  counted: Counters,
  next_before: string | null = null,
): Page => ({
  ...{ notifications: items, next_before, counters: counted, cursor: `inbox@k3x9q2ab.${top}` },
});

export const link = (status: "connected" | "reconnecting"): Input => ({
  type: "@link",
  status,
  transport: "ws",
  error: null,
});

/** Welcomed, with three notifications. */
export const begun = () =>
  new Played().take(golden("welcome"), link("connected"), {
    type: "@page",
    page: page([item(3), item(2), item(1)], 3, counters(3, 3)),
  });

export const ids = ({ items }: { items: readonly Notification[] }) => items.map(({ id }) => id);
