import { html, nothing } from "../vendor/lit.js";
import { block, json } from "./block.js";
import { curl } from "./curl.js";
import { about, kind, sample, schemaView } from "./schema.js";
import { inline, text } from "./text.js";

/** @import { Answer, Body, CallEntry, Http, Means, Operation, Parameter, Schema } from "./documents.js" */

/** One call of the HTTP API. @param {CallEntry} entry @param {Means} means */
export function callView(entry, { base, copy }) {
  const { document, operation } = entry;
  const { parameters = [], requestBody, responses } = operation;
  const { done, refused } = split(responses);
  return html`
    <div class="text">${text(entry.about)}${who(document, operation)}</div>
    ${block("In a shell", curl(entry, base), copy)}
    ${parameters.length > 0 ? html`<section><h3>Parameters</h3><dl class="fields">${parameters.map((parameter) => one(document, parameter))}</dl></section>` : nothing}
    ${requestBody ? body(document, requestBody, copy) : nothing}
    ${done.map(([status, response]) => answer(document, status, response, copy))}
    ${refused.length > 0 ? refusals(refused) : nothing}
  `;
}

/** @param {Operation["responses"]} responses */
function split(responses) {
  const all = Object.entries(responses);
  /** @param {[status: string, answer: Answer]} one */
  const isRefusal = ([status]) => status === "default" || Number(status) >= 400;
  return { done: all.filter((one) => !isRefusal(one)), refused: all.filter(isRefusal) };
}

/** @param {Http} document @param {Operation} operation */
function who(document, { security = document.security }) {
  /** @param {Record<string, string[]>} one */
  const isNobody = (one) => Object.keys(one).length === 0;
  if (security.every(isNobody)) return html`<p class="small muted">Nobody needs to say who is asking.</p>`;
  const names = security.filter((one) => !isNobody(one)).flatMap((one) => Object.keys(one));
  return html`<p class="small muted">Who is asking is said by one of: ${names.map((name, at) => html`${at > 0 ? ", " : ""}<code>${name}</code>`)}${security.some(isNobody) ? ", or by nothing of it" : ""}.</p>`;
}

/** @param {Http} document @param {Parameter} parameter */
function one(document, { name, in: place, required, description, schema, example }) {
  const shown = example ?? schema.example;
  return html`<div>
    <dt><code>${name}</code> <span class="kind">${kind(document, schema).replace(" | null", "")}</span> <span class="place">in ${place}</span>${required ? html` <span class="required">required</span>` : nothing}</dt>
    <dd>${text(description)}${about(schema)}${shown === undefined ? nothing : html`<p class="rules">such as <code>${String(shown)}</code></p>`}</dd>
  </div>`;
}

/** @param {Http} document @param {Body} body @param {Means["copy"]} copy */
function body(document, { content, description, required }, copy) {
  return html`<section>
    <h3>Body</h3>
    ${description ? html`<div class="text">${text(description)}</div>` : nothing}
    ${required === false ? html`<p class="small muted">May be left out.</p>` : nothing}
    ${Object.entries(content).map(([type, { schema, example }]) => contents(document, type, schema, example, copy))}
  </section>`;
}

/** @param {Http} document @param {string} status @param {Answer} answer @param {Means["copy"]} copy */
function answer(document, status, { description, headers = {}, content = {} }, copy) {
  return html`<section>
    <h3><span class="status">${status}</span> ${inline(description)}</h3>
    ${Object.keys(headers).length > 0 ? html`<p class="small muted">Headers: ${Object.keys(headers).map((name, at) => html`${at > 0 ? ", " : ""}<code>${name}</code>`)}</p>` : nothing}
    ${Object.entries(content).map(([type, { schema, example }]) => contents(document, type, schema, example, copy))}
  </section>`;
}

/**
 * @param {Http} document
 * @param {string} type
 * @param {Schema} schema
 * @param {unknown} example
 * @param {Means["copy"]} copy
 */
function contents(document, type, schema, example, copy) {
  const isJson = type.includes("json");
  const shown = example ?? (isJson ? sample(document, schema) : undefined);
  return html`<p class="small"><code>${type}</code></p>
    ${isJson ? schemaView(document, schema) : nothing}
    ${shown === undefined ? nothing : block("Example", isJson ? json(shown) : String(shown), copy)}`;
}

/** All of them are problems with the same fields. @param {[status: string, answer: Answer][]} refused */
function refusals(refused) {
  /** @param {Answer} answer */
  const headersOf = ({ headers = {} }) => Object.keys(headers);
  /** @param {[status: string, answer: Answer]} one */
  const row = ([status, response]) => html`<div>
    <dt><span class="status bad">${status}</span></dt>
    <dd>${text(response.description)}${headersOf(response).length > 0 ? html`<p class="rules">${headersOf(response).join(", ")}</p>` : nothing}</dd>
  </div>`;
  return html`<section>
    <h3>Refusals</h3>
    <p class="small muted"><code>application/problem+json</code> with <code>code</code>, <code>detail</code> and <code>request_id</code>.</p>
    <dl class="fields refusals">${refused.map(row)}</dl>
  </section>`;
}
