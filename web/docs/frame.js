import { html, nothing } from "../vendor/lit.js";
import { block, json } from "./block.js";
import { sample, schemaView } from "./schema.js";
import { inline } from "./text.js";

/** @import { Frame, FrameEntry, Means, Socket } from "./documents.js" */

/** One frame of the WebSocket. @param {FrameEntry} entry @param {Pick<Means, "copy">} means */
export function frameView({ document, message, answers = [] }, { copy }) {
  /** @type {{ name?: string, payload: Frame }[]} */
  const examples = message.examples ?? [{ payload: sample(document, message.payload) }];
  /** @param {{ name?: string }} example */
  const title = ({ name }) => (examples.length > 1 && name ? `Example: ${name}` : "Example");
  return html`
    <section><h3>Fields</h3>${schemaView(document, message.payload)}</section>
    ${examples.map((example) => block(title(example), json(typeFirst(example.payload)), copy))}
    ${
      answers.length > 0
        ? html`<p class="small">Answered by ${answers.map(({ id, name }, at) => html`${at > 0 ? " or " : ""}<a href="#${id}">${name}</a>`)}.</p>`
        : nothing
    }
  `;
}

/** As it is on the wire, where the document has lost the order. @param {Frame} frame */
function typeFirst({ type, ref, ...fields }) {
  return { ...(type !== undefined && { type }), ...(ref !== undefined && { ref }), ...fields };
}

/** Why a WebSocket ends, and what a client does then. @param {Socket} socket */
export function closeCodes({ channels }) {
  const codes = channels.session["x-close-codes"];
  return html`<section class="card" id="close-codes" aria-label="Close codes">
    <header><h3>Close codes</h3></header>
    <div class="body scrolled" tabindex="0" role="group" aria-label="Close codes">
      <table>
        <thead><tr><th scope="col">code</th><th scope="col">word</th><th scope="col">meaning</th><th scope="col">then</th></tr></thead>
        <tbody>${codes.map(
          ({ code, reason, description, then }) =>
            html`<tr><td class="number">${code}</td><td><code>${reason}</code></td><td>${inline(description)}</td><td>${then}</td></tr>`,
        )}</tbody>
      </table>
    </div>
  </section>`;
}
