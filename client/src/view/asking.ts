/** The question before the browser's own: asked in an opened inbox, and not again after "not now". */

import type { PushSnapshot } from "../types.js";

const KEY = "tidings.push.declined";

/** `ask`, or `install` where the page has to be on the home screen first, or `null`. */
export function question(push: PushSnapshot): "ask" | "install" | null {
  if (push.enabled || declined()) return null;
  if (push.state === "needs-install") return "install";
  return push.state === "prompt" || push.state === "granted" ? "ask" : null;
}

export function decline(): void {
  try {
    localStorage.setItem(KEY, "1");
  } catch {
    // A browser that keeps nothing asks again.
  }
}

function declined(): boolean {
  try {
    return localStorage.getItem(KEY) !== null;
  } catch {
    return false;
  }
}
