/** `<tidings-toasts>`: what is new, in a corner of the page for a moment. */

import { html, nothing, type PropertyDeclarations, type TemplateResult, unsafeCSS } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { Notification } from "../types.js";
import type { Feed } from "../view/feed.js";
import { itemOf } from "../view/item.js";
import { css } from "../view/styles.js";
import { Toasts, toastsCss } from "../view/toasts.js";
import { TidingsElement } from "./base.js";
import { opened } from "./inbox.js";

export class TidingsToasts extends TidingsElement {
  static override styles = unsafeCSS(css + toastsCss);
  static override properties: PropertyDeclarations = { duration: { type: Number }, max: { type: Number } };

  /** How long each is there, in ms. */
  declare duration: number | undefined;
  /** How many at once. */
  declare max: number | undefined;
  #toasts: Toasts | undefined;
  #stop: () => void = () => {};

  override disconnectedCallback(): void {
    this.#stop();
    super.disconnectedCallback();
  }

  protected override followed({ client }: Feed): void {
    this.#stop();
    this.#toasts = new Toasts(client);
    this.#stop = this.#toasts.subscribe(() => this.requestUpdate());
  }

  protected override render(): TemplateResult {
    const toasts = this.#toasts;
    const { duration, max } = this;
    if (toasts) Object.assign(toasts, duration && { duration }, max && { max });
    const hold = (isHeld: boolean) => () => toasts?.hold(isHeld);
    return html`<div
      class="tidings tidings-toasts"
      part="toasts"
      role="status"
      @mouseover=${hold(true)}
      @mouseleave=${hold(false)}
      @focusin=${hold(true)}
      @focusout=${hold(false)}
    >
      ${
        toasts &&
        repeat(
          toasts.getView(),
          ({ id }) => id,
          (item) => this.#toast(toasts, item),
        )
      }
    </div>`;
  }

  #toast(toasts: Toasts, notification: Notification): TemplateResult {
    const { id, title, text, url } = itemOf(notification);
    const open = (event: Event) => {
      toasts.open(notification);
      if (!opened(this, notification)) event.preventDefault();
    };
    const inside = html`<strong dir="auto" part="title">${title}</strong>
      ${text === "" ? nothing : html`<p dir="auto" part="text">${text}</p>`}`;
    return html`<div class="tidings-toast" part="toast">
      ${
        url === null
          ? html`<button type="button" class="tidings-item" part="item" @click=${open}>${inside}</button>`
          : html`<a href=${url} class="tidings-item" part="item" @click=${open}>${inside}</a>`
      }
      <button
        type="button"
        class="tidings-more"
        part="dismiss"
        aria-label=${this.tell("dismiss")}
        @click=${() => toasts.dismiss(id)}
      >
        ×
      </button>
    </div>`;
  }
}
