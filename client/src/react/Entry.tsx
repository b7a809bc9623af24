/** One notification of the list, and what can be done with it. */

import { type MouseEvent, type ReactElement, type ReactNode, useEffect, useId, useState } from "react";
import type { Notification } from "../types.js";
import type { Feed } from "../view/feed.js";
import { stayAt } from "../view/focus.js";
import { itemOf } from "../view/item.js";
import { ago, everyHalfMinute, exactly } from "../view/time.js";
import type { Speech } from "./Inbox.js";

export interface EntryProps {
  readonly item: Notification;
  /** Its place in the list. */
  readonly at: number;
  readonly feed: Feed;
  readonly speech: Speech;
  readonly open: (notification: Notification, event: MouseEvent) => void;
  readonly children?: ReactNode;
}

export function Entry({ item: notification, at, feed, speech, open, children }: EntryProps): ReactElement {
  const [hasActions, setActions] = useState(false);
  const menu = useId();
  const { client } = feed;
  const { tell } = speech;
  const item = itemOf(notification);
  const inside = children ?? (
    <>
      <strong dir="auto">{item.title}</strong>
      {item.text !== "" && <p dir="auto">{item.text}</p>}
      <Ago at={item.at} language={speech.language} />
    </>
  );
  const props = {
    className: "tidings-item",
    tabIndex: at === 0 ? 0 : -1,
    onClick: (event: MouseEvent) => open(notification, event),
  };
  const label = item.isRead ? null : <span className="tidings-hidden">{tell("unread")}: </span>;
  const actions: readonly (readonly [string, () => Promise<unknown>])[] = [
    item.isRead
      ? [tell("markUnread"), () => client.markUnread(item.id)]
      : [tell("markRead"), () => client.markRead(item.id)],
    [tell("archive"), () => client.archive(item.id)],
    [tell("delete"), () => client.delete(item.id)],
    [tell("mute", { type: item.type }), () => client.mutes.add(item.type)],
  ];
  return (
    <li className={item.isRead ? "" : "tidings-new"}>
      {item.url === null ? (
        <button type="button" {...props}>
          {label}
          {inside}
        </button>
      ) : (
        <a href={item.url} {...props}>
          {label}
          {inside}
        </a>
      )}
      <button
        type="button"
        className="tidings-more"
        aria-label={tell("actions", { title: item.title })}
        aria-expanded={hasActions}
        aria-controls={menu}
        onClick={() => setActions(!hasActions)}
      >
        ⋯
      </button>
      <div id={menu} className="tidings-actions" hidden={!hasActions}>
        {actions.map(([text, act]) => (
          <button
            key={text}
            type="button"
            onClick={({ currentTarget }) => {
              stayAt(currentTarget.closest("li"));
              setActions(false);
              void feed.attempt(act());
            }}
          >
            {text}
          </button>
        ))}
      </div>
    </li>
  );
}

function Ago({ at, language }: { readonly at: string; readonly language: string | undefined }): ReactElement {
  const [now, setNow] = useState(Date.now);
  useEffect(() => everyHalfMinute(() => setNow(Date.now())), []);
  return (
    // What a server has rendered was true then.
    <time dateTime={at} title={exactly(at, language)} suppressHydrationWarning>
      {ago(at, now, language)}
    </time>
  );
}
