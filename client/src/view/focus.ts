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

/** Gives the focus to the first item where what had it is gone. */
export function keep(root: DocumentOrShadowRoot & ParentNode): void {
  const { activeElement } = root;
  if (!activeElement || activeElement === document.body) root.querySelector<HTMLElement>(".tidings-item")?.focus();
}
