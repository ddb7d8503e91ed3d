"""What an experiment proves: confirmed is never said too early."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from repro.diagnose import engine
from repro.diagnose.cause import Change
from repro.diagnose.controls import repeated
from repro.diagnose.proof import RUNS, proved
from repro.diagnose.undiagnosed import identity
from repro.diagnose.view import View
from repro.document import Outcome
from tests.diagnose.test_engine import outcome

FAILED = outcome("node.drizzle-vercel-sql", failure="not_atomic", operation="atomicity", protocol="wss")
FAILED_OTHERWISE = outcome("node.drizzle-vercel-sql", failure="timeout", operation="connect", protocol="wss")
PASSED = outcome("node.drizzle-vercel-pool", protocol="wss")
STILL_FAILED = outcome(
    "node.drizzle-vercel-pool", failure="not_atomic", operation="atomicity", protocol="wss"
)
SKIPPED: Any = {**PASSED, "status": "skip"}


def tried(before: Sequence[Outcome | None], after: Sequence[Outcome | None]) -> Any:
    view = View([FAILED], {}, {})
    (finding,) = engine.findings(view)
    left = {"node.drizzle-vercel-sql": list(before), "node.drizzle-vercel-pool": list(after)}

    def repeat(probe: str, _change: Change | None) -> Outcome | None:
        return left[probe].pop(0)

    return proved(finding, view, repeat)


@pytest.mark.parametrize(
    ("before", "after", "proof"),
    [
        ([FAILED] * 3, [PASSED] * 3, "confirmed"),
        ([FAILED] * 3, [STILL_FAILED] * 3, "refuted"),
        ([FAILED, FAILED, PASSED], [PASSED] * 3, "untested"),
        ([FAILED] * 3, [PASSED, STILL_FAILED, PASSED], "untested"),
        ([FAILED, FAILED, FAILED_OTHERWISE], [PASSED] * 3, "untested"),
    ],
)
def test_the_verdict(before: list[Outcome], after: list[Outcome], proof: str) -> None:
    finding = tried(before, after)
    assert finding["proof"] == proof
    failed = sum(each["status"] == "fail" for each in before)
    assert finding["experiment"]["baseline"] == {"runs": RUNS, "failed": failed}
    assert finding["experiment"]["command"].startswith("repro run --node --only")


def test_another_refusal_of_the_server_is_another_failure() -> None:
    def refused(sqlstate: str) -> Outcome:
        return outcome(
            "node.drizzle-vercel-pool", failure="not_atomic", operation="atomicity", sqlstate=sqlstate
        )

    def refused_sql(sqlstate: str) -> Outcome:
        return outcome("tcp.raw", failure="sql_error", operation="insert", sqlstate=sqlstate)

    assert identity(refused("23505")) == identity(refused("40001"))
    assert identity(refused_sql("23505")) != identity(refused_sql("40001"))


@pytest.mark.parametrize("nothing", [None, SKIPPED])
def test_what_could_not_be_run_proves_nothing(nothing: Any) -> None:
    finding = tried([FAILED] * 3, [nothing] * 3)
    assert (finding["proof"], finding["experiment"]) == ("untested", None)


def test_a_cause_without_a_safe_change_stays_untested() -> None:
    failing = outcome("tcp.raw", failure="sql_error", operation="insert", sqlstate="40001")
    view = View([failing], {}, {})
    (finding,) = engine.findings(view)
    assert finding["cause"] == "tx-serialization"
    assert proved(finding, view, lambda *_: pytest.fail("it was run")) == finding


@pytest.mark.parametrize(
    ("probe", "command"),
    [
        ("tcp.psycopg", "repro run --target lab --only tcp.psycopg"),
        ("node.pg", "repro run --node --target lab --only node.pg"),
    ],
)
def test_a_command_on_a_node_probe_says_so(probe: str, command: str) -> None:
    assert repeated(probe, "--target lab") == command
