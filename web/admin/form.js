/** @typedef {SubmitEvent & { currentTarget: HTMLFormElement }} Submitted */
/** @typedef {InputEvent & { target: HTMLInputElement, currentTarget: HTMLInputElement }} Typed */

/**
 * What stands in the fields of a form that is submitted, by their names; the form goes nowhere.
 *
 * @param {Submitted} event
 * @returns {Record<string, string>}
 */
export function fields(event) {
  event.preventDefault();
  const entries = [...new FormData(event.currentTarget)];
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value).trim()]));
}

/**
 * Names with commas or spaces between.
 *
 * @param {string} text
 */
export function names(text) {
  return text.split(/[\s,]+/).filter(Boolean);
}
