// A push service: takes what is pushed over TLS, and answers as the test says. It receives webhooks as well.

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import { atEnd } from "./server.mjs";

/** Keys of a browser, from RFC 8291 section 5. */
const KEYS = {
  p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
  auth: "BTBZMqHH6r4Tts7J_aSIgg",
};

/** What `openssl req` makes: a key, and a certificate for it. */
function certify(folder, name, ...more) {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", `${name}.key`, "-out", `${name}.pem`];
  execFileSync("openssl", ["req", "-x509", ...key, "-days", "2", "-subj", `/CN=tidings test ${name}`, ...more], { cwd: folder, stdio: "ignore" });
}

export async function pushService(t) {
  const folder = await mkdtemp(path.join(tmpdir(), "tidings-push-"));
  atEnd(t, () => rm(folder, { recursive: true, force: true }));
  certify(folder, "authority");
  const signed = ["-CA", "authority.pem", "-CAkey", "authority.key"];
  certify(folder, "localhost", "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE", ...signed);
  const read = (name) => readFile(path.join(folder, name), "utf8");
  const [key, cert, ca] = await Promise.all([read("localhost.key"), read("localhost.pem"), read("authority.pem")]);

  const service = { status: 201, pushed: 0 };
  const server = createServer({ key, cert }, (request, response) => {
    const isHook = request.url === "/hooks";
    if (!isHook) service.pushed += 1;
    request.resume();
    response.writeHead(isHook ? 204 : service.status).end();
  });
  server.listen(0, "localhost");
  await once(server, "listening");
  atEnd(t, () => {
    server.closeAllConnections();
    server.close();
  });
  const host = `localhost:${server.address().port}`;
  const settings = ["push.grace=0s", `push.allowed_hosts=${host}`, `push.test_ca=${ca}`];
  const subscription = { endpoint: `https://${host}/alice`, expirationTime: null, keys: KEYS };
  const hooks = { url: `https://${host}/hooks`, secret: `whsec_${"s".repeat(32)}`, allowed_hosts: host, ca };
  const webhooks = Object.entries(hooks).map(([name, value]) => `webhooks.${name}=${value}`);
  return Object.assign(service, { settings, subscription, webhooks });
}
