/** A popover below its button: on the side where there is room, and gone by Escape or a press elsewhere. */

/** Turns to the other side where it would stand out of the page. */
export function place(popover: Element | null): void {
  if (!popover) return;
  popover.classList.remove("tidings-start");
  const { left, right } = popover.getBoundingClientRect();
  if (left < 0 || right > innerWidth) popover.classList.add("tidings-start");
}

/** Calls when it is to go: by Escape with true, since the focus then goes back to where it came from. */
export function whenLeft(whole: Element, leave: (isByKey: boolean) => void): () => void {
  const press = (event: Event) => event.composedPath().includes(whole) || leave(false);
  const key = (event: KeyboardEvent) => event.key === "Escape" && leave(true);
  document.addEventListener("pointerdown", press);
  document.addEventListener("keydown", key);
  return () => {
    document.removeEventListener("pointerdown", press);
    document.removeEventListener("keydown", key);
  };
}
