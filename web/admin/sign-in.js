import { html, nothing } from "../vendor/lit.js";
import { base, keepToken } from "./api.js";
import { fields } from "./form.js";

/** @import { Submitted } from "./form.js" */

/** Asks for a token, or takes the one that a one-time link is good for. */
export class SignIn {
  reason = "";

  /** @param {import("./main.js").Page} page */
  constructor(page) {
    this.page = page;
  }

  /** `#` and the code, which `tidings dev` prints. It is in no history and no log of a server. */
  async byLink() {
    const code = location.hash.slice(1);
    if (code === "" || code.startsWith("/")) return;
    history.replaceState(null, "", location.pathname);
    const response = await fetch(`${base}/admin/sign-in`, { method: "POST", body: JSON.stringify({ code }) });
    if (response.ok) keepToken((await response.json()).token);
    else this.reason = "This link was used before. Restart the server for another one, or sign in with a token.";
  }

  /** @param {Submitted} event */
  #submit(event) {
    keepToken(fields(event).token);
    this.page.signedIn();
  }

  view() {
    return html`<main class="sign-in" id="content">
      <section class="card" aria-label="Sign in">
        <header><h1 class="brand"><img src="assets/icon.svg" alt="" />tidings admin</h1></header>
        <form class="body stack" @submit=${(/** @type {Submitted} */ event) => this.#submit(event)}>
          <label>
            <span>Token with the scope <code>admin</code></span>
            <input name="token" type="password" required autocomplete="off" autofocus />
          </label>
          ${this.reason ? html`<p class="notice bad" role="alert">${this.reason}</p>` : nothing}
          <button class="primary">Sign in</button>
          <p class="small muted">
            <code>tidings token mint ops --scope admin</code> makes one; beside <code>tidings dev</code> it is
            <code>tidings token dev</code>. This tab keeps it until it is closed.
          </p>
        </form>
      </section>
    </main>`;
  }
}
