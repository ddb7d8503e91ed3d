"""A small run: one probe passed, one refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from repro.document import Finding, Outcome, RunDocument, assemble


@pytest.fixture
def passed() -> Outcome:
    return {
        "name": "tcp.psycopg",
        "driver": {"name": "psycopg", "version": "3.3.2"},
        "transport": "tcp",
        "predicted": [
            {
                "url": "postgresql://localhost:5433",
                "host": "localhost",
                "port": 5433,
                "protocol": "postgresql",
            }
        ],
        "status": "pass",
        "reason": None,
        "duration_ms": 12.5,
        "stages": [
            {"name": "connect", "status": "pass", "t0": 0.1, "t": 0.2, "failure": None, "detail": {}},
            {
                "name": "atomicity",
                "status": "not_applicable",
                "t0": 0.2,
                "t": 0.2,
                "failure": None,
                "detail": {},
            },
        ],
        "error": None,
        "atomicity": {"status": "held", "backends": [1234], "xids": ["754"], "detail": {"rows_left": 0}},
        "applied": "yes",
        "events": "trace/tcp.psycopg.jsonl",
        "versions": {"libpq loaded": "18.0"},
        "notes": ["a note"],
    }


@pytest.fixture
def refused(passed: Outcome) -> Outcome:
    return {
        **passed,
        "name": "ws.neon",
        "status": "fail",
        "stages": [
            {
                "name": "connect",
                "status": "fail",
                "t0": 0.1,
                "t": 0.2,
                "failure": "connection_refused",
                "detail": {},
            }
        ],
        "error": {
            "failure": "connection_refused",
            "operation": "connect",
            "type": "OSError",
            "message": "refused",
            "sqlstate": None,
            "errno": "ECONNREFUSED",
            "address": "127.0.0.1:443",
            "chain": [{"type": "OSError", "message": "refused", "code": "ECONNREFUSED"}],
        },
        "applied": "no",
        "events": "trace/ws.neon.jsonl",
    }


@pytest.fixture
def finding() -> Finding:
    return {
        "cause": "sl-localhost-443",
        "layer": "serverless-http",
        "operation": "connect",
        "failure": "connection_refused",
        "title": "a title",
        "probes": ["ws.neon"],
        "proof": "confirmed",
        "summary": "a summary",
        "evidence": [{"probe": "ws.neon", "seq": 1, "text": "connect refused"}],
        "experiment": {
            "change": "the port of the URL",
            "baseline": {"runs": 3, "failed": 3},
            "changed": {"runs": 3, "failed": 0},
            "command": "repro probe ws.neon",
        },
        "ruled_out": [{"cause": "tcp-refused", "because": "the database answers"}],
        "fix": ["set NEON_WS_PROXY"],
        "links": [],
    }


@pytest.fixture
def document(passed: Outcome, refused: Outcome, finding: Finding) -> RunDocument:
    return assemble(
        run_id="20260131-235959-3f9a2c",
        started_at=datetime(2026, 1, 31, 23, 59, 59, 500_000, tzinfo=UTC),
        duration_s=2.12345,
        tool_version="0.1.0",
        environment={"python": {"version": "3.13.1"}},
        target={"kind": "lab"},
        statements=["BEGIN", "COMMIT"],
        effect="commit",
        outcomes=[passed, refused],
        findings=[finding],
    )


@pytest.fixture
def line() -> dict[str, Any]:
    return {
        "seq": 1,
        "t0": 0.1,
        "t": 0.2,
        "src": "hook",
        "op": "connect",
        "conn": 1,
        "pid": 4711,
        "peer": {"address": "127.0.0.1", "port": 443},
        "failure": "connection_refused",
        "errno": "ECONNREFUSED",
        "via": "asyncio",
        "dns.answers": ["127.0.0.1"],
    }
