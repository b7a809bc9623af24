import { html } from "../vendor/lit.js";

/**
 * Text as it is typed or sent, with a button that copies it.
 *
 * @param {string} title
 * @param {string} source
 * @param {(event: Event) => void} copy
 */
export function block(title, source, copy) {
  return html`<figure class="block">
    <figcaption><span>${title}</span><button type="button" @click=${copy} aria-label="Copy: ${title}">Copy</button></figcaption>
    <pre tabindex="0" role="group" aria-label=${title}>${source}</pre>
  </figure>`;
}

/** @param {unknown} value */
export function json(value) {
  return JSON.stringify(value, null, 2);
}
