"""A run of several probes: whatever happens to the lab or the time, there is an honest end."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.lab.errors import LabError
from repro.lab.process import Lab
from repro.observe.catalog import CATALOG, matching
from repro.observe.plan import Plan
from repro.observe.progress import Silent
from repro.observe.run import observe


def test_outcomes_come_in_the_order_of_the_plan(lab: Lab) -> None:
    entries = matching(["tcp.raw", "push.redis-tcp", "tcp.asyncpg"])

    seen = observe(Plan("run-1", "env", variables=lab.environment, entries=entries), Silent())

    assert [(outcome["name"], outcome["status"]) for outcome in seen.outcomes] == [
        ("tcp.raw", "pass"),
        ("tcp.asyncpg", "pass"),
        ("push.redis-tcp", "pass"),
    ]
    assert set(seen.events) == {"tcp.raw", "tcp.asyncpg", "push.redis-tcp"}


def test_what_is_not_configured_is_skipped_with_its_reason() -> None:
    seen = observe(Plan("run-1", "env", entries=CATALOG), Silent())

    assert {outcome["status"] for outcome in seen.outcomes} == {"skip"}
    assert {outcome["reason"] for outcome in seen.outcomes} == {
        "DATABASE_URL and POSTGRES_URL are not set",
        "UPSTASH_REDIS_URL is not set",
        "UPSTASH_REDIS_REST_URL is not set",
    }


def test_a_lab_that_does_not_start_is_one_error(tmp_path: Path) -> None:
    broken = tmp_path / "postgres"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)

    with pytest.raises(LabError):
        observe(Plan("run-1", "lab", entries=CATALOG[:2], postgres_bindir=tmp_path), Silent())


def test_probes_past_the_deadline_are_not_called_tested(lab: Lab) -> None:
    plan = Plan("run-1", "env", variables=lab.environment, entries=CATALOG[:1], deadline_s=0.01)

    seen = observe(plan, Silent())

    assert [outcome["status"] for outcome in seen.outcomes] == ["skip"]
    assert seen.cut_short
