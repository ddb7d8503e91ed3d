"""Faults of names, and their look-alikes."""

from __future__ import annotations

from typing import Any

import pytest

from repro.diagnose import engine
from repro.diagnose.causes import dns
from repro.diagnose.view import View
from repro.document import Outcome
from tests.diagnose.test_engine import connect, outcome

V6, V4 = "2001:db8::1", "192.0.2.1"


def lookup(error: str | None = None, *answers: str, took_s: float = 0.01) -> dict[str, Any]:
    return {
        "seq": 1, "op": "dns", "peer": None, "dns.name": "db.test", "dns.error": error,
        "dns.answers": list(answers), "failure": "x" if error else None, "t0": 1.0, "t": 1.0 + took_s,
    }  # fmt: skip


def unresolved(failure: str, message: str = "", operation: str = "resolve") -> Outcome:
    return outcome("tcp.raw", failure=failure, operation=operation, message=message)


def nowhere(address: str, errno: str = "ENETUNREACH") -> dict[str, Any]:
    return {**connect(5432, errno, address), "failure": "host_unreachable"}


def test_a_name_that_another_lookup_found_exists() -> None:
    node = outcome("node.pg", failure="dns_nxdomain", operation="resolve")
    untold = lookup("ENOTFOUND")
    for other, cause in ((lookup(None, V4), None), (lookup("EAI_NODATA"), "dns-nodata-v6only")):
        view = View([outcome("tcp.raw"), node], {"tcp.raw": [other], "node.pg": [untold]})
        (finding,) = engine.findings(view)
        assert finding["cause"] == cause


QUESTION = {"seq": 1, "op": "dns.query", "dns.name": "db.test", "failure": None}
TIMED_OUT = unresolved("timeout", operation="connect")
UNREACHABLE = unresolved("host_unreachable", operation="connect")
NO_ADDRESS = "failed to resolve host: [Errno -5] No address associated with hostname"


@pytest.mark.parametrize(
    ("failing", "events", "cause"),
    [
        (unresolved("dns_nxdomain"), [lookup("EAI_NONAME")], "dns-nxdomain"),
        (unresolved("dns_nxdomain"), [lookup("EAI_NODATA")], "dns-nodata-v6only"),
        (unresolved("dns_nxdomain", NO_ADDRESS), [], "dns-nodata-v6only"),
        (unresolved("dns_nxdomain"), [lookup("EAI_AGAIN")], None),
        (unresolved("dns_failure"), [lookup("EAI_AGAIN")], "dns-servfail"),
        (unresolved("dns_failure"), [lookup("EAI_AGAIN", took_s=10)], "dns-timeout"),
        (TIMED_OUT, [lookup("EAI_AGAIN", took_s=10)], "dns-timeout"),
        (TIMED_OUT, [QUESTION, QUESTION], "dns-timeout"),
        (TIMED_OUT, [QUESTION, lookup(None, V4)], None),
        (TIMED_OUT, [lookup(None, V4), connect(5432, "ETIMEDOUT")], None),
        (TIMED_OUT, [], None),
        (UNREACHABLE, [lookup(None, V6), nowhere(V6)], "dns-nodata-v6only"),
        (UNREACHABLE, [lookup(None, V6, V4), nowhere(V6), nowhere(V4)], None),
        (UNREACHABLE, [lookup(None, V6), nowhere(V6, "EHOSTUNREACH")], None),
        (UNREACHABLE, [lookup(None, V4), nowhere(V4)], None),
        (UNREACHABLE, [], None),
    ],
)  # fmt: skip
def test_names_by_their_evidence(failing: Outcome, events: Any, cause: str | None) -> None:
    found = engine.findings(
        View([failing], {"tcp.raw": events}, {"DATABASE_URL": "postgresql://u@db.test/d"})
    )
    known = {each.id for each in dns.CAUSES}
    assert {each["cause"] for each in found} & known == ({cause} if cause else set())
