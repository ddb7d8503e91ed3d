"""Names and their addresses."""

from __future__ import annotations

from repro.diagnose.cause import Cause
from repro.diagnose.view import during, failed

CAUSES: tuple[Cause, ...] = (
    Cause(
        id="dns-nxdomain",
        layer="dns",
        title="The host does not exist",
        summary="The name was looked up, and the answer was that there is none. No address was dialled.",
        suspects=lambda view: view.where(failed("dns_nxdomain"), during("resolve")),
        ops=("dns",),
        apart={"sl-derived-endpoint": "the name that was looked up is the one in the setting"},
        fix=(
            "Correct the host; inside Docker take the service's name, outside it localhost with the published port.",
        ),
    ),
)
