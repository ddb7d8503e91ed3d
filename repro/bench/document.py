"""The document of a bench (``txrepro/bench/1``): every time that was measured, and what it says."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, Literal, TypedDict

from repro.bench import budget
from repro.bench.budget import Budget
from repro.bench.lineup import Work
from repro.bench.measure import Design, Ended, Measured, Timed
from repro.bench.statistics import CONFIDENCE, Ratio, interval_of_median, ratio, tail
from repro.document import DriverRecord, Effect, Outcome, ProbeStatus, ToolRecord
from repro.document.schema import validate_bench

BENCH_SCHEMA = "txrepro/bench/1"
MOST_OF_A_MESSAGE = 2_000

_FIGURES = 4
"""Of a time in milliseconds, after the point: a tenth of a microsecond."""


class Times(TypedDict):
    """The times of one kind, in milliseconds; the samples are in the order of the rounds."""

    count: int
    median_ms: float
    interval_ms: list[float] | None
    p95_ms: float | None
    samples_ms: list[float]


class RatioRecord(TypedDict):
    """A ratio to the baseline of the same work."""

    value: float
    interval: list[float] | None
    rounds: int


class Failed(TypedDict):
    """How a probe failed: while it did what, the failure class, and what the driver said."""

    during: Literal["first", "connect", "transact", "cleanup"]
    operation: str | None
    failure: str
    message: str


class ProbeRecord(TypedDict):
    """One probe."""

    name: str
    work: Work
    driver: DriverRecord
    transport: str | None
    baseline: bool
    status: ProbeStatus
    reason: str | None
    error: Failed | None
    notes: list[str]
    connect: Times | None
    effect: Times | None
    ratio: RatioRecord | None
    place: int | None


class Control(TypedDict):
    """The baseline against itself."""

    name: str
    work: Work
    ratio: RatioRecord | None


class Alike(TypedDict):
    """Two probes that cannot be told apart."""

    probes: list[str]
    ratio: RatioRecord


class BudgetRecord(TypedDict):
    """One budget, for one probe."""

    probe: str
    limit: float
    unit: budget.Unit
    found: float | None
    interval: list[float] | None
    verdict: budget.Verdict


class Rounds(TypedDict):
    """How many rounds were asked for, and how many were whole."""

    asked: int
    done: int


class Method(TypedDict):
    """How it was measured."""

    seed: int
    transactions: Rounds
    connects: Rounds
    warm_up: int
    confidence: float
    ended: Ended


class BenchDocument(TypedDict):
    """All of it."""

    schema: str
    run_id: str
    started_at: str
    duration_s: float
    tool: ToolRecord
    environment: dict[str, Any]
    target: dict[str, Any]
    effect: Effect
    method: Method
    probes: list[ProbeRecord]
    controls: list[Control]
    alike: list[Alike]
    budgets: list[BudgetRecord]


def assemble(
    design: Design,
    measured: Measured,
    budgets: Sequence[Budget],
    *,
    started_at: datetime,
    tool_version: str,
    environment: Mapping[str, Any],
    target: Mapping[str, Any],
) -> BenchDocument:
    """Put together what was measured and what it says.

    Args:
        design: what was asked for.
        measured: what was seen.
        budgets: what the drivers may take.
        started_at: the wall clock at the start, in UTC.
        tool_version: this program's.
        environment: the machine's facts, as in a run document.
        target: what was measured on, as in a run document.
    """
    judged = _Judged(measured.timed)
    probes = [judged.record(each) for each in measured.timed if not each.member.control]
    return {
        "schema": BENCH_SCHEMA,
        "run_id": design.request.run_id,
        "started_at": started_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "duration_s": round(measured.seconds, 3),
        "tool": {"name": "txrepro", "version": tool_version},
        "environment": dict(environment),
        "target": dict(target),
        "effect": "commit" if design.request.commit else "rollback",
        "method": {
            "seed": design.seed,
            "transactions": {"asked": design.transactions, "done": measured.transactions},
            "connects": {"asked": design.connects, "done": measured.connects},
            "warm_up": design.warm_up,
            "confidence": CONFIDENCE,
            "ended": measured.ended,
        },
        "probes": probes,
        "controls": [judged.control(each) for each in measured.timed if each.member.control],
        "alike": judged.alike(),
        "budgets": _budgets(probes, budgets),
    }


def validate(document: BenchDocument) -> None:
    """Hold a document against its published schema.

    Raises:
        InvalidDocument: it is of another shape; a bug.
    """
    validate_bench(document)


class _Judged:
    """What the times of all say of each.

    Args:
        timed: what was seen of each member.
    """

    def __init__(self, timed: Sequence[Timed]) -> None:
        self._timed = timed
        self._baselines = {each.member.work: each for each in timed if each.member.is_baseline}
        self._controls = {each.member.work: self._ratio(each) for each in timed if each.member.control}

    def record(self, timed: Timed) -> ProbeRecord:
        member, outcome = timed.member, timed.outcome
        return {
            "name": member.entry.name,
            "work": member.work,
            "driver": outcome["driver"],
            "transport": outcome["transport"],
            "baseline": member.is_baseline,
            "status": outcome["status"],
            "reason": outcome["reason"],
            "error": _failed(timed),
            "notes": [note for note in outcome.get("notes", []) if note.startswith("left behind")],
            "connect": _times(timed.connects),
            "effect": _times(timed.transactions),
            "ratio": _record(self._ratio(timed)),
            "place": self._place(timed),
        }

    def control(self, timed: Timed) -> Control:
        return {
            "name": timed.member.entry.name,
            "work": timed.member.work,
            "ratio": _record(self._controls[timed.member.work]),
        }

    def alike(self) -> list[Alike]:
        """The pairs of one work that cannot be told apart, the faster first."""
        found: list[Alike] = []
        rivals = sorted(self._rivals(), key=lambda each: statistics.median(each.transactions.values()))
        for place, one in enumerate(rivals):
            for other in rivals[place + 1 :]:
                between = self._between(other, one)
                if between is not None and not self._is_real(between, one.member.work):
                    record = _record(between)
                    assert record is not None  # noqa: S101 - it is the record of a ratio
                    found.append(
                        {"probes": [one.member.entry.name, other.member.entry.name], "ratio": record}
                    )
        return found

    def _rivals(self) -> list[Timed]:
        return [each for each in self._timed if each.transactions and not each.member.control]

    def _place(self, timed: Timed) -> int | None:
        """One more than there are that are surely faster; those that cannot be told apart share a place."""
        if not timed.transactions:
            return None
        ratios = (self._between(timed, rival) for rival in self._rivals() if rival is not timed)
        return 1 + sum(
            each is not None and each.value > 1 and self._is_real(each, timed.member.work) for each in ratios
        )

    def _ratio(self, timed: Timed) -> Ratio | None:
        baseline = self._baselines.get(timed.member.work)
        return None if baseline is None else ratio(timed.transactions, baseline.transactions)

    def _is_real(self, found: Ratio, work: Work) -> bool:
        """Whether a difference is sure, and more than the baseline differs from itself."""
        return found.exceeds(self._controls.get(work))

    @staticmethod
    def _between(one: Timed, other: Timed) -> Ratio | None:
        if one.member.work != other.member.work:
            return None
        return ratio(one.transactions, other.transactions)


def _times(seconds: Mapping[int, float]) -> Times | None:
    samples = [each * 1000 for _, each in sorted(seconds.items())]
    if not samples:
        return None
    interval, slow = interval_of_median(samples), tail(samples)
    return {
        "count": len(samples),
        "median_ms": round(statistics.median(samples), _FIGURES),
        "interval_ms": None if interval is None else [round(each, _FIGURES) for each in interval],
        "p95_ms": None if slow is None else round(slow, _FIGURES),
        "samples_ms": [round(each, _FIGURES) for each in samples],
    }


def _record(found: Ratio | None) -> RatioRecord | None:
    if found is None:
        return None
    return {
        "value": round(found.value, _FIGURES),
        "interval": None if found.interval is None else [round(each, _FIGURES) for each in found.interval],
        "rounds": found.rounds,
    }


def _failed(timed: Timed) -> Failed | None:
    """How it failed; the operation only where the probe itself said it, and not who ended it."""
    error = timed.outcome["error"]
    if error is None:
        return None
    deepest = error["chain"][-1]["message"] if error["chain"] else error["message"]
    return {
        "during": timed.failed_at or "cleanup",
        "operation": error["operation"] if timed.outcome["status"] == "fail" else None,
        "failure": error["failure"],
        "message": deepest[:MOST_OF_A_MESSAGE],
    }


def _budgets(probes: Sequence[ProbeRecord], budgets: Sequence[Budget]) -> list[BudgetRecord]:
    return [
        _judged(probe, each)
        for each in budgets
        for probe in probes
        if fnmatchcase(probe["name"], each.pattern) and not (probe["baseline"] and each.unit == "ratio")
    ]


def _judged(probe: ProbeRecord, limit: Budget) -> BudgetRecord:
    found: float | None = None
    interval: list[float] | None = None
    if limit.unit == "ratio" and probe["ratio"] is not None:
        found, interval = probe["ratio"]["value"], probe["ratio"]["interval"]
    elif limit.unit == "ms" and probe["effect"] is not None:
        found, interval = probe["effect"]["median_ms"], probe["effect"]["interval_ms"]
    ends = None if interval is None else (interval[0], interval[1])
    return {
        "probe": probe["name"],
        "limit": limit.limit,
        "unit": limit.unit,
        "found": found,
        "interval": interval,
        "verdict": budget.judge(limit.limit, found, ends),
    }


def outcomes(measured: Measured) -> list[Outcome]:
    """What the probes came to, for whoever looks for names in them."""
    return [each.outcome for each in measured.timed]
