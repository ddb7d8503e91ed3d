"""The way to the server."""

from __future__ import annotations

from repro.diagnose.cause import Cause
from repro.diagnose.view import View, failed_with
from repro.document import Outcome


def _nobody_listens(view: View) -> list[Outcome]:
    """Refused at the port that the setting names, on every address, and nobody else got through to it."""
    reached = {
        line["peer"]["port"]
        for outcome in view.passing()
        for line in view.lines(outcome, "connect")
        if line["peer"] and not line.get("failure")
    }
    return [
        outcome
        for outcome in view.failing()
        if failed_with(outcome, "connection_refused", "connect")
        and outcome["predicted"]
        and not any(endpoint["port"] in reached for endpoint in outcome["predicted"])
        and view.lines(outcome, "connect")
        and all(line.get("errno") == "ECONNREFUSED" for line in view.lines(outcome, "connect"))
    ]


CAUSES: tuple[Cause, ...] = (
    Cause(
        id="tcp-refused",
        layer="tcp",
        title="Nothing listens at the address of the setting",
        summary="Every address of the host refused the connection at once, at the port that the setting names, and no other "
        "probe reached it.",
        suspects=_nobody_listens,
        apart={"sl-localhost-443": "the refused port is the one of the setting, not a derived one"},
        fix=("Start the server, or correct host and port.",),
    ),
)
