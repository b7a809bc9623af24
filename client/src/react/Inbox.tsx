/** The inbox as a component: a list that is good to read, on any device, by any means. */

import {
  type KeyboardEvent,
  type MouseEvent,
  type ReactElement,
  type ReactNode,
  useEffect,
  useInsertionEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import type { Notification } from "../types.js";
import { decline, question } from "../view/asking.js";
import { Feed, type FeedView, type Tab } from "../view/feed.js";
import { step } from "../view/focus.js";
import { adopt } from "../view/styles.js";
import { english, say, type Word, type Words } from "../view/words.js";
import { useTidings } from "./context.js";
import { Entry } from "./Entry.js";

export interface InboxProps {
  /** What it says; `german` is there, too. */
  readonly words?: Words;
  /** For times and plurals. Default: the language of the page. */
  readonly language?: string;
  /** Called when somebody opens one, which marks it as read; `preventDefault()` keeps the browser where it is. */
  readonly onOpen?: (notification: Notification, event: MouseEvent) => void;
  /** What an item shows, in the place of title, text and time. */
  readonly renderItem?: (notification: Notification) => ReactNode;
  /** Whether it asks for permission to push. Default: true. */
  readonly push?: boolean;
}

/** What the parts of an inbox share. */
export interface Speech {
  readonly words: Words;
  readonly language: string | undefined;
  readonly tell: (word: Word, values?: Record<string, string | number>) => string;
}

export function useSpeech(words: Words = english, language?: string): Speech {
  return { words, language, tell: (word, values) => say(words, word, values, language) };
}

/** The state of a list of its own, for those who render it themselves. */
export function useFeed(): [Feed, FeedView] {
  const client = useTidings();
  const [held, hold] = useState(() => new Feed(client));
  const feed = held.client === client ? held : new Feed(client);
  if (feed !== held) hold(feed);
  return [feed, useSyncExternalStore(feed.subscribe, feed.getView, feed.getServerView)];
}

export function Inbox({ words, language, onOpen, renderItem, push = true }: InboxProps): ReactElement {
  const [feed, view] = useFeed();
  const speech = useSpeech(words, language);
  const scroller = useRef<HTMLDivElement>(null);
  const { tell } = speech;
  const { snapshot, items, tab, held } = view;
  useInsertionEffect(() => adopt(document), []);
  useEffect(() => {
    feed.setOpen(true);
    return () => feed.setOpen(false);
  }, [feed]);
  const { client } = feed;
  const open = (notification: Notification, event: MouseEvent) => {
    if (notification.read_at === undefined) void feed.attempt(client.markRead(notification.id));
    onOpen?.(notification, event);
  };
  const toTop = () => {
    scroller.current?.scrollTo({ top: 0 });
    feed.setAtTop(true);
    scroller.current?.querySelector<HTMLElement>(".tidings-item")?.focus();
  };
  return (
    <section className="tidings tidings-inbox" aria-label={tell("inbox")}>
      <Head feed={feed} view={view} speech={speech} />
      <p role="status" className="tidings-hidden">
        {view.announced > 0 && tell("fresh", { n: view.announced })}
      </p>
      {held > 0 && (
        <button type="button" className="tidings-pill" onClick={toTop}>
          {tell("fresh", { n: held })}
        </button>
      )}
      {view.failure !== null && (
        <p role="alert" className="tidings-note tidings-failure">
          {tell("failed", { reason: view.failure })}
        </p>
      )}
      {snapshot.status === "offline" || snapshot.status === "closed" ? (
        <p className="tidings-note">{tell("offline")}</p>
      ) : null}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the arrows go from item to item */}
      <div
        ref={scroller}
        className="tidings-scroll"
        onScroll={(event) => feed.setAtTop(event.currentTarget.scrollTop < 8)}
        onKeyDown={(event: KeyboardEvent) => step(event.nativeEvent, scroller.current, ".tidings-item")}
      >
        {items.length === 0 ? (
          <p className="tidings-note tidings-empty">
            {tell(snapshot.loaded ? (tab === "all" ? "empty" : "emptyUnread") : "loading")}
          </p>
        ) : (
          <ul className="tidings-list">
            {items.map((item, at) => (
              <Entry key={item.id} {...{ item, at, feed, speech, open }}>
                {renderItem?.(item)}
              </Entry>
            ))}
          </ul>
        )}
        {snapshot.hasMore && (
          <button type="button" className="tidings-older" onClick={() => void feed.attempt(client.fetchMore())}>
            {tell("more")}
          </button>
        )}
      </div>
      {push && <Ask feed={feed} view={view} speech={speech} />}
    </section>
  );
}

interface PartProps {
  readonly feed: Feed;
  readonly view: FeedView;
  readonly speech: Speech;
}

function Head({ feed, view: { snapshot, tab }, speech: { tell } }: PartProps): ReactElement {
  const tabs: Tab[] = ["all", "unread"];
  return (
    <div className="tidings-head">
      {tabs.map((each) => (
        <button key={each} type="button" aria-pressed={each === tab} onClick={() => feed.setTab(each)}>
          {each === "all" || snapshot.unread === 0 ? tell(each) : `${tell(each)} (${snapshot.unread})`}
        </button>
      ))}
      <button
        type="button"
        className="tidings-all"
        disabled={snapshot.unread === 0}
        onClick={() => void feed.attempt(feed.client.markRead("all"))}
      >
        {tell("markAllRead")}
      </button>
    </div>
  );
}

function Ask({ feed, view: { snapshot }, speech: { tell } }: PartProps): ReactElement | null {
  const [isDeclined, setDeclined] = useState(false);
  const asked = isDeclined ? null : question(snapshot.push);
  if (asked === null) return null;
  const no = () => {
    decline();
    setDeclined(true);
  };
  return (
    <div className="tidings-ask">
      <span>{tell(asked === "ask" ? "pushAsk" : "pushInstall")}</span>
      {asked === "ask" && (
        <button type="button" onClick={() => void feed.attempt(feed.client.push.enable())}>
          {tell("pushYes")}
        </button>
      )}
      <button type="button" onClick={no}>
        {tell("pushNo")}
      </button>
    </div>
  );
}
