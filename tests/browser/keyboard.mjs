// A page by keyboard alone: what Tab reaches, that one sees where one is, and going to what is wanted.

import assert from "node:assert/strict";

/** More stops than any page of ours has. */
const STOPS_MAX = 200;

/** In the page: what has the focus, however deep, and all that should be reached. */
function look(shown) {
  return shown.addInitScript(() => {
    globalThis.focused = () => {
      let found = document.activeElement;
      while (found?.shadowRoot?.activeElement) found = found.shadowRoot.activeElement;
      return found;
    };
    globalThis.named = (element) => {
      const text = element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent ?? element.textContent;
      return `${element.localName} ${text.replace(/\s+/g, " ").trim()}`;
    };
    const all = (root) =>
      [...root.querySelectorAll("*")].flatMap((element) => [element, ...(element.shadowRoot ? all(element.shadowRoot) : [])]);
    globalThis.reachable = () =>
      all(document).filter((element) => {
        const isControl = element.matches("a[href], button, input, select, textarea, summary, [tabindex]");
        // Of radio buttons with one name the chosen one is reached, and the arrows go on from it.
        const isReached = !element.matches("[type=radio]:not(:checked), :disabled") && element.tabIndex >= 0;
        return isControl && isReached && element.checkVisibility({ visibilityProperty: true });
      });
  });
}

export async function byKeyboard(shown) {
  await look(shown);
  await shown.reload();
}

/** Where Tab begins. */
async function toStart(shown) {
  await shown.evaluate(() => {
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute("tabindex");
  });
}

const here = (shown) =>
  shown.evaluate(() => {
    const element = globalThis.focused();
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    const isSeen = outlineStyle !== "none" && Number.parseFloat(outlineWidth) > 0;
    return { name: globalThis.named(element), isSeen, isNowhere: element === document.body };
  });

/** Goes through the whole page by Tab: everything that can be used is reached, and one sees where one is. */
export async function walk(shown, what) {
  await toStart(shown);
  const wanted = await shown.evaluate(() => globalThis.reachable().map(globalThis.named));
  const reached = [];
  for (let stop = 0; stop < STOPS_MAX; stop += 1) {
    await shown.keyboard.press("Tab");
    const { name, isSeen, isNowhere } = await here(shown);
    if (isNowhere) break;
    assert.ok(isSeen, `${what}: one does not see that one is at ${name}`);
    reached.push(name);
  }
  assert.ok(reached.length < STOPS_MAX, `${what}: Tab leads out of it`);
  const missing = wanted.filter((name) => !reached.includes(name));
  assert.deepEqual(missing, [], `${what}: reached are ${reached.join(" | ")}`);
}

/** Goes on by Tab, from the start, to the one of this name. */
export async function tabTo(shown, name, { isFromHere = false } = {}) {
  if (!isFromHere) await toStart(shown);
  const passed = [];
  for (let stop = 0; stop < STOPS_MAX; stop += 1) {
    await shown.keyboard.press("Tab");
    const found = (await here(shown)).name;
    if (name instanceof RegExp ? name.test(found) : found === name) return;
    passed.push(found);
  }
  assert.fail(`Tab does not lead to ${name}: ${[...new Set(passed)].join(" | ")}`);
}

/** What has the focus. */
export const focused = async (shown) => (await here(shown)).name;
