import { html, nothing, repeat } from "../vendor/lit.js";

/**
 * A table that scrolls within its card.
 *
 * @template T
 * @param {object} what
 * @param {string} what.label Which table it is; for those who do not see it, unless it `isTitled`.
 * @param {boolean} [what.isTitled]
 * @param {readonly (string | { name: string, isEnd?: boolean, isActions?: boolean })[]} what.columns `isEnd` for numbers,
 *   `isActions` for what can be done, whose name all can see that see.
 * @param {readonly T[]} what.rows
 * @param {(row: T) => unknown} what.key What keeps the focus with its row when others come and go.
 * @param {(row: T) => unknown} what.row
 * @param {string} what.empty What is said where there is none.
 */
export function table({ label, isTitled = false, columns, rows, key, row, empty }) {
  return html`<section class="card" aria-label=${label}>
    ${isTitled ? html`<header><h2>${label}</h2></header>` : nothing}
    ${
      rows.length === 0
        ? html`<p class="body muted">${empty}</p>`
        : html`<div class="scroll" tabindex="0" role="region" aria-label="${label}, a table">
            <table>
              <thead>
                <tr>${columns.map(heading)}</tr>
              </thead>
              <tbody>
                ${repeat(rows, key, row)}
              </tbody>
            </table>
          </div>`
    }
  </section>`;
}

/** @param {string | { name: string, isEnd?: boolean, isActions?: boolean }} column */
function heading(column) {
  const { name, isEnd = false, isActions = false } = typeof column === "string" ? { name: column } : column;
  const text = isActions ? html`<span class="visually-hidden">${name}</span>` : name;
  return html`<th scope="col" class=${isEnd ? "end" : isActions ? "actions" : ""}>${text}</th>`;
}
