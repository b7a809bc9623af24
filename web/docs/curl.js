import { sample } from "./schema.js";

/** @import { CallEntry, Http, Operation, Parameter } from "./documents.js" */

/** The call as it is typed into a shell, with the examples of the document. @param {CallEntry} entry @param {string} base */
export function curl({ document, operation, method, path }, base) {
  const { parameters = [], requestBody } = operation;
  /** @param {Parameter} parameter */
  const value = ({ example, schema }) => String(example ?? sample(document, schema));
  /** @param {Parameter} parameter */
  const isNeeded = ({ in: place, required }) => place === "query" && required;
  const filled = parameters
    .filter(({ in: place }) => place === "path")
    .reduce((address, parameter) => address.replace(`{${parameter.name}}`, encodeURIComponent(value(parameter))), path);
  const query = parameters.filter(isNeeded).map((parameter) => `${parameter.name}=${encodeURIComponent(value(parameter))}`);
  const url = `${base}${filled}${query.length > 0 ? `?${query.join("&")}` : ""}`;
  if (path.startsWith("/v1/ws")) return socket(url);
  const words = [`curl${path === "/v1/sse" ? " -N" : ""}${method === "get" ? "" : ` -X ${method.toUpperCase()}`} ${quoted(url)}`];
  if (needsToken(document, operation)) words.push('-H "Authorization: Bearer $TOKEN"');
  const [first] = Object.entries(requestBody?.content ?? {});
  if (first) {
    const [type, content] = first;
    const isJson = type.includes("json");
    if (isJson) words.push(`-H 'Content-Type: ${type}'`);
    const shown = content.example ?? sample(document, content.schema);
    words.push(`-d ${quoted(isJson ? JSON.stringify(shown) : String(shown))}`);
  }
  return words.join(" \\\n  ");
}

/** No curl speaks WebSocket everywhere: the console of a browser does. @param {string} url */
function socket(url) {
  return `// in the console of a browser\nconst socket = new WebSocket("${url.replace(/^http/, "ws")}", ["tidings.v1", \`bearer.\${token}\`]);\nsocket.onmessage = ({ data }) => console.log(JSON.parse(data));`;
}

/** @param {Http} document @param {Operation} operation */
function needsToken(document, { security = document.security }) {
  return !security.every((one) => Object.keys(one).length === 0);
}

/** One word of a POSIX shell. @param {string} text */
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
