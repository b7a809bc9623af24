"""Takes pushes from a server as a push service would, and reads them with libraries that are not ours: the encryption
with http-ece, the token with py-vapid.

Usage: read_push.py PROGRAM. Fails unless each push says what was published. It needs openssl for a certificate.
"""

import base64
import http.server
import json
import os
import pathlib
import queue
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.request

import http_ece
import server
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02

PUSHES = 20


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def certify(folder: pathlib.Path) -> None:
    """Makes an authority, and a certificate for localhost that it vouches for."""
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    leaf = ["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"]
    for words in (
        ["-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem"],
        ["-subj", "/CN=localhost", *leaf, "-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", "key.pem", "-out", "cert.pem"],
    ):
        subprocess.run([*make, *words], cwd=folder, check=True, capture_output=True)


def service(folder: pathlib.Path, pushes: queue.Queue) -> http.server.HTTPServer:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            pushes.put((dict(self.headers), body))
            self.send_response(201)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    listener.socket = context.wrap_socket(listener.socket, server_side=True)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    return listener


def post(address: str, path: str, token: str, body: dict) -> dict:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://{address}{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def check(headers: dict, body: bytes, browser: ec.EllipticCurvePrivateKey, auth: bytes, origin: str) -> str:
    """Gives the title that was pushed."""
    headers = {name.lower(): value for name, value in headers.items()}
    assert headers["content-encoding"] == "aes128gcm" and int(headers["ttl"]) > 0, headers
    token = headers["authorization"].removeprefix("vapid t=").split(",")[0]
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    # The library knows of no space after a comma, which RFC 8292 itself writes.
    assert Vapid02.verify(headers["authorization"].replace(", ", ",")) and claims["aud"] == origin, claims
    plain = http_ece.decrypt(body, private_key=browser, auth_secret=auth, version="aes128gcm")
    message = json.loads(plain)
    assert message["web_push"] == 8030, message
    return message["notification"]["title"]


def main() -> None:
    program, pushes = sys.argv[1], queue.Queue()
    browser, auth = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)
    public = browser.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        certify(folder)
        port = service(folder, pushes).server_address[1]
        settings = {
            "push.enabled": "true",
            "push.subject": "mailto:ops@example.com",
            "push.grace": "0s",
            "push.allowed_hosts": f"localhost:{port}",
            "push.test_ca": (folder / "ca.pem").read_text(),
        }
        with server.running(program, settings) as address:
            origin = f"https://localhost:{port}"
            keys = {"p256dh": base64url(public), "auth": base64url(auth)}
            alice, backend = server.token(program, "alice", ""), server.token(program, "backend", "notify")
            post(address, "/v1/push/subscriptions", alice, {"endpoint": f"{origin}/alice", "keys": keys})
            titles = {f"{n} {'é🙂' * n}" for n in range(PUSHES)}
            for title in titles:
                draft = {"to": "alice", "type": "note.text", "payload": {"title": title}}
                post(address, "/v1/notifications", backend, draft)
            read = {check(*pushes.get(timeout=20), browser, auth, origin) for _ in range(PUSHES)}
    assert read == titles, read ^ titles
    print(f"{PUSHES} pushes read by http-ece, their tokens by py-vapid")


main()
