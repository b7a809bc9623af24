/** `tidings/element`: `<tidings-bell>` and `<tidings-inbox>`, for a page with or without a framework. */

import { TidingsBell } from "./bell.js";
import { TidingsInbox } from "./inbox.js";

export { german } from "../view/german.js";
export { type Item, itemOf } from "../view/item.js";
export { english, type Phrase, type Word, type Words } from "../view/words.js";
export type { OpenEvent } from "./inbox.js";
export { TidingsBell, TidingsInbox };

declare global {
  interface HTMLElementTagNameMap {
    "tidings-bell": TidingsBell;
    "tidings-inbox": TidingsInbox;
  }
}

/** A page may have loaded it twice. */
function define(name: string, element: CustomElementConstructor): void {
  if (!customElements.get(name)) customElements.define(name, element);
}

define("tidings-inbox", TidingsInbox);
define("tidings-bell", TidingsBell);
