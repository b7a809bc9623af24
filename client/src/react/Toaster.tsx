/** What is new, in a corner of the page for a moment. */

import { type MouseEvent, type ReactElement, useInsertionEffect, useState, useSyncExternalStore } from "react";
import type { Notification } from "../types.js";
import { itemOf } from "../view/item.js";
import { adopt } from "../view/styles.js";
import { Toasts, toastsCss } from "../view/toasts.js";
import { useTidings } from "./context.js";
import { type InboxProps, useSpeech } from "./Inbox.js";

export interface ToasterProps extends Pick<InboxProps, "words" | "language" | "onOpen" | "renderItem"> {
  /** How long each is there, in ms; all are while one points at them, is among them by keyboard, or looks elsewhere. Default: 6000. */
  readonly duration?: number;
  /** How many at once, the newest. Default: 3. */
  readonly max?: number;
}

export function Toaster({ words, language, onOpen, renderItem, duration = 6000, max = 3 }: ToasterProps): ReactElement {
  const client = useTidings();
  const { tell } = useSpeech(words, language);
  const [held, keep] = useState(() => new Toasts(client));
  const toasts = held.client === client ? held : new Toasts(client);
  if (toasts !== held) keep(toasts);
  Object.assign(toasts, { duration, max });
  const shown = useSyncExternalStore(toasts.subscribe, toasts.getView, toasts.getServerView);
  useInsertionEffect(() => {
    adopt(document);
    adopt(document, toastsCss);
  }, []);
  const open = (notification: Notification, event: MouseEvent) => {
    onOpen?.(notification, event);
    toasts.open(notification);
  };
  return (
    <div
      className="tidings tidings-toasts"
      role="status"
      onMouseOver={() => toasts.hold(true)}
      onMouseLeave={() => toasts.hold(false)}
      onFocus={() => toasts.hold(true)}
      onBlur={() => toasts.hold(false)}
    >
      {shown.map((notification) => {
        const { id, title, text, url } = itemOf(notification);
        const inside = renderItem?.(notification) ?? (
          <>
            <strong dir="auto">{title}</strong>
            {text !== "" && <p dir="auto">{text}</p>}
          </>
        );
        const props = { className: "tidings-item", onClick: (event: MouseEvent) => open(notification, event) };
        return (
          <div key={id} className="tidings-toast">
            {url === null ? (
              <button type="button" {...props}>
                {inside}
              </button>
            ) : (
              <a href={url} {...props}>
                {inside}
              </a>
            )}
            <button
              type="button"
              className="tidings-more"
              aria-label={tell("dismiss")}
              onClick={() => toasts.dismiss(id)}
            >
              ×
            </button>
          </div>
        );
      })}
    </div>
  );
}
