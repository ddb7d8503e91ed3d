"""Documents made by hand, and terminals that remember what was written to them."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from repro.cli.terminal import ASCII, UNICODE, Terminal
from repro.document import Finding, Outcome, RunDocument


@pytest.fixture
def make_outcome() -> Callable[..., Outcome]:
    """Makes a passing outcome with whatever is given changed; one that failed, with ``refused_at``."""

    def make(name: str = "tcp.psycopg", *, refused_at: str | None = None, **changes: Any) -> Outcome:
        outcome: dict[str, Any] = {
            "name": name,
            "driver": {"name": "psycopg", "version": "3.2.9"},
            "transport": "tcp",
            "predicted": [],
            "status": "pass",
            "reason": None,
            "duration_ms": 43.2,
            "stages": [_stage(name) for name in ("resolve", "connect", "begin", "insert", "commit")],
            "error": None,
            "atomicity": {"status": "held", "backends": [1], "xids": ["7"], "detail": {}},
            "applied": "yes",
            "events": None,
        }
        if refused_at is not None:
            outcome |= _refused(refused_at)
        return outcome | changes  # type: ignore[return-value]

    return make


def _stage(name: str, status: str = "pass") -> dict[str, Any]:
    return {"name": name, "status": status, "t0": 0.001, "t": 0.002, "failure": None, "detail": {}}


def _refused(address: str) -> dict[str, Any]:
    error = {
        "failure": "connection_refused",
        "operation": "connect",
        "type": "OSError",
        "message": "refused",
        "sqlstate": None,
        "errno": "ECONNREFUSED",
        "address": address,
        "chain": [{"type": "OSError", "message": "refused", "code": "ECONNREFUSED"}],
    }
    return {"status": "fail", "error": error, "applied": "no", "stages": [_stage("connect", "fail")]}


@pytest.fixture
def make_finding() -> Callable[..., Finding]:
    """Makes an undiagnosed finding of some probes."""

    def make(*probes: str) -> Finding:
        return _finding(list(probes))

    return make


def _finding(probes: list[str]) -> Finding:
    return {
        "cause": None,
        "layer": "tcp",
        "operation": "connect",
        "failure": "connection_refused",
        "title": "connect: connection refused",
        "probes": probes,
        "proof": "untested",
        "summary": "",
        "evidence": [],
        "experiment": None,
        "ruled_out": [],
        "fix": [],
        "links": [],
    }


@pytest.fixture
def make_run() -> Callable[..., RunDocument]:
    """Makes the document of a run from its outcomes."""

    def make(*outcomes: Outcome, verdict: str = "pass", findings: list[Finding] | None = None) -> RunDocument:
        return {
            "schema": "txrepro/run/1",
            "run_id": "20260131-235959-3f9a2c",
            "started_at": "2026-01-31T23:59:59.000Z",
            "duration_s": 2.13,
            "tool": {"name": "txrepro", "version": "0.1.0"},
            "verdict": verdict,  # type: ignore[typeddict-item]
            "environment": {},
            "target": {},
            "transaction": {"statements": ["BEGIN"], "effect": "commit"},
            "probes": list(outcomes),
            "findings": findings or [],
        }

    return make


@pytest.fixture
def make_terminal() -> Callable[..., Terminal]:
    """Makes a terminal whose stream is a `io.StringIO`."""

    def make(*, attended: bool = False, colours: bool = False, unicode: bool = True) -> Terminal:
        return Terminal(
            stream=io.StringIO(),
            attended=attended,
            moves=attended,
            colours=colours,
            symbols=UNICODE if unicode else ASCII,
        )

    return make
