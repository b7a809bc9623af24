/**
 * Who shows something in the system, or looks through what it shows: one after the other, in pages and in the worker.
 * A browser that is asked may forget what is not on the screen yet (Chromium does), and then a click on it does nothing
 * and nobody can close it.
 */

const LOCK = "tidings-shown";
/** A page that is frozen in its turn holds up no push: one that shows nothing may cost the permission. */
const PATIENCE_MS = 1000;

/** Does it when it is its turn, or when that is too long in coming. */
export async function inTurn(work: () => Promise<void>): Promise<void> {
  let hasBegun = false;
  const begin = () => {
    hasBegun = true;
    return work();
  };
  try {
    await navigator.locks.request(LOCK, { signal: AbortSignal.timeout(PATIENCE_MS) }, begin);
  } catch (error) {
    if (hasBegun) throw error;
    await work();
  }
}
