"""From what a probe saw to its outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from repro.probe import chain, network
from repro.probe.failures import failure_of
from repro.probe.recorder import Recorder, StageRecord
from repro.stages import STAGES

REFUSED_BY_THE_SERVER = frozenset(
    {"sql_error", "auth_failed", "redis_error", "config_invalid", "unsupported"}
)
"""Failures that say themselves that nothing was applied: the server, or the driver, declined."""

SERIALIZATION_CLASS = "40"
"""SQLSTATE class 40, transaction rollback: of our statements' errors the only ones that wait for COMMIT."""


class CheckFailed(Exception):  # noqa: N818 - what failed is the thing probed, not this program
    """The driver raised nothing, and yet the effect is wrong.

    Args:
        failure: the failure class, such as ``not_atomic``.
        message: what was expected and what was found.
    """

    def __init__(self, failure: str, message: str) -> None:
        super().__init__(message)
        self.failure = failure


def error_record(error: BaseException, recorder: Recorder, transport: str) -> dict[str, Any]:
    """The ``error`` of an outcome: what failed, at which operation, and the whole chain."""
    failure = error.failure if isinstance(error, CheckFailed) else failure_of(error)
    links = chain.links(error, recorder.clean)
    sqlstate = next((state for state in map(chain.sqlstate_of, chain.walk(error)) if state), None)
    operation = network.operation_of(failure, recorder.running(), recorder.events, transport)
    if transport == "http" and sqlstate is not None and failure == "sql_error":
        operation = "commit" if sqlstate.startswith(SERIALIZATION_CLASS) else "insert"
    return {
        "failure": failure,
        "operation": operation,
        "type": links[0]["type"],
        "message": links[0]["message"],
        "sqlstate": sqlstate,
        "errno": _errno(error, recorder, operation),
        "address": network.last_address(recorder.events),
        "chain": links,
    }


def _errno(error: BaseException, recorder: Recorder, operation: str) -> str | None:
    deepest_first = reversed(list(chain.walk(error)))
    named = next((chain.code_of(link) for link in deepest_first if chain.os_error_with_errno(link)), None)
    if named is None and operation == "connect":
        return network.last_errno(recorder.events)
    return named


def ended(
    stages: Mapping[str, StageRecord], expected: Sequence[str], error: Mapping[str, Any] | None, now: float
) -> list[StageRecord]:
    """Every expected stage with an end: the failing one ``fail``, what would have come after it ``skip``.

    Args:
        stages: what is known of each stage.
        expected: the probe's stages, in order of time.
        error: the error record, or None when all is well.
        now: seconds since the run's start; the end of a stage that was under way.
    """
    failing = None if error is None else error["operation"]
    place = expected.index(failing) if failing in expected else len(expected)
    found: dict[str, StageRecord] = {}
    for index, name in enumerate(expected):
        stage = stages.get(name) or _stage(name, "not_applicable", now)
        if name == "cleanup" and name in stages:
            found[name] = stage
        elif index == place:
            failure = None if error is None else error["failure"]
            t = stage["t"] if stage["status"] == "fail" else now
            found[name] = {**stage, "status": "fail", "t": t, "failure": failure}
        elif index > place:
            found[name] = _stage(name, "skip", now)
        else:
            found[name] = {**stage, "status": "pass"} if stage["status"] == "running" else stage
    return [found[name] for name in STAGES if name in found]


def _stage(name: str, status: str, now: float) -> StageRecord:
    return {"name": name, "status": status, "t0": now, "t": now, "failure": None, "detail": {}}


def applied(stages: Mapping[str, StageRecord], error: Mapping[str, Any] | None, writing: str) -> str:
    """Whether the effect is there: ``yes``, ``no``, or ``unknown`` when the answer was lost.

    Args:
        stages: what is known of each stage, before `ended`.
        error: the error record, or None.
        writing: the stage that applies the effect: ``commit`` or ``push``.
    """
    wrote = writing in stages and stages[writing]["status"] == "pass"
    if error is None or error["operation"] != writing:
        return "yes" if wrote else "no"
    return "no" if error["failure"] in REFUSED_BY_THE_SERVER else "unknown"
