/**
 * What a service worker does with Web Push: for those who have a worker of their own. `tidings/sw.js` is one that does
 * nothing else, to be served as `/sw.js`.
 *
 * It reads the JSON of declarative Web Push, which some browsers show without any worker. A push that shows nothing may
 * cost the permission, so whatever comes, something is shown, and first of all; at most a second later where a page is
 * looking through what is shown, or another push is.
 */

import { inTurn, SHOWN } from "../turn.js";

declare const self: ServiceWorkerGlobalScope;

interface Declared {
  web_push?: number;
  notification?: (NotificationOptions & { title?: string; navigate?: string }) | null;
  app_badge?: number;
  /** What was shown here, and has been dealt with elsewhere: by its tag, up to which position. */
  close?: Readonly<Record<string, string>> | null;
}

/** As the server writes it; a summary of quiet hours tells of more than one, and reads none. */
interface Data {
  id?: string;
  count?: number;
  navigate?: string;
  position?: string;
}

/** What is said to a page, and appended to the URL of one that is opened. */
const CLICKED = "tidings";
/** How long a page may take to say that it has heard. */
const ANSWER_MS = 1000;
const NO_TITLE = "New notification";

function read(event: PushEvent): Declared {
  try {
    const declared = event.data?.json();
    return typeof declared === "object" && declared ? declared : {};
  } catch {
    return {};
  }
}

/** Pushes may overtake each other: what is shown under a tag may have come later than what was meant. */
function isNewer(shown: Data | null, upTo: string): boolean {
  const [epoch, offset] = (shown?.position ?? "").split(".");
  const [ofEpoch, last] = upTo.split(".");
  return epoch === ofEpoch && Number(offset) > Number(last);
}

/** For `push`. */
export function handlePush(event: PushEvent): void {
  const { notification, app_badge, close } = read(event);
  const { title, navigate, ...options } = notification ?? {};
  const data: Data = { ...options.data, navigate };
  const { registration } = self;
  const show = async () => {
    await registration
      .showNotification(title || NO_TITLE, { ...options, data })
      .catch(() => registration.showNotification(NO_TITLE, { data }));
    const badge = app_badge ? navigator.setAppBadge?.(app_badge) : navigator.clearAppBadge?.();
    for (const one of await registration.getNotifications()) {
      const upTo = close?.[one.tag];
      if (typeof upTo === "string" && !isNewer(one.data, upTo)) one.close();
    }
    await badge?.catch(() => {});
  };
  event.waitUntil(inTurn(SHOWN, show));
}

/** For `notificationclick`: the page that shows it comes to the front, or one that can, or a new one. */
export function handleClick(event: NotificationEvent): void {
  event.notification.close();
  event.waitUntil(go(event.notification.data ?? {}));
}

async function go({ id: newest = "", count = 1, navigate = "" }: Data): Promise<void> {
  const id = count === 1 ? newest : "";
  const { clients, registration } = self;
  let url = new URL(registration.scope);
  try {
    const asked = new URL(navigate, url);
    if (/^https?:$/.test(asked.protocol)) url = asked;
  } catch {
    // What is no URL leads to the start.
  }
  const isOurs = url.origin === new URL(registration.scope).origin;
  const windows = await clients.matchAll({ type: "window", includeUncontrolled: true });
  // Another application of this origin, or a part of a page, shows nothing of ours.
  const pages = windows.filter(
    (one) => one.frameType !== "nested" && one.url.startsWith(registration.scope),
  ) as WindowClient[];
  const page = pages.find((one) => one.url === url.href) ?? pages.find((one) => one.focused) ?? pages[0];
  const hears = page && tell(page, { id, url: isOurs ? url.href : "" });
  if (isOurs) {
    const front = await page?.focus().catch(() => null);
    if (front && (await hears)) return;
    // Where nobody is there to mark it, whoever opens does: the URL says no more than which it is.
    if (id && !(await hears)) url.searchParams.set(CLICKED, id);
    if (front && (await front.navigate(url.href).catch(() => null))) return;
  }
  await clients.openWindow(url.href);
}

/** Tells a page, and answers whether it has heard: one that has not loaded the client says nothing. */
const tell = (page: WindowClient, clicked: object) =>
  new Promise<boolean>((done) => {
    const { port1, port2 } = new MessageChannel();
    const end = (hasHeard: boolean) => {
      port1.close();
      done(hasHeard);
    };
    port1.onmessage = () => end(true);
    page.postMessage({ [CLICKED]: clicked }, [port2]);
    setTimeout(end, ANSWER_MS, false);
  });

/** For `pushsubscriptionchange`. Where the server does not know us without a token, the next page tells it. */
export function handleSubscriptionChange(event: Event): void {
  const { oldSubscription, newSubscription, waitUntil } = event as PushSubscriptionChangeEvent;
  const renew = async () => {
    const { pushManager } = self.registration;
    const options = oldSubscription?.options;
    const subscription = newSubscription ?? (options && (await pushManager.subscribe(options)));
    const api = new URL(self.location.href).searchParams.get("api");
    if (!subscription || !api) return;
    const headers = { "Content-Type": "application/json" };
    const body = JSON.stringify(subscription);
    await fetch(`${api}/v1/push/subscriptions`, { method: "POST", credentials: "include", headers, body });
  };
  waitUntil.call(
    event,
    renew().catch(() => {}),
  );
}
