import { html } from "../vendor/lit.js";

/** What descriptions are written in: paragraphs, lists, `code` and **strong**. Never HTML. */
export function text(source = "") {
  return source
    .trim()
    .split(/\n{2,}/)
    .filter(Boolean)
    .map(block);
}

/** @param {string} source */
function block(source) {
  const lines = source.split("\n");
  if (lines.every((line) => line.startsWith("* "))) return html`<ul class="bullets">${lines.map((line) => html`<li>${inline(line.slice(2))}</li>`)}</ul>`;
  return html`<p>${inline(lines.join(" "))}</p>`;
}

/** One line of it. */
export function inline(source = "") {
  return source.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => {
    if (part.startsWith("`") && part.length > 2) return html`<code>${part.slice(1, -1)}</code>`;
    if (part.startsWith("**") && part.length > 4) return html`<strong>${part.slice(2, -2)}</strong>`;
    return part;
  });
}
