"""What schemathesis must leave alone, so that it comes to an end and stays let in."""

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs) -> None:
    """Who may wait does not, and the prober's own token is not revoked."""
    wait = str(case.query.get("wait", "")) if case.query else ""
    if wait.isascii() and wait.isdigit():
        case.query["wait"] = 0
    if case.headers and str(case.headers.get("Prefer", "")).startswith("wait="):
        case.headers["Prefer"] = "wait=0"
    if case.operation.path == "/v1/admin/revocations" and isinstance(case.body, dict):
        if case.body.get("user") == "prober":
            case.body["user"] = "somebody"
