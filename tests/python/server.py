"""A server for clients of other hands: on port 0, with a database of its own that goes with it."""

import contextlib
import json
import os
import subprocess
import tempfile

SETTINGS = {
    "http.listen": "127.0.0.1:0",
    "auth.secret": "a secret for tests, of 32 bytes and more",
    "log.format": "json",
}


@contextlib.contextmanager
def running(program: str, settings: dict[str, str]):
    """Gives the address. Fails if the server has ended by itself."""
    flags = [f"--set={key}={value}" for key, value in (SETTINGS | settings).items()]
    with tempfile.TemporaryDirectory() as folder:
        command = [os.path.abspath(program), "serve", *flags]
        server = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE)
        try:
            address = listening(server)
            # What it logs from now on is of no interest, and must not fill the pipe.
            with subprocess.Popen(["cat"], stdin=server.stderr, stdout=subprocess.DEVNULL):
                try:
                    yield address
                    if server.poll() is not None:
                        raise SystemExit(f"the server has ended: {server.returncode}")
                finally:
                    # What reads its log ends with it.
                    server.kill()
        finally:
            server.kill()
            server.wait()


def listening(server: subprocess.Popen) -> str:
    for line in server.stderr:
        record = json.loads(line)
        if record["message"] == "listening":
            return record["address"]
    raise SystemExit("the server does not listen")


def token(program: str, user: str, scope: str) -> str:
    environment = {"TIDINGS_AUTH_SECRET": SETTINGS["auth.secret"]}
    command = [os.path.abspath(program), "token", "mint", user, "--scope", scope, "--ttl", "24h", "-q"]
    return subprocess.check_output(command, env=environment, text=True).strip()
