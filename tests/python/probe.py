"""Sends requests that its own OpenAPI document allows, and such as it does not, to a server (schemathesis).

Usage: probe.py PROGRAM [OPTION OF SCHEMATHESIS…]. What is held against the answers is in schemathesis.toml.
"""

import os
import pathlib
import subprocess
import sys

import server

FOLDER = pathlib.Path(__file__).parent
# One client asks more than any honest one.
SETTINGS = {
    "limits.requests_per_second": "0",
    "limits.handshakes_per_second": "0",
    "limits.sessions_per_ip": "0",
    "limits.sessions_per_user": "0",
    "limits.room_messages_per_second": "0",
    "limits.mutes": "0",
    "limits.tickets": "0",
}


def main() -> None:
    program, options = sys.argv[1], sys.argv[2:]
    token = server.token(program, "prober", "notify admin join:* publish:*")
    schemathesis = pathlib.Path(sys.executable).with_name("schemathesis")
    config = ["--config-file", FOLDER / "schemathesis.toml"]
    with server.running(program, SETTINGS) as address:
        command = [schemathesis, *config, "run", f"http://{address}/openapi.json", *options]
        code = subprocess.call(command, env=os.environ | {"TOKEN": token, "PYTHONPATH": str(FOLDER)})
    raise SystemExit(code)


main()
