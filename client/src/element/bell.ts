/** `<tidings-bell>`: a bell with a badge, and the inbox that it opens. */

import { html, nothing, type PropertyDeclarations, type PropertyValues, type TemplateResult, unsafeCSS } from "lit";
import { bellCss } from "../view/bell.js";
import { place, whenLeft } from "../view/popover.js";
import { css } from "../view/styles.js";
import { badge } from "../view/words.js";
import { TidingsElement } from "./base.js";
import type { TidingsInbox } from "./inbox.js";

/** The parts of the inbox, for `::part` from outside of the bell. */
const PARTS =
  "inbox,head,tab,mark-all,pill,list,empty,entry,entry-unread,item,title,text,time,more,actions,action,older,ask";

export class TidingsBell extends TidingsElement {
  static override styles = unsafeCSS(css + bellCss);
  static override properties: PropertyDeclarations = { open: { type: Boolean, reflect: true } };

  /** Whether the inbox is shown. */
  declare open: boolean;
  #stop: () => void = () => {};

  constructor() {
    super();
    this.open = false;
  }

  override disconnectedCallback(): void {
    this.#stop();
    super.disconnectedCallback();
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    // The list says what comes while it is open.
    if (changed.has("open")) this.feed?.hush();
  }

  protected override updated(changed: PropertyValues): void {
    super.updated(changed);
    if (changed.has("open")) this.#turn();
  }

  protected override render(): TemplateResult {
    const { snapshot, announced } = this.feed?.getView() ?? { snapshot: null, announced: 0 };
    const unseen = snapshot?.unseen ?? 0;
    return html`<div class="tidings tidings-bell">
      <button
        type="button"
        part="bell"
        aria-label=${this.tell("badge", { n: unseen })}
        aria-haspopup="dialog"
        aria-expanded=${this.open}
        aria-controls="inbox"
        title=${unseen > 0 ? String(unseen) : nothing}
        @click=${() => {
          this.open = !this.open;
        }}
      >
        <slot name="icon">
          <svg viewBox="2 1 20 22" aria-hidden="true">
            <path
              d="M12 2a6 6 0 0 0-6 6v4.6L4.3 16a1 1 0 0 0 .9 1.5h13.6a1 1 0 0 0 .9-1.5L18 12.6V8a6 6 0 0 0-6-6Zm-2.8 17a2.9 2.9 0 0 0 5.6 0Z"
            />
          </svg>
        </slot>
        ${unseen > 0 ? html`<span class="tidings-badge" part="badge" aria-hidden="true">${badge(unseen)}</span>` : nothing}
      </button>
      <span role="status" class="tidings-hidden"
        >${announced > 0 && !this.open ? this.tell("fresh", { n: announced }) : nothing}</span
      >
      <div id="inbox" class="tidings-popover" part="popover" role="dialog" aria-label=${this.tell("inbox")} ?hidden=${!this.open}>
        ${
          this.open
            ? html`<tidings-inbox
                exportparts=${PARTS}
                .client=${this.feed?.client}
                .words=${this.words}
                .push=${this.push}
                .lang=${this.language ?? ""}
              ></tidings-inbox>`
            : nothing
        }
      </div>
    </div>`;
  }

  #turn(): void {
    this.#stop();
    if (!this.open) return;
    place(this.renderRoot.querySelector(".tidings-popover"));
    this.#stop = whenLeft(this, (isByKey) => {
      this.open = false;
      if (isByKey) this.renderRoot.querySelector("button")?.focus();
    });
    const inbox = this.renderRoot.querySelector<TidingsInbox>("tidings-inbox");
    void inbox?.updateComplete.then(() => inbox.focus());
  }
}
