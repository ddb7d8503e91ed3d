"""Hand-made runs: a healthy one, the origin's situation, and one of everything that can end a probe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from repro.diagnose.undiagnosed import findings
from repro.document import (
    ChainLink,
    Endpoint,
    ErrorRecord,
    Outcome,
    RunDocument,
    Stage,
    StageName,
    assemble,
)

STATEMENTS = (
    "BEGIN",
    "INSERT INTO public.jobs (id, orchestration_id) SELECT $1::uuid, $2::uuid RETURNING id",
    "INSERT INTO public.outbox (job_id) SELECT id FROM public.jobs WHERE orchestration_id = $1::uuid",
    "COMMIT",
)
DATABASE: tuple[StageName, ...] = (
    "resolve", "connect", "tls", "authenticate", "begin", "insert", "commit", "read_back", "atomicity",
    "cleanup",
)  # fmt: skip
WEBSOCKET: tuple[StageName, ...] = (*DATABASE[:3], "upgrade", *DATABASE[3:])
QUEUE: tuple[StageName, ...] = ("resolve", "connect", "tls", "authenticate", "read_back", "push", "cleanup")
Lines = list[dict[str, Any]]


@dataclass
class Run:
    """A run as it goes into a report."""

    document: RunDocument
    events: dict[str, Lines]


def stages(
    names: Sequence[StageName], failing: StageName | None = None, failure: str | None = None
) -> list[Stage]:
    place = names.index(failing) if failing else len(names)
    found: list[Stage] = []
    for index, name in enumerate(names):
        status = "pass" if index < place else "fail" if index == place else "skip"
        found.append(
            {
                "name": name,
                "status": status,  # type: ignore[typeddict-item] # one of the three
                "t0": index / 1000,
                "t": (index + 1) / 1000,
                "failure": failure if status == "fail" else None,
                "detail": {},
            }
        )
    return found


def event(
    seq: int, op: str, *, failure: str | None = None, errno: str | None = None, **fields: Any
) -> dict[str, Any]:
    line = {
        "seq": seq, "t0": seq / 100, "t": seq / 100 + 0.0012, "src": "hook", "op": op, "conn": 1, "pid": 4711,
        "peer": None, "failure": failure, "errno": errno,
    }  # fmt: skip
    return {**line, **fields}


def dialogue(port: int, *, failure: str | None = None, errno: str | None = None) -> Lines:
    peer = {"address": "127.0.0.1", "port": port}
    return [
        event(1, "dns") | {"dns.name": "localhost", "dns.answers": ["127.0.0.1"]},
        event(2, "connect", failure=failure, errno=errno, peer=peer, via="anyio"),
    ]


def outcome(name: str, transport: str, driver: tuple[str, str], port: int, **found: Any) -> Outcome:
    names = QUEUE if name.startswith("push.") else WEBSOCKET if transport == "websocket" else DATABASE
    url = {"websocket": "wss://localhost/v2", "http": f"https://localhost:{port}/sql"}.get(
        transport, f"postgresql://localhost:{port}"
    )
    predicted: Endpoint = {"url": url, "host": "localhost", "port": port, "protocol": url.partition(":")[0]}
    nothing: dict[str, Any] = {
        "name": name,
        "driver": {"name": driver[0], "version": driver[1]},
        "transport": transport,
        "predicted": [predicted],
        "status": "pass",
        "reason": None,
        "duration_ms": 41.5,
        "stages": stages(names),
        "error": None,
        "atomicity": {"status": "held", "backends": [1234], "xids": ["754"], "detail": {}},
        "applied": "yes",
        "events": f"trace/{name}.jsonl",
        "versions": {"server": "17.10"} if names is not QUEUE else {},
        "notes": [],
    }
    return {**nothing, **found}  # type: ignore[typeddict-item] # every key is there


def refused(*chain: tuple[str, str, str | None]) -> ErrorRecord:
    links: list[ChainLink] = [
        {"type": kind, "message": message, "code": code} for kind, message, code in chain
    ]
    return {
        "failure": "connection_refused",
        "operation": "connect",
        "type": links[0]["type"],
        "message": links[0]["message"],
        "sqlstate": None,
        "errno": "ECONNREFUSED",
        "address": "127.0.0.1:443",
        "chain": links,
    }


def run_of(
    outcomes: Sequence[Outcome], events: Mapping[str, Lines], *, kind: str = "env", effect: Any = "rollback"
) -> Run:
    document = assemble(
        run_id="20260131-235959-3f9a2c",
        started_at=datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC),
        duration_s=2.125,
        tool_version="0.1.0",
        environment={
            "python": {"version": "3.13.1", "implementation": "CPython"},
            "platform": {"system": "Linux", "machine": "x86_64", "libc": "glibc 2.39"},
            "openssl": "OpenSSL 3.0.15 3 Sep 2024",
            "drivers": {"psycopg": "3.3.2", "websockets": "16.0"},
            "variables": ["PGSSLMODE"],
            "localhost": ["127.0.0.1"],
            "command": "repro run --deadline 60",
        },
        target={"kind": kind}
        if kind == "lab"
        else {
            "kind": kind,
            "sources": ["DATABASE_URL in the environment"],
            "database": "postgresql://app:[redacted:1a2b3c]@localhost:5433/app",
        },
        statements=STATEMENTS,
        effect=effect,
        outcomes=outcomes,
        findings=findings(outcomes, events),
    )
    return Run(document, dict(events))


PASSING = (
    ("tcp.raw", "tcp", ("standard library", "3.13.1"), 5433),
    ("tcp.psycopg", "tcp", ("psycopg", "3.3.2"), 5433),
    ("tcp.asyncpg", "tcp", ("asyncpg", "0.31.0"), 5433),
    ("orm.sqlalchemy-psycopg", "tcp", ("sqlalchemy", "2.0.46"), 5433),
    ("push.redis-tcp", "tcp", ("redis", "7.1.0"), 6380),
)


def passing() -> tuple[list[Outcome], dict[str, Lines]]:
    outcomes = [outcome(*each) for each in PASSING]
    outcomes[1]["versions"] = {
        "server": "17.10", "psycopg implementation": "binary", "libpq built": "17.2", "libpq loaded": "18.0",
    }  # fmt: skip
    outcomes[-1]["atomicity"] = {"status": "not_applicable", "backends": [], "xids": [], "detail": {}}
    return outcomes, {name: dialogue(port) for name, _, _, port in PASSING}


@pytest.fixture
def healthy() -> Run:
    outcomes, events = passing()
    outcomes.insert(4, outcome("http.neon", "http", ("httpx", "0.28.1"), 44301))
    outcomes.insert(5, outcome("ws.neon", "websocket", ("websockets", "16.0"), 44302))
    events |= {"http.neon": dialogue(44301), "ws.neon": dialogue(44302)}
    return run_of(outcomes, events, kind="lab", effect="commit")


@pytest.fixture
def origin() -> Run:
    """Nothing listens on 443, where the serverless drivers dial."""
    outcomes, events = passing()
    http = outcome(
        "http.neon", "http", ("httpx", "0.28.1"), 443,
        status="fail", applied="no", stages=stages(DATABASE, "connect", "connection_refused"),
        atomicity={"status": "not_checked", "backends": [], "xids": [], "detail": {}},
        error=refused(
            ("repro.persistence.drivers.neon_http.NeonHttpError", "Failed query: begin", None),
            ("httpx.ConnectError", "All connection attempts failed", None),
            ("httpcore.ConnectError", "All connection attempts failed", None),
            ("OSError", "All connection attempts failed", None),
            ("ConnectionRefusedError", "[Errno 111] Connect call failed ('127.0.0.1', 443)", "ECONNREFUSED"),
        ),
    )  # fmt: skip
    ws = outcome(
        "ws.neon", "websocket", ("websockets", "16.0"), 443,
        status="fail", applied="no", stages=stages(WEBSOCKET, "connect", "connection_refused"),
        atomicity={"status": "not_checked", "backends": [], "xids": [], "detail": {}},
        notes=["channel_binding was removed for the inner hop"],
        versions={"psycopg": "3.3.2", "libpq loaded": "18.0"},
        error=refused(
            ("neon_websocket.TunnelError", "the tunnel to wss://localhost/v2 failed", None),
            ("ConnectionRefusedError", "[Errno 111] Connection refused", "ECONNREFUSED"),
        ),
    )  # fmt: skip
    outcomes[4:4] = [http, ws]
    down = dialogue(443, failure="connection_refused", errno="ECONNREFUSED")
    return run_of(outcomes, {**events, "http.neon": down, "ws.neon": down})


@pytest.fixture
def mishaps() -> Run:
    """A timeout, a crash with a log, a broken transaction, and two skips."""
    outcomes, events = passing()
    hung: ErrorRecord = {
        "failure": "timeout", "operation": "commit", "type": "repro.observe.Deadline",
        "message": "no outcome within 5.0 s", "sqlstate": None, "errno": None, "address": "127.0.0.1:5433",
        "chain": [],
    }  # fmt: skip
    outcomes[1] |= {
        "status": "timeout", "reason": "no outcome within 5.0 s", "applied": "unknown", "error": hung,
        "stages": stages(DATABASE, "commit", "timeout"),
    }  # fmt: skip
    outcomes[2] |= {
        "status": "crash", "reason": "the process was ended by SIGSEGV", "applied": "no",
        "stages": stages(DATABASE, "begin", "driver_crash"),
        "error": {
            **hung, "failure": "driver_crash", "operation": "begin", "type": "repro.observe.Crash",
            "message": "the process was ended by SIGSEGV",
        },
        "log": [f"Fatal Python error: line {number}" for number in range(200)],
    }  # fmt: skip
    outcomes[3] |= {
        "status": "fail", "stages": stages(DATABASE, "atomicity", "not_atomic"),
        "atomicity": {"status": "broken", "backends": [1234, 1250], "xids": ["754", "755"], "detail": {}},
        "error": {
            **hung, "failure": "not_atomic", "operation": "atomicity", "type": "CheckFailed",
            "message": "one transaction ran on 2 backends under 2 transaction ids",
        },
    }  # fmt: skip
    for name, variable in (("push.upstash-rest", "UPSTASH_REDIS_REST_URL"), ("http.neon", "DATABASE_URL")):
        outcomes.append(
            outcome(
                name, "http", ("httpx", "0.28.1"), 443, status="skip", reason=f"{variable} is not set",
                stages=[], applied="no", events=None, predicted=[],
            )
        )  # fmt: skip
    return run_of(outcomes, events)
