/** `<tidings-bell>`: a bell with a badge, and the inbox that it opens. */

import { html, nothing, type PropertyDeclarations, type TemplateResult } from "lit";
import { badge } from "../view/words.js";
import { TidingsElement } from "./base.js";
import type { TidingsInbox } from "./inbox.js";

/** The parts of the inbox, for `::part` from outside of the bell. */
const PARTS =
  "inbox,head,tab,mark-all,pill,list,empty,entry,entry-unread,item,title,text,time,more,actions,action,older,ask";

export class TidingsBell extends TidingsElement {
  static override properties: PropertyDeclarations = { open: { type: Boolean, reflect: true } };

  /** Whether the inbox is shown. */
  declare open: boolean;

  constructor() {
    super();
    this.open = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener("pointerdown", this.#outside);
  }

  override disconnectedCallback(): void {
    document.removeEventListener("pointerdown", this.#outside);
    super.disconnectedCallback();
  }

  protected override render(): TemplateResult {
    const { snapshot, announced } = this.feed?.getView() ?? { snapshot: null, announced: 0 };
    const unseen = snapshot?.unseen ?? 0;
    return html`<div class="tidings tidings-bell" @keydown=${this.#key}>
      <button
        type="button"
        part="bell"
        aria-label=${this.tell("badge", { n: unseen })}
        aria-haspopup="dialog"
        aria-expanded=${this.open}
        aria-controls="inbox"
        title=${unseen > 0 ? String(unseen) : nothing}
        @click=${this.#toggle}
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
                .lang=${this.lang}
              ></tidings-inbox>`
            : nothing
        }
      </div>
    </div>`;
  }

  #toggle = async (): Promise<void> => {
    this.open = !this.open;
    if (!this.open) return;
    await this.updateComplete;
    const inbox = this.renderRoot.querySelector<TidingsInbox>("tidings-inbox");
    await inbox?.updateComplete;
    inbox?.focus();
  };

  #key = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || !this.open) return;
    event.stopPropagation();
    this.open = false;
    this.renderRoot.querySelector<HTMLElement>("button")?.focus();
  };

  #outside = (event: PointerEvent): void => {
    if (this.open && !event.composedPath().includes(this)) this.open = false;
  };
}
