"""The shape of a run document, as typed plain dictionaries.

What a document holds is chosen key by key; nothing is dumped into it.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NotRequired, TypedDict, get_args

from repro.stages import StageName

RUN_SCHEMA: Final = "txrepro/run/1"

ProbeStatus = Literal["pass", "fail", "skip", "timeout", "crash"]
StageStatus = Literal["pass", "fail", "skip", "not_applicable", "running"]
"""``running`` is only said while a probe is watched; a written document never holds it."""

AtomicityStatus = Literal["held", "broken", "not_applicable", "not_checked"]
Applied = Literal["no", "yes", "unknown"]
Effect = Literal["commit", "rollback"]
Verdict = Literal["pass", "fail", "inconclusive"]
ProofStatus = Literal["confirmed", "refuted", "untested"]
Layer = Literal[
    "config",
    "dns",
    "tcp",
    "tls",
    "proxy",
    "startup-auth",
    "pooler",
    "transaction",
    "serverless-http",
    "websocket",
    "redis-tcp",
    "upstash-rest",
    "commit-ambiguity",
    "outbox",
    "version-regression",
]

LAYERS: Final[tuple[Layer, ...]] = get_args(Layer)
"""Where a fault can sit."""


FAILING: Final[frozenset[ProbeStatus]] = frozenset({"fail", "timeout", "crash"})
"""The statuses of a probe that did not come to its end well; each of them has an ``error``."""


class Endpoint(TypedDict):
    """What a driver will dial, said before any packet: ``{"url": "wss://localhost/v2", "port": 443, …}``."""

    url: str
    host: str
    port: int | None
    protocol: str


class Stage(TypedDict):
    """One step of a probe. Times are seconds since the run's start, on the monotonic clock."""

    name: StageName
    status: StageStatus
    t0: float
    t: float
    failure: str | None
    detail: dict[str, Any]


class ChainLink(TypedDict):
    """One error of a chain of causes, the outermost first."""

    type: str
    message: str
    code: str | None


class ErrorRecord(TypedDict):
    """Why a probe failed, classified from the deepest link of its chain.

    ``failure`` is one of `repro.events.FAILURES` or ``unknown_failure: …``; ``address`` is what was dialled,
    as ``127.0.0.1:443`` or ``[::1]:443``.
    """

    failure: str
    operation: StageName
    type: str
    message: str
    sqlstate: str | None
    errno: str | None
    address: str | None
    chain: list[ChainLink]


class Atomicity(TypedDict):
    """Whether the transaction stayed on one backend under one transaction id."""

    status: AtomicityStatus
    backends: list[int]
    xids: list[str]
    detail: dict[str, Any]


class DriverRecord(TypedDict):
    """The driver under test; its name is None where the probe did not even start."""

    name: str | None
    version: str | None


class Outcome(TypedDict):
    """What one probe came to.

    ``events`` is the path of its trace in the run's folder. ``transport`` is None where the probe did not
    even start. Of the optional keys, ``versions`` are those of everything it loaded, ``notes`` what a reader
    must know and no other field says, ``log`` the end of the standard error of a probe that said no outcome.
    """

    name: str
    driver: DriverRecord
    transport: str | None
    predicted: list[Endpoint]
    status: ProbeStatus
    reason: str | None
    duration_ms: float
    stages: list[Stage]
    error: ErrorRecord | None
    atomicity: Atomicity
    applied: Applied
    events: str | None
    versions: NotRequired[dict[str, str]]
    notes: NotRequired[list[str]]
    log: NotRequired[list[str]]


class Evidence(TypedDict):
    """One observation that supports a finding; ``seq`` is the line of the probe's trace."""

    probe: str
    seq: int | None
    text: str


class Counts(TypedDict):
    """How often something was tried and how often it failed."""

    runs: int
    failed: int


class Experiment(TypedDict):
    """The same probe with one thing changed."""

    change: str
    baseline: Counts
    changed: Counts
    command: str


class RuledOut(TypedDict):
    """A look-alike, and why it is not the cause."""

    cause: str
    because: str


class Finding(TypedDict):
    """A cause (None while undiagnosed) with the probes it explains."""

    cause: str | None
    layer: Layer
    operation: StageName
    failure: str
    title: str
    probes: list[str]
    proof: ProofStatus
    summary: str
    evidence: list[Evidence]
    experiment: Experiment | None
    ruled_out: list[RuledOut]
    fix: list[str]
    links: list[str]


class TransactionRecord(TypedDict):
    """The production transaction that every probe ran."""

    statements: list[str]
    effect: Effect


class ToolRecord(TypedDict):
    """Which program wrote the document."""

    name: str
    version: str


class RunDocument(TypedDict):
    """All outcomes of one invocation. ``started_at`` is ISO 8601 in UTC, ``target`` is redacted."""

    schema: str
    run_id: str
    started_at: str
    duration_s: float
    tool: ToolRecord
    verdict: Verdict
    environment: dict[str, Any]
    target: dict[str, Any]
    transaction: TransactionRecord
    probes: list[Outcome]
    findings: list[Finding]
