/** What bell and inbox share: whose inbox it is, and in which language. */

import { LitElement, type PropertyDeclarations, type PropertyValues, unsafeCSS } from "lit";
import type { Tidings } from "../types.js";
import { Feed } from "../view/feed.js";
import { css } from "../view/styles.js";
import { everyHalfMinute } from "../view/time.js";
import { english, say, type Word, type Words } from "../view/words.js";
import { share } from "./shared.js";

/**
 * Takes a client by its property `client`, or makes one of the attributes `url` and `token`, which all elements of the
 * page with the same ones share; without `url` it asks the server that the page names for all. Says what `words` has, in the language of `lang` or of what is around it.
 */
export abstract class TidingsElement extends LitElement {
  static override styles = unsafeCSS(css);
  /** Whom elements ask that name no server. */
  static server: string | undefined;
  static override properties: PropertyDeclarations = {
    client: { attribute: false },
    words: { attribute: false },
    url: {},
    token: {},
    push: {},
  };

  declare client: Tidings | undefined;
  declare words: Words;
  declare url: string | undefined;
  declare token: string | undefined;
  /** `off`: it does not ask for permission to push. */
  declare push: string | undefined;

  protected feed: Feed | undefined;
  #release: (() => void)[] = [];
  #stopClock: () => void = () => {};

  constructor() {
    super();
    this.words = english;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#stopClock = everyHalfMinute(() => this.requestUpdate());
    // The first time there is an update to come, which knows all attributes.
    if (this.hasUpdated) this.#follow();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stopClock();
    this.#leave();
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (!["client", "url", "token"].some((name) => changed.has(name))) return;
    this.#leave();
    if (this.isConnected) this.#follow();
  }

  /** Called when there is another list. */
  protected followed(_feed: Feed): void {}

  protected get language(): string | undefined {
    return this.closest<HTMLElement>("[lang]:not([lang=''])")?.lang || document.documentElement.lang || undefined;
  }

  protected tell(word: Word, values?: Record<string, string | number>): string {
    return say(this.words, word, values, this.language);
  }

  #follow(): void {
    const { client, url = TidingsElement.server, token } = this;
    if (client) this.#show(client);
    else if (url !== undefined || token !== undefined) {
      this.#release.push(share({ ...(url && { url }), ...(token && { token }) }, (made) => this.#show(made)));
    }
  }

  #show(client: Tidings): void {
    const feed = new Feed(client);
    this.feed = feed;
    this.#release.push(feed.subscribe(() => this.requestUpdate()));
    this.followed(feed);
    this.requestUpdate();
  }

  #leave(): void {
    for (const release of this.#release.splice(0)) release();
    this.feed = undefined;
  }
}
