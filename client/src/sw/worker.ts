/** The worker that is served as `/sw.js`. */

import { handleClick, handlePush, handleSubscriptionChange } from "./index.js";

declare const self: ServiceWorkerGlobalScope;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("push", handlePush);
self.addEventListener("notificationclick", handleClick);
self.addEventListener("pushsubscriptionchange", handleSubscriptionChange);
