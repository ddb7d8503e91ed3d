"""Benches made by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from repro.bench import document
from repro.bench.budget import Budget
from repro.bench.document import BenchDocument
from repro.bench.lineup import Member
from repro.bench.measure import Design, Ended, Measured, Timed
from repro.document import Outcome
from repro.observe.catalog import CATALOG
from repro.observe.collect import Collected
from repro.probe.request import Request

ENTRIES = {entry.name: entry for entry in CATALOG}
PASSED = {
    "driver": {"name": "a driver", "version": "1.0"},
    "transport": "tcp",
    "status": "pass",
    "reason": None,
}

MakeTimed = Callable[..., Timed]
MakeDocument = Callable[..., BenchDocument]


@pytest.fixture
def make_timed() -> MakeTimed:
    """Makes what was seen of a probe: its seconds by round, and what its outcome has otherwise."""

    def make(
        name: str,
        times: Sequence[float] = (),
        *,
        connects: Sequence[float] = (),
        control: bool = False,
        failed_at: Any = None,
        **outcome: Any,
    ) -> Timed:
        entry = ENTRIES[name]
        whole = cast("Outcome", {**Collected(entry).skipped(""), **PASSED, **outcome})
        return Timed(
            Member(entry, control), whole, dict(enumerate(connects)), dict(enumerate(times)), failed_at
        )

    return make


@pytest.fixture
def make_document() -> MakeDocument:
    """Makes the document of a bench, held against its schema."""

    def make(
        *timed: Timed,
        budgets: Sequence[Budget] = (),
        commit: bool = True,
        ended: Ended = "whole",
        target: Mapping[str, Any] | None = None,
    ) -> BenchDocument:
        rounds = max((len(each.transactions) for each in timed), default=0)
        design = Design(
            members=[each.member for each in timed],
            request=Request("20260131-235959-3f9a2c", {}, commit=commit),
            began=0.0,
            deadline_s=120.0,
            transactions=max(rounds, 1),
            connects=10,
            warm_up=10,
            seed=7,
        )
        made = document.assemble(
            design,
            Measured(list(timed), ended, 10, rounds, 12.5),
            budgets,
            started_at=datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC),
            tool_version="0.1.0",
            environment={"python": {"version": "3.13.1"}},
            target=target or {"kind": "lab"},
        )
        document.validate(made)
        return made

    return make
