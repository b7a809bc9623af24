/** What pages of one origin, and their worker, must not do at the same time. */

/** For each the lock, and how long its turn is waited for: a page that is frozen in its own holds nobody up for ever. */
const TURNS = {
  /**
   * Shows something in the system, or looks through what it shows. A browser that is asked may forget what is not on the
   * screen yet (Chromium does), and then a click on it does nothing and nobody can close it. A push that shows nothing may
   * cost the permission.
   */
  shown: ["tidings-shown", 1000],
  /** Reads preferences, and sets them as a whole. */
  preferences: ["tidings-preferences", 30_000],
} as const;

/** Does it when it is its turn, or when that is too long in coming, or where there are no locks. */
export async function inTurn<T>(which: keyof typeof TURNS, work: () => Promise<T>): Promise<T> {
  const [lock, patienceMs] = TURNS[which];
  let hasBegun = false;
  const begin = () => {
    hasBegun = true;
    return work();
  };
  try {
    return await navigator.locks.request(lock, { signal: AbortSignal.timeout(patienceMs) }, begin);
  } catch (error) {
    if (hasBegun) throw error;
    return work();
  }
}
