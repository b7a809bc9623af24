import { html, render } from "../vendor/lit.js";

/** Asks before something is done that cannot be undone; whether it is meant. */
export function confirm({ title, text, action }) {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "question");
  render(
    html`<form method="dialog">
      <h2 id="question">${title}</h2>
      <p>${text}</p>
      <div class="row">
        <button class="danger-fill" value="yes">${action}</button>
        <button value="no" autofocus>Cancel</button>
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
