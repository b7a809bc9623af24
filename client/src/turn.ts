/** What pages of one origin, and their worker, must not do at the same time. */

/** The lock, and how long a turn is waited for, and had: a page that is frozen, or waits in vain, holds nobody up for ever. */
type Turn = readonly [lock: string, patienceMs: number];

/**
 * Shows something in the system, or looks through what it shows. A browser that is asked may forget what is not on the
 * screen yet (Chromium does), and then a click on it does nothing and nobody can close it. A push that shows nothing may
 * cost the permission.
 */
export const SHOWN: Turn = ["tidings-shown", 1000];
/** Reads preferences, and sets them as a whole. */
export const PREFERENCES: Turn = ["tidings-preferences", 30_000];

/** Does it when it is its turn, or when that is too long in coming, or where there are no locks. */
export async function inTurn<T>([lock, patienceMs]: Turn, work: () => Promise<T>): Promise<T> {
  let done: Promise<T> | undefined;
  const begin = () => {
    done = work();
    return new Promise((end) => {
      done?.then(end, end);
      setTimeout(end, patienceMs);
    });
  };
  await globalThis.navigator?.locks?.request(lock, { signal: AbortSignal.timeout(patienceMs) }, begin).catch(() => {});
  return done ?? work();
}
