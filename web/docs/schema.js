import { html, nothing } from "../vendor/lit.js";
import { resolve } from "./book.js";
import { inline, text } from "./text.js";

/** @import { Schema } from "./documents.js" */

/** Objects within objects that are shown. */
const DEPTH = 6;

/**
 * The schema itself, where it is one of several names for it.
 *
 * @param {object} document
 * @param {Schema} [schema]
 * @returns {Schema}
 */
function open(document, schema = {}) {
  let opened = schema;
  /** @type {string[]} */
  const about = [];
  while (true) {
    if (opened.description) about.push(opened.description);
    if (opened.$ref) {
      const { $ref, ...own } = opened;
      opened = { ...resolve(document, $ref), ...own };
    } else if (opened.allOf?.length === 1) {
      const { allOf, ...own } = opened;
      opened = { ...allOf[0], ...own, $ref: allOf[0].$ref };
    } else {
      return about.length > 0 ? { ...opened, description: [...new Set(about)].join(" ") } : opened;
    }
  }
}

/** What kind of value it is, in few words. @param {object} document @param {Schema} schema @returns {string} */
export function kind(document, schema) {
  const opened = open(document, schema);
  if (opened.const !== undefined) return JSON.stringify(opened.const);
  if (opened.enum) return opened.enum.map((value) => JSON.stringify(value)).join(" | ");
  const choices = opened.oneOf ?? opened.anyOf;
  if (choices && !opened.properties) return [...new Set(choices.map((choice) => kind(document, choice)))].join(" | ");
  const types = [opened.type ?? "any JSON"].flat();
  return types.map((type) => (type === "array" ? `list of ${kind(document, opened.items ?? {})}` : type)).join(" | ");
}

/** What besides has to hold of it. @param {Schema} opened */
function rules(opened) {
  /** @type {string[]} */
  const said = [];
  /** @param {number | undefined} least @param {number | undefined} most @param {string} unit */
  const count = (least, most, unit) => {
    if (least !== undefined && most !== undefined) said.push(`${least} to ${most} ${unit}`);
    else if (least !== undefined) said.push(`at least ${least} ${unit}`);
    else if (most !== undefined) said.push(`at most ${most} ${unit}`);
  };
  count(opened.minLength, opened.maxLength, "characters");
  count(opened.minItems, opened.maxItems, "of them");
  if (opened.type === "integer" || opened.type === "number") {
    if (opened.minimum) said.push(`from ${opened.minimum}`);
    if (opened.maximum !== undefined) said.push(`to ${opened.maximum}`);
  }
  if (opened.format === "date-time") said.push("RFC 3339");
  return said;
}

/**
 * The fields of an object, or what it is else.
 *
 * @param {object} document
 * @param {Schema} schema
 * @returns {unknown}
 */
export function schemaView(document, schema, depth = 0) {
  const opened = open(document, schema);
  const inner = opened.type === "array" && opened.items ? open(document, opened.items) : opened;
  if (inner.properties) return fields(document, inner, depth);
  const choices = (inner.oneOf ?? inner.anyOf ?? []).filter((choice) => open(document, choice).properties);
  if (choices.length > 0) {
    return html`<ul class="choices">${choices.map((choice) => html`<li><p class="small muted">${inline(open(document, choice).description ?? "one of")}</p>${schemaView(document, choice, depth)}</li>`)}</ul>`;
  }
  return depth === 0 ? html`<p class="small"><code>${kind(document, schema)}</code> ${inline(opened.description)} ${about(opened)}</p>` : nothing;
}

/** @param {object} document @param {Schema} opened @param {number} depth */
function fields(document, opened, depth) {
  const required = new Set(opened.required ?? []);
  const all = opened.properties ?? {};
  const names = Object.keys(all);
  /** @param {string} name */
  const weight = (name) => (name === "type" ? 0 : required.has(name) ? 1 : 2);
  names.sort((a, b) => weight(a) - weight(b));
  return html`<dl class="fields">${names.map((name) => field(document, name, all[name], required.has(name), depth))}</dl>`;
}

/**
 * @param {object} document
 * @param {string} name
 * @param {Schema} schema
 * @param {boolean} isRequired
 * @param {number} depth
 */
function field(document, name, schema, isRequired, depth) {
  const opened = open(document, schema);
  return html`<div>
    <dt><code>${name}</code> <span class="kind">${kind(document, schema)}</span>${isRequired ? html` <span class="required">required</span>` : nothing}</dt>
    <dd>${text(opened.description)}${about(opened)}${depth < DEPTH ? schemaView(document, schema, depth + 1) : nothing}</dd>
  </div>`;
}

/** What has to hold of a value, on a line of its own. @param {Schema} opened */
export function about(opened) {
  const said = rules(opened);
  if (said.length === 0 && !opened.pattern) return nothing;
  return html`<p class="rules">${said.join(", ")}${said.length > 0 && opened.pattern ? ", " : ""}${opened.pattern ? html`<code>${opened.pattern}</code>` : nothing}</p>`;
}

/** A value that the schema takes, by its examples. @param {object} document @param {Schema} schema @returns {any} */
export function sample(document, schema, depth = 0) {
  const opened = open(document, schema);
  if (opened.example !== undefined) return opened.example;
  if (opened.examples && opened.examples.length > 0) return opened.examples[0];
  if (opened.const !== undefined) return opened.const;
  if (opened.enum) return opened.enum[0];
  const choice = (opened.oneOf ?? opened.anyOf)?.find((choice) => open(document, choice).type !== "null");
  if (choice && !opened.properties) return sample(document, choice, depth);
  const [type] = [opened.type ?? (opened.properties ? "object" : "any")].flat().filter((type) => type !== "null");
  if (type === "object") {
    const required = new Set(opened.required ?? []);
    const known = Object.entries(opened.properties ?? {}).filter(([name]) => depth < DEPTH && (depth === 0 || required.has(name)));
    return Object.fromEntries(known.map(([name, part]) => [name, sample(document, part, depth + 1)]));
  }
  if (type === "array") return depth < DEPTH ? [sample(document, opened.items ?? {}, depth + 1)] : [];
  if (type === "integer" || type === "number") return opened.minimum ?? 1;
  if (type === "boolean") return true;
  return type === "string" ? "text" : "any JSON";
}
