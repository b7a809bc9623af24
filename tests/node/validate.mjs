// Holds the documents of the API against the schemas of their standards. Both come on standard input, in one object.

import { Validator } from "@seriousme/openapi-schema-validator";
import { text } from "node:stream/consumers";
import { createRequire } from "node:module";
import Ajv from "ajv";
import formats from "ajv-formats";

const { openapi, asyncapi } = JSON.parse(await text(process.stdin));
const faults = [];

const http = await new Validator().validate(openapi);
if (!http.valid) faults.push("openapi", http.errors);

const ajv = new Ajv({ strict: false, allErrors: true });
formats(ajv);
const judge = ajv.compile(createRequire(import.meta.url)("@asyncapi/specs/schemas/3.0.0-without-$id.json"));
if (!judge(asyncapi)) faults.push("asyncapi", judge.errors);

if (faults.length > 0) {
  console.log(JSON.stringify(faults, null, 2));
  process.exitCode = 1;
}
