/**
 * What a page that may push does: a subscription and its end (PROTOCOL.md section 6), a click outside, and what the
 * system shows of what was dealt with elsewhere.
 */

import type { Core } from "../core.js";
import { TidingsError } from "../errors.js";
import type { Marks } from "../marks.js";
import { isUpTo } from "../model/position.js";
import { inTurn, SHOWN } from "../turn.js";
import type { EventMap, PushState } from "../types.js";

/** Where it is remembered which subscription was told to the server, and of whom. */
const KEY = "tidings:push";
/** What the service worker says to a page, and appends to the URL of one that it opens. */
const CLICKED = "tidings";

/** How often the server is told again: it may have given the subscription up meanwhile. */
const AGAIN_MS = 86_400_000;

interface Known {
  id: string;
  endpoint: string;
  at: number;
  user: string | null;
}

export interface PagePush {
  /** Rejects with the state where it cannot be. */
  enable(state: PushState): Promise<void>;
  disable(): Promise<void>;
  /** Finds out how it stands, and tells the server where the browser has another subscription than it knows. */
  look(): Promise<void>;
  /** Hears no click any more, until it begins anew. */
  end(): void;
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Trusted Types, which a browser may have, and a page may require. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): never };
}

let policy: ReturnType<TrustedTypes["createPolicy"]> | undefined;

/** The URL of a worker, as one that the page trusts: it is the application's own. */
function trusted({ href }: URL): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  policy ??= trustedTypes?.createPolicy("tidings", { createScriptURL: (url) => url });
  return policy ? policy.createScriptURL(href) : href;
}

/** The registration, once its worker is active: before that no browser subscribes. The page may be beyond its scope. */
async function active(registration: ServiceWorkerRegistration): Promise<ServiceWorkerRegistration> {
  while (!registration.active) {
    const worker = registration.installing ?? registration.waiting;
    if (!worker) throw new TidingsError("push_failed", { message: "the service worker does not start" });
    await new Promise((done) => worker.addEventListener("statechange", done, { once: true }));
  }
  return registration;
}

export function newPagePush(core: Core, marks: Marks, tell: (enabled: boolean) => void): PagePush {
  const { http, settings, emitter } = core;
  const { serviceWorker = "/sw.js" } = settings;
  const user = () => core.state().user;
  const { url, scope } = typeof serviceWorker === "string" ? { url: serviceWorker, scope: undefined } : serviceWorker;
  const recall = (): Known | null => JSON.parse(localStorage.getItem(KEY) ?? "null");
  const registration = () => navigator.serviceWorker.getRegistration(scope);
  const subscription = async () => (await registration())?.pushManager.getSubscription();

  const register = async (subscribed: PushSubscription) => {
    const { id } = await http<{ id: string }>("push/subscriptions", { body: subscribed.toJSON() });
    const known: Known = { id, endpoint: subscribed.endpoint, at: Date.now(), user: user() };
    localStorage.setItem(KEY, JSON.stringify(known));
    tell(true);
  };

  /** Somebody has clicked what the system shows; without an `url` there is nowhere to go. */
  const clicked = ({ id, url: to }: EventMap["open"]) => {
    if (id) marks.mark("read", id).catch(() => {});
    // A worker of the application's own may say anything.
    const isOurs = !!to && new URL(to, location.href).origin === new URL(location.href).origin;
    if (!emitter.emit("open", { id, url: to }) && isOurs && to !== location.href) location.assign(to);
  };

  /** The notification whose click has opened this page, once: its name is taken out of the URL. */
  const takeClicked = () => {
    const here = new URL(location.href);
    const id = here.searchParams.get(CLICKED);
    if (!id) return;
    here.searchParams.delete(CLICKED);
    history.replaceState(history.state, "", here);
    clicked({ id, url: "" });
  };

  /** Closes what the system shows of what was dealt with here or elsewhere. */
  const close = async ({ as, ids, up_to }: EventMap["marked"]) => {
    if (as === "seen" || as === "unread") return;
    await inTurn(SHOWN, async () => {
      for (const shown of (await (await registration())?.getNotifications()) ?? []) {
        // As the server has written it, and the worker has kept it.
        const { id, position } = shown.data ?? {};
        if (id && (ids ? ids.includes(id) : !up_to || isUpTo(position ?? "", up_to))) shown.close();
      }
    });
  };

  let listening: AbortController | undefined;
  const listen = () => {
    if (listening) return;
    listening = new AbortController();
    const hear = ({ data, ports }: MessageEvent) => {
      if (!data?.[CLICKED]) return;
      ports?.[0]?.postMessage(CLICKED);
      clicked(data[CLICKED]);
    };
    navigator.serviceWorker.addEventListener("message", hear, listening);
    emitter.on("marked", (mark) => void close(mark).catch(() => {}), listening);
    takeClicked();
  };

  return {
    end() {
      listening?.abort();
      listening = undefined;
    },
    async enable(state) {
      listen();
      tell(false);
      if (state !== "granted") throw new TidingsError(state);
      const { key } = await http<{ key: string }>("push/key");
      const worker = new URL(url, location.href);
      worker.searchParams.set("api", settings.url);
      const options = scope === undefined ? {} : { scope };
      const { pushManager } = await active(await navigator.serviceWorker.register(trusted(worker), options));
      const wanted = { userVisibleOnly: true, applicationServerKey: bytesOf(key) };
      const subscribed = await pushManager.subscribe(wanted).catch(async (error: DOMException) => {
        // Subscribed with another server's key, which has to end first.
        const old = await pushManager.getSubscription();
        if (!old) throw new TidingsError("push_failed", { message: error.message });
        await old.unsubscribe();
        return pushManager.subscribe(wanted);
      });
      await register(subscribed);
    },
    async disable() {
      const known = recall();
      localStorage.removeItem(KEY);
      await (await subscription())?.unsubscribe();
      tell(false);
      if (known) await http(`push/subscriptions/${known.id}`, { method: "DELETE" });
    },
    async look() {
      listen();
      const [subscribed, known] = [await subscription(), recall()];
      const isOurs = !!subscribed && known?.user === user();
      const isOld = known?.endpoint !== subscribed?.endpoint || Date.now() - (known?.at ?? 0) > AGAIN_MS;
      if (isOurs && isOld) return register(subscribed);
      tell(isOurs);
    },
  };
}
