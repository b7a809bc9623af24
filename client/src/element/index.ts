/** `tidings/element`: `<tidings-bell>`, `<tidings-inbox>` and `<tidings-toasts>`, for a page with or without a framework. */

import { TidingsElement } from "./base.js";
import { TidingsBell } from "./bell.js";
import { TidingsInbox } from "./inbox.js";
import { TidingsToasts } from "./toasts.js";

export { german } from "../view/german.js";
export { type Item, itemOf } from "../view/item.js";
export { english, type Phrase, type Word, type Words } from "../view/words.js";
export type { OpenEvent } from "./inbox.js";
export { TidingsBell, TidingsElement, TidingsInbox, TidingsToasts };

declare global {
  interface HTMLElementTagNameMap {
    "tidings-bell": TidingsBell;
    "tidings-inbox": TidingsInbox;
    "tidings-toasts": TidingsToasts;
  }
}

/** A page may have loaded it twice. */
function define(name: string, element: CustomElementConstructor): void {
  if (!customElements.get(name)) customElements.define(name, element);
}

define("tidings-inbox", TidingsInbox);
define("tidings-bell", TidingsBell);
define("tidings-toasts", TidingsToasts);
