/** `<tidings-inbox>`: the list. */

import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { Notification } from "../types.js";
import { decline, question } from "../view/asking.js";
import type { Feed, FeedView } from "../view/feed.js";
import { stayAt, step } from "../view/focus.js";
import { type Item, itemOf } from "../view/item.js";
import { ago, exactly } from "../view/time.js";
import { TidingsElement } from "./base.js";

/** Said when somebody opens one; `preventDefault()` keeps the browser where it is. */
export type OpenEvent = CustomEvent<Notification>;

/** Says that one was opened; whether the browser goes where it leads. */
export function opened(element: HTMLElement, detail: Notification): boolean {
  const told: OpenEvent = new CustomEvent("tidings-open", { detail, bubbles: true, composed: true, cancelable: true });
  return element.dispatchEvent(told);
}

export class TidingsInbox extends TidingsElement {
  /** Whose actions are shown. */
  #opened: string | null = null;

  override disconnectedCallback(): void {
    this.feed?.setOpen(false);
    super.disconnectedCallback();
  }

  protected override followed(feed: Feed): void {
    feed.setOpen(true);
  }

  protected override updated(changed: PropertyValues): void {
    super.updated(changed);
    if (!this.hasAttribute("role")) this.setAttribute("role", "region");
    this.setAttribute("aria-label", this.tell("inbox"));
  }

  override focus(): void {
    this.renderRoot.querySelector<HTMLElement>(".tidings-item, button")?.focus();
  }

  protected override render(): TemplateResult {
    const { feed } = this;
    const view = feed?.getView();
    return html`<div class="tidings tidings-inbox" part="inbox">
      ${view && feed ? this.#whole(feed, view) : html`<p class="tidings-note tidings-empty">${this.tell("loading")}</p>`}
    </div>`;
  }

  #whole(feed: Feed, view: FeedView): TemplateResult {
    const { snapshot, items, tab, held, announced, failure } = view;
    const { status, loaded, hasMore } = snapshot;
    const isAway = status === "offline" || status === "closed";
    const empty = loaded ? (tab === "all" ? "empty" : "emptyUnread") : "loading";
    return html`
      ${this.#head(feed, view)}
      <p role="status" class="tidings-hidden">${announced > 0 ? this.tell("fresh", { n: announced }) : nothing}</p>
      ${
        held > 0
          ? html`<button type="button" class="tidings-pill" part="pill" @click=${() => this.#toTop(feed)}>
              ${this.tell("fresh", { n: held })}
            </button>`
          : nothing
      }
      ${
        failure !== null
          ? html`<p role="alert" class="tidings-note tidings-failure">${this.tell("failed", { reason: failure })}</p>`
          : nothing
      }
      ${isAway ? html`<p class="tidings-note">${this.tell("offline")}</p>` : nothing}
      <div
        class="tidings-scroll"
        part="list"
        @scroll=${(event: Event) => feed.setAtTop((event.currentTarget as HTMLElement).scrollTop < 8)}
        @keydown=${(event: KeyboardEvent) => step(event, event.currentTarget as HTMLElement, ".tidings-item")}
      >
        ${
          items.length === 0
            ? html`<p class="tidings-note tidings-empty" part="empty">${this.tell(empty)}</p>`
            : html`<ul class="tidings-list">
                ${repeat(
                  items,
                  (item) => item.id,
                  (item, at) => this.#entry(feed, item, at),
                )}
              </ul>`
        }
        ${
          hasMore
            ? html`<button
                type="button"
                class="tidings-older"
                part="older"
                @click=${() => feed.attempt(feed.client.fetchMore())}
              >
                ${this.tell("more")}
              </button>`
            : nothing
        }
      </div>
      ${this.push === "off" ? nothing : this.#ask(feed, view)}
    `;
  }

  #head(feed: Feed, { snapshot: { unread }, tab }: FeedView): TemplateResult {
    const button = (each: "all" | "unread", text: string) =>
      html`<button type="button" part="tab" aria-pressed=${each === tab} @click=${() => feed.setTab(each)}>${text}</button>`;
    const count = unread > 0 ? ` (${unread})` : "";
    return html`<div class="tidings-head" part="head">
      ${button("all", this.tell("all"))} ${button("unread", this.tell("unread") + count)}
      <button
        type="button"
        class="tidings-all"
        part="mark-all"
        ?disabled=${unread === 0}
        @click=${() => feed.attempt(feed.client.markRead("all"))}
      >
        ${this.tell("markAllRead")}
      </button>
    </div>`;
  }

  #entry(feed: Feed, notification: Notification, at: number): TemplateResult {
    const item = itemOf(notification);
    const open = (event: Event) => this.#open(feed, notification, event);
    const tabindex = at === 0 ? 0 : -1;
    const inside = html`${item.isRead ? nothing : html`<span class="tidings-hidden">${this.tell("unread")}: </span>`}
      <strong dir="auto" part="title">${item.title}</strong>
      ${item.text === "" ? nothing : html`<p dir="auto" part="text">${item.text}</p>`}
      <time part="time" datetime=${item.at} title=${exactly(item.at, this.language)}
        >${ago(item.at, Date.now(), this.language)}</time
      >`;
    return html`<li class=${item.isRead ? "" : "tidings-new"} part=${item.isRead ? "entry" : "entry entry-unread"}>
      ${
        item.url === null
          ? html`<button type="button" class="tidings-item" part="item" tabindex=${tabindex} @click=${open}>${inside}</button>`
          : html`<a href=${item.url} class="tidings-item" part="item" tabindex=${tabindex} @click=${open}>${inside}</a>`
      }
      ${this.#menu(feed, item)}
    </li>`;
  }

  #menu(feed: Feed, item: Item): TemplateResult {
    const { client } = feed;
    const isOpen = this.#opened === item.id;
    const toggle = (id: string | null) => {
      this.#opened = id;
      this.requestUpdate();
    };
    const action = (text: string, act: () => Promise<unknown>) => {
      const run = ({ currentTarget }: Event) => {
        stayAt((currentTarget as Element).closest("li"));
        toggle(null);
        void feed.attempt(act());
      };
      return html`<button type="button" part="action" @click=${run}>${text}</button>`;
    };
    return html`<button
        type="button"
        class="tidings-more"
        part="more"
        aria-label=${this.tell("actions", { title: item.title })}
        aria-expanded=${isOpen}
        @click=${() => toggle(isOpen ? null : item.id)}
      >
        ⋯
      </button>
      ${
        isOpen
          ? html`<div class="tidings-actions" part="actions">
              ${
                item.isRead
                  ? action(this.tell("markUnread"), () => client.markUnread(item.id))
                  : action(this.tell("markRead"), () => client.markRead(item.id))
              }
              ${action(this.tell("archive"), () => client.archive(item.id))}
              ${action(this.tell("delete"), () => client.delete(item.id))}
              ${action(this.tell("mute", { type: item.type }), () => client.mutes.add(item.type))}
            </div>`
          : nothing
      }`;
  }

  #ask(feed: Feed, { snapshot }: FeedView): TemplateResult | typeof nothing {
    const asked = question(snapshot.push);
    if (asked === null) return nothing;
    const no = () => {
      decline();
      this.requestUpdate();
    };
    return html`<div class="tidings-ask" part="ask">
      <span>${this.tell(asked === "ask" ? "pushAsk" : "pushInstall")}</span>
      ${
        asked === "ask"
          ? html`<button type="button" @click=${() => feed.attempt(feed.client.push.enable())}>${this.tell("pushYes")}</button>`
          : nothing
      }
      <button type="button" @click=${no}>${this.tell("pushNo")}</button>
    </div>`;
  }

  #open(feed: Feed, notification: Notification, event: Event): void {
    if (notification.read_at === undefined) void feed.attempt(feed.client.markRead(notification.id));
    if (!opened(this, notification)) event.preventDefault();
  }

  #toTop(feed: Feed): void {
    this.renderRoot.querySelector(".tidings-scroll")?.scrollTo({ top: 0 });
    feed.setAtTop(true);
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>(".tidings-item")?.focus());
  }
}
