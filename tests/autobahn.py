"""Runs the Autobahn test suite (its cases, by kosoku) against the WebSocket stack of a build with the feature `autobahn`.

Usage: autobahn.py PROGRAM. Fails unless every case but those about compression, which is not negotiated, is passed
strictly. The last line is the count; the report is in target/autobahn.
"""

import asyncio
import collections
import json
import os
import subprocess
import sys
import tempfile

from kosoku import FailureError, run_fuzzingclient
from kosoku._report import write_reports

CASES = 301
COMPRESSION = ["12.*", "13.*"]
REPORT = "target/autobahn"
# What the suite itself calls not more than information is no question of right and wrong.
PASSED = {"OK", "INFORMATIONAL"}
SETTINGS = {
    "http.listen": "127.0.0.1:0",
    "auth.secret": "a secret for tests, of 32 bytes and more",
    # Nobody says who he is.
    "auth.first_message_timeout": "1h",
    "log.format": "json",
}


def start(program: str, folder: str) -> tuple[subprocess.Popen, str]:
    """Starts the server, and answers with it and with its address."""
    settings = [f"--set={key}={value}" for key, value in SETTINGS.items()]
    command = [os.path.abspath(program), "serve", *settings]
    server = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
    for line in server.stderr:
        record = json.loads(line)
        if record["message"] == "listening":
            return server, record["address"]
    raise SystemExit("the server does not listen")


async def run(address: str) -> list:
    try:
        return await run_fuzzingclient(f"ws://{address}/v1/echo", None, COMPRESSION)
    except FailureError as failure:
        return failure.results


def judge(results: list) -> bool:
    """Prints what was not passed, and the count; whether all was."""
    verdicts = collections.Counter()
    for result in results:
        behavior, close = result.behavior.value, result.behavior_close.value
        verdicts[behavior] += 1
        if behavior not in PASSED or close not in PASSED:
            print(f"{result.case_id}: {behavior}, closing {close}: {result.result} {result.result_close}")
    passed = [r for r in results if r.behavior.value in PASSED and r.behavior_close.value in PASSED]
    counts = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
    seconds = sum(result.duration for result in results) / 1000
    print(f"{len(passed)} of {CASES} cases passed ({counts}) in {seconds:.0f} s")
    return len(passed) == len(results) == CASES


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        server, address = start(sys.argv[1], folder)
        # The log is of no interest, but must not fill its pipe.
        drain = subprocess.Popen(["cat"], stdin=server.stderr, stdout=subprocess.DEVNULL)
        try:
            results = asyncio.run(run(address))
            is_alive = server.poll() is None
        finally:
            server.kill()
            server.wait()
            drain.wait()
    write_reports(results, REPORT)
    raise SystemExit(0 if judge(results) and is_alive else 1)


main()
