"""From what a probe saw to its outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from repro.probe import chain, network
from repro.probe.failures import classify
from repro.probe.operation import operation_of
from repro.probe.recorder import Recorder, StageRecord
from repro.stages import STAGES

DECLINED = frozenset({"auth_failed", "redis_error", "config_invalid", "unsupported"})
"""Failures that say themselves that nothing was applied: the server, or the driver, declined."""

IN_DOUBT = ("08", "40003", "57P0")
"""SQLSTATEs after which a COMMIT may have been applied: a lost connection, a server that went down."""

PROXY_REFUSED = frozenset({"httpx.ProxyError", "websockets.exceptions.InvalidProxyStatus"})


class CheckFailed(Exception):  # noqa: N818 - what failed is the thing probed, not this program
    """The driver raised nothing, and yet the effect is wrong.

    Args:
        failure: the failure class, such as ``not_atomic``.
        message: what was expected and what was found.
    """

    def __init__(self, failure: str, message: str) -> None:
        super().__init__(message)
        self.failure = failure


def error_record(
    error: BaseException, recorder: Recorder, expected: Sequence[str], *, batch: bool
) -> dict[str, Any]:
    """The ``error`` of an outcome: what failed, at which operation, and the whole chain.

    Args:
        error: what was raised.
        recorder: what was seen up to then.
        expected: the probe's stages, in order of time.
        batch: see `repro.probe.operation.operation_of`.
    """
    found = classify(error)
    failure = error.failure if isinstance(error, CheckFailed) else found.failure
    links = chain.links(error, recorder.clean)
    operation = operation_of(
        failure,
        found.sqlstate,
        running=recorder.running(),
        stages=recorder.stages,
        expected=expected,
        events=recorder.events,
        batch=batch,
    )
    if any(link["type"] in PROXY_REFUSED for link in links):
        operation = "connect"
    return {
        "failure": recorder.clean(failure),
        "operation": operation,
        "type": links[0]["type"],
        "message": links[0]["message"],
        "sqlstate": found.sqlstate,
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
    place = len(expected) if error is None else expected.index(error["operation"])
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
    return "no" if _declined(error) else "unknown"


def _declined(error: Mapping[str, Any]) -> bool:
    """Whether the answer to the writing itself says that nothing was applied."""
    if error["failure"] == "sql_error":
        return not str(error["sqlstate"] or "08").startswith(IN_DOUBT)
    codes = {str(link["code"]) for link in error["chain"]}
    refused = any(code.startswith(("HTTP 3", "HTTP 4")) for code in codes)
    return error["failure"] in DECLINED or (error["failure"] == "http_status" and refused)
