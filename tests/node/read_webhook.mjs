// Verifies a webhook on standard input with a library that is not ours and with the example of docs/webhooks.md, and
// prints what it says.
//
//   node read_webhook.mjs EXAMPLE.mjs < {"secrets": […], "headers": {…}, "body": "…"}

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { Webhook } from "standardwebhooks";

const { verify } = await import(pathToFileURL(process.argv[2]));
const { secrets, headers, body } = JSON.parse(readFileSync(0, "utf8"));
const bytes = Buffer.from(body);
for (const secret of secrets) {
  const read = new Webhook(secret).verify(body, headers);
  if (!verify(secret, headers, bytes)) throw new Error("the example refuses it");
  const later = Number(headers["webhook-timestamp"]) + 301;
  if (verify(secret, headers, bytes, later)) throw new Error("the example takes what is old");
  if (verify(secret, headers, Buffer.from(`${body} `))) throw new Error("the example takes another body");
  process.stdout.write(JSON.stringify(read));
}
