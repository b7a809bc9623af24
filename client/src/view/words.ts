/** What the inbox says, in the user's language: plain tables, so that a page can hand in its own. */

export type Word =
  | "inbox"
  | "all"
  | "unread"
  | "markAllRead"
  | "markRead"
  | "markUnread"
  | "archive"
  | "delete"
  | "mute"
  | "actions"
  | "dismiss"
  | "more"
  | "empty"
  | "emptyUnread"
  | "loading"
  | "offline"
  | "failed"
  | "fresh"
  | "badge"
  | "pushAsk"
  | "pushYes"
  | "pushNo"
  | "pushInstall";

/** A text, or one for each plural form of `{n}` (`Intl.PluralRules`). */
export type Phrase = string | { readonly [form in Intl.LDMLPluralRule]?: string };

export type Words = { readonly [word in Word]: Phrase };

export const english: Words = {
  inbox: "Notifications",
  all: "All",
  unread: "Unread",
  markAllRead: "Mark all as read",
  markRead: "Mark as read",
  markUnread: "Mark as unread",
  archive: "Archive",
  delete: "Delete",
  mute: "Mute {type}",
  actions: "Actions for {title}",
  dismiss: "Dismiss",
  more: "Show older",
  empty: "Nothing here yet",
  emptyUnread: "All read",
  loading: "Loading…",
  offline: "Not connected",
  failed: "That did not work: {reason}",
  fresh: { one: "{n} new notification", other: "{n} new notifications" },
  badge: { zero: "Notifications", one: "Notifications, {n} new", other: "Notifications, {n} new" },
  pushAsk: "Hear of them when this page is closed?",
  pushYes: "Notify me",
  pushNo: "Not now",
  pushInstall: "To hear of them when this page is closed, add it to your home screen first.",
};

/** Says `word` with what stands in braces filled in; `n` also chooses the plural form, and 0 takes `zero` where it is. */
export function say(
  words: Words,
  word: Word,
  values: Readonly<Record<string, string | number>> = {},
  language?: string,
): string {
  const phrase = words[word];
  const text = typeof phrase === "string" ? phrase : form(phrase, Number(values.n), language);
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

function form(forms: Exclude<Phrase, string>, n: number, language?: string): string {
  const rule = n === 0 && forms.zero !== undefined ? "zero" : new Intl.PluralRules(language).select(n);
  return forms[rule] ?? forms.other ?? "";
}

/** The most that a badge shows. */
const BADGE_MAX = 99;

export function badge(count: number): string {
  return count > BADGE_MAX ? `${BADGE_MAX}+` : String(count);
}
