import { html, nothing, render } from "../vendor/lit.js";

/** @import { Typed } from "./form.js" */

/**
 * Asks before something is done that cannot be undone; whether it is meant.
 *
 * @param {{ title: string, text: string, action: string, typed?: string }} question `typed` has to be typed first: no single
 *   key or click does what nothing brings back.
 * @returns {Promise<boolean>}
 */
export function confirm({ title, text, action, typed = "" }) {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "question");
  /** @param {Typed} event */
  const check = ({ target }) => target.setCustomValidity(target.value === typed ? "" : `Type ${typed}`);
  render(
    html`<form method="dialog">
      <h2 id="question">${title}</h2>
      <p>${text}</p>
      ${typed ? html`<label>To go on, type ${typed} <input required autofocus autocomplete="off" spellcheck="false" @input=${check} /></label>` : nothing}
      <div class="row">
        <button class="danger-fill" value="yes">${action}</button>
        <button value="no" formnovalidate ?autofocus=${!typed}>Cancel</button>
      </div>
    </form>`,
    dialog,
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}
