/** The samples of the wire, which the server's own tests hold it against. */

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("../../../tests/golden/", import.meta.url));

export const golden = <T>(name: string): T => JSON.parse(readFileSync(`${FOLDER}${name}.json`, "utf8"));

export const goldenNames = (): string[] =>
  readdirSync(FOLDER)
    .filter((name) => name.endsWith(".json"))
    .map((name) => name.slice(0, -5));
