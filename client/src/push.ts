/** Web Push of this browser: whether it can be, a subscription and its end (PROTOCOL.md section 6). */

import { TidingsError } from "./errors.js";
import type { Http } from "./http.js";
import type { Options, Push, PushSnapshot, PushState } from "./types.js";

/** Where it is remembered which subscription was told to the server, and by whom. */
const KEY = "tidings:push";

interface Known {
  id: string;
  endpoint: string;
  user: string | null;
}

export interface PushHost {
  readonly http: Http;
  readonly base: string;
  readonly serviceWorker: NonNullable<Options["serviceWorker"]>;
  user(): string | null;
  changed(push: PushSnapshot): void;
}

export function pushState(): PushState {
  const { isSecureContext, navigator, Notification } = globalThis;
  if (isSecureContext === false) return "insecure";
  if (!navigator || !("serviceWorker" in navigator) || !("PushManager" in globalThis) || !Notification)
    // An iPhone has no push before the page is on its home screen.
    return (navigator as { standalone?: boolean } | undefined)?.standalone === false ? "needs-install" : "unsupported";
  return Notification.permission === "default" ? "prompt" : Notification.permission;
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function newPush(host: PushHost): Push & { look(): Promise<void>; snapshot(): PushSnapshot } {
  const { http, serviceWorker } = host;
  const { url, scope } = typeof serviceWorker === "string" ? { url: serviceWorker, scope: undefined } : serviceWorker;
  let snapshot: PushSnapshot = { state: pushState(), enabled: false };

  const tell = (enabled: boolean) => {
    const state = pushState();
    if (state === snapshot.state && enabled === snapshot.enabled) return;
    snapshot = { state, enabled };
    host.changed(snapshot);
  };

  const recall = (): Known | null => JSON.parse(localStorage.getItem(KEY) ?? "null");
  const registration = () => navigator.serviceWorker.getRegistration(scope);

  const register = async (subscription: PushSubscription) => {
    const { id } = await http.json<{ id: string }>("push/subscriptions", { body: subscription.toJSON() });
    const known: Known = { id, endpoint: subscription.endpoint, user: host.user() };
    localStorage.setItem(KEY, JSON.stringify(known));
    tell(true);
  };

  return {
    snapshot: () => snapshot,
    get state() {
      return pushState();
    },
    async enable() {
      // First of all, while it is still the gesture that asks.
      if (pushState() === "prompt") await Notification.requestPermission();
      const state = pushState();
      tell(snapshot.enabled);
      if (state !== "granted") throw new TidingsError(state, `push is ${state}`);
      const { key } = await http.json<{ key: string }>("push/key");
      const worker = `${url}${url.includes("?") ? "&" : "?"}api=${encodeURIComponent(host.base)}`;
      await navigator.serviceWorker.register(worker, scope === undefined ? {} : { scope });
      const { pushManager } = await navigator.serviceWorker.ready;
      const applicationServerKey = bytesOf(key);
      const options = { userVisibleOnly: true, applicationServerKey };
      const subscription = await pushManager.subscribe(options).catch(async (error: DOMException) => {
        // Subscribed with another server's key, which has to end first.
        const old = await pushManager.getSubscription();
        if (!old) throw new TidingsError("push_failed", error.message);
        await old.unsubscribe();
        return pushManager.subscribe(options);
      });
      await register(subscription);
    },
    async disable() {
      const known = recall();
      localStorage.removeItem(KEY);
      const subscription = await (await registration())?.pushManager.getSubscription();
      await subscription?.unsubscribe();
      tell(false);
      if (known) await http.send(`push/subscriptions/${known.id}`, { method: "DELETE" });
    },
    /** Finds out how it stands, and tells the server where the browser has another subscription than it knows. */
    async look() {
      if (pushState() !== "granted") return tell(false);
      const subscription = await (await registration())?.pushManager.getSubscription();
      const known = recall();
      if (!subscription || !known || known.user !== host.user()) return tell(false);
      if (known.endpoint === subscription.endpoint) return tell(true);
      await register(subscription);
    },
  };
}
