/** One item of a list is in the order of Tab; the arrows go from it to the others. */

const STEPS: Readonly<Record<string, (at: number, count: number) => number>> = {
  ArrowDown: (at, count) => Math.min(at + 1, count - 1),
  ArrowUp: (at) => Math.max(at - 1, 0),
  Home: () => 0,
  End: (_, count) => count - 1,
};

/** Moves the focus as a key says; whether it was such a key. */
export function step(event: KeyboardEvent, list: Element | null, selector: string): boolean {
  const items = [...(list?.querySelectorAll<HTMLElement>(selector) ?? [])];
  const at = items.indexOf(event.target as HTMLElement);
  const next = STEPS[event.key]?.(at, items.length);
  if (at === -1 || next === undefined) return false;
  event.preventDefault();
  items[next]?.focus();
  return true;
}

/**
 * Something is done to an entry: the focus stays there, and where the entry goes, at what stands in its place. After the
 * last it is at the first button of the inbox, since a page that has lost the focus begins anew.
 */
export function stayAt(entry: HTMLElement | null): void {
  const inbox = entry?.closest(".tidings-inbox");
  if (!inbox) return;
  const at = [...inbox.querySelectorAll("li")].indexOf(entry as HTMLLIElement);
  entry?.querySelector<HTMLElement>(".tidings-more")?.focus();
  // Marks are shown before the next paint.
  requestAnimationFrame(() => {
    const items = inbox.querySelectorAll<HTMLElement>(".tidings-item");
    if (!entry?.isConnected) (items[Math.min(at, items.length - 1)] ?? inbox.querySelector("button"))?.focus();
  });
}
