/** The bell with its badge, and the inbox that it opens. */

import { type ReactElement, useCallback, useEffect, useId, useInsertionEffect, useRef, useState } from "react";
import { bellCss } from "../view/bell.js";
import { place, whenLeft } from "../view/popover.js";
import { adopt } from "../view/styles.js";
import { badge } from "../view/words.js";
import { Inbox, type InboxProps, useFeed, useSpeech } from "./Inbox.js";

export function Bell(props: InboxProps): ReactElement {
  const [isOpen, setOpen] = useState(false);
  const [feed, { announced, snapshot }] = useFeed();
  const { unseen } = snapshot;
  const { tell } = useSpeech(props.words, props.language);
  const popover = useId();
  const whole = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useInsertionEffect(() => adopt(document, bellCss), []);
  const turn = useCallback(
    (isOpened: boolean) => {
      // The list says what comes while it is open.
      feed.hush();
      setOpen(isOpened);
    },
    [feed],
  );
  useEffect(() => {
    if (!isOpen || !whole.current) return;
    const shown = whole.current.lastElementChild;
    place(shown);
    shown?.querySelector("button")?.focus();
    return whenLeft(whole.current, (isByKey) => {
      turn(false);
      if (isByKey) button.current?.focus();
    });
  }, [isOpen, turn]);
  return (
    <div ref={whole} className="tidings tidings-bell">
      <button
        ref={button}
        type="button"
        aria-label={tell("badge", { n: unseen })}
        aria-haspopup="dialog"
        aria-expanded={isOpen}
        aria-controls={popover}
        onClick={() => turn(!isOpen)}
      >
        <svg viewBox="2 1 20 22" aria-hidden="true">
          <path d="M12 2a6 6 0 0 0-6 6v4.6L4.3 16a1 1 0 0 0 .9 1.5h13.6a1 1 0 0 0 .9-1.5L18 12.6V8a6 6 0 0 0-6-6Zm-2.8 17a2.9 2.9 0 0 0 5.6 0Z" />
        </svg>
        {unseen > 0 && (
          <span className="tidings-badge" aria-hidden="true">
            {badge(unseen)}
          </span>
        )}
      </button>
      <span role="status" className="tidings-hidden">
        {announced > 0 && !isOpen && tell("fresh", { n: announced })}
      </span>
      {isOpen && (
        <div id={popover} className="tidings-popover" role="dialog" aria-label={tell("inbox")}>
          <Inbox {...props} />
        </div>
      )}
    </div>
  );
}
