"""Runs the Autobahn test suite (its own cases, by kosoku) against a build with the feature `autobahn`.

Usage: autobahn.py PROGRAM. Fails unless every case but those about compression, which is not negotiated, is passed,
and none of them non-strictly. The last line is the count; the report is in target/autobahn.
"""

import asyncio
import collections
import sys

import server
from kosoku import FailureError, run_fuzzingclient
from kosoku._report import write_reports

CASES = 301
COMPRESSION = ["12.*", "13.*"]
REPORT = "target/autobahn"
# What the suite itself calls no more than information is no question of right and wrong.
PASSED = {"OK", "INFORMATIONAL"}
# Nobody says who is there, and is not asked.
SETTINGS = {"auth.first_message_timeout": "1h"}


async def run(address: str) -> list:
    try:
        return await run_fuzzingclient(f"ws://{address}/v1/echo", None, COMPRESSION)
    except FailureError as failure:
        return failure.results


def is_passed(result) -> bool:
    return result.behavior.value in PASSED and result.behavior_close.value in PASSED


def main() -> None:
    with server.running(sys.argv[1], SETTINGS) as address:
        results = asyncio.run(run(address))
    write_reports(results, REPORT)
    for result in results:
        if not is_passed(result):
            verdicts = f"{result.behavior.value}, closing {result.behavior_close.value}"
            print(f"{result.case_id}: {verdicts}: {result.result} {result.result_close}")
    verdicts = collections.Counter(result.behavior.value for result in results)
    counts = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
    passed = sum(map(is_passed, results))
    print(f"{passed} of {CASES} cases passed ({counts}) in {sum(r.duration for r in results) // 1000} s")
    raise SystemExit(0 if passed == len(results) == CASES else 1)


main()
