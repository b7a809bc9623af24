// Reads the body of a push on standard input with a library that is not ours, and prints what it says.
//
//   node read_push.mjs PRIVATE_KEY AUTH < body      both in base64url

import { createECDH } from "node:crypto";
import { readFileSync } from "node:fs";
import ece from "http_ece";

const [privateKey, auth] = process.argv.slice(2);
const receiver = createECDH("prime256v1");
receiver.setPrivateKey(privateKey, "base64url");
const authSecret = Buffer.from(auth, "base64url");
process.stdout.write(ece.decrypt(readFileSync(0), { version: "aes128gcm", privateKey: receiver, authSecret }));
