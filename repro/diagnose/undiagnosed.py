"""Findings for what failed and has no known cause: where it failed, how, and what it was not.

A failing probe always has a finding. When no cause is known the finding says *undiagnosed* and nothing more
than was seen: never a guess. Probes that failed alike, at the same operation of the same transport's family,
are one finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from repro.document import FAILING, ErrorRecord, Evidence, Finding, Layer, Outcome, StageName
from repro.observe.catalog import QUEUE_NAMES

_LAYER_OF_OPERATION: Mapping[str, Layer] = {
    "resolve": "dns",
    "connect": "tcp",
    "tls": "tls",
    "authenticate": "startup-auth",
}

_LAYER_OF_TRANSPORT: Mapping[str | None, Layer] = {
    "http": "serverless-http",
    "websocket": "websocket",
}

ANSWER_LOST = frozenset({"eof", "connection_reset", "timeout", "ws_closed"})
"""Failures by which an answer is lost after something was sent."""

WORDS = {
    "connection_refused": "connection refused",
    "connection_reset": "connection reset",
    "eof": "the server ended the connection",
    "timeout": "no answer in time",
    "dns_nxdomain": "no such host",
    "dns_failure": "the lookup failed",
    "host_unreachable": "no route to the host",
    "tls_unknown_authority": "the certificate's authority is not trusted",
    "tls_hostname_mismatch": "the certificate is for another host",
    "tls_expired": "the certificate has expired",
    "tls_protocol": "the TLS handshake failed",
    "http_status": "an HTTP status that is no success",
    "ws_handshake": "the WebSocket upgrade was refused",
    "ws_closed": "the WebSocket was closed",
    "protocol_mismatch": "the server speaks another protocol",
    "auth_failed": "the login was refused",
    "sql_error": "the server refused it",
    "redis_error": "the queue refused a command",
    "config_invalid": "the driver refused its configuration",
    "unsupported": "the driver cannot do this",
    "not_atomic": "the transaction was not atomic",
    "duplicate_effect": "the effect happened more than once",
    "pool_exhausted": "the pool had no connection left",
    "driver_crash": "the probe's process crashed",
}
"""Each failure of the closed vocabulary in words."""


class Identity(NamedTuple):
    """What makes two failures the same.

    Args:
        layer: where it sits.
        operation: what failed.
        failure: of the closed vocabulary.
        sqlstate: of what the server refused; None for other failures.
        port: that was dialled, where that is what failed.
    """

    layer: Layer
    operation: StageName
    failure: str
    sqlstate: str | None
    port: str | None


def findings(outcomes: Sequence[Outcome], events: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Finding]:
    """One finding for each way in which probes failed, the one that explains most probes first.

    Args:
        outcomes: all outcomes of a run.
        events: each probe's trace lines, by its name.
    """
    groups: dict[Identity, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome["status"] in FAILING:
            groups.setdefault(identity(outcome), []).append(outcome)
    _join_what_names_no_sqlstate(groups)
    ordered = sorted(groups.items(), key=lambda item: -len(item[1]))
    return [_finding(key, members, outcomes, events) for key, members in ordered]


def _join_what_names_no_sqlstate(groups: dict[Identity, list[Outcome]]) -> None:
    """A driver that keeps a SQLSTATE to itself, as libpq does at the login, failed like the others."""
    for silent in [key for key in groups if key.sqlstate is None]:
        alike = [key for key in groups if key.sqlstate and key._replace(sqlstate=None) == silent]
        if len(alike) == 1:
            groups[alike[0]] += groups.pop(silent)


def identity(outcome: Outcome) -> Identity:
    """What makes a failure the same as another.

    A connection that the server ended is one, by FIN or by reset: drivers name it either way, by turns.
    """
    error = _error(outcome)
    dialled = error["address"] if error["operation"] == "connect" else None
    port = dialled.rpartition(":")[2] if dialled else None
    failure = "connection_reset" if error["failure"] == "eof" else error["failure"]
    sqlstate = error["sqlstate"] if failure == "sql_error" else None
    return Identity(_layer(outcome), error["operation"], failure, sqlstate, port)


def _error(outcome: Outcome) -> ErrorRecord:
    error = outcome["error"]
    assert error is not None, "an outcome that failed says why"  # noqa: S101
    return error


def _layer(outcome: Outcome) -> Layer:
    """The layer of a failure, of the fifteen; the network's own layers come before the driver's."""
    error = _error(outcome)
    if error["failure"] == "config_invalid":
        return "config"
    if error["operation"] in _LAYER_OF_OPERATION:
        return _LAYER_OF_OPERATION[error["operation"]]
    if is_push(outcome):
        return "upstash-rest" if outcome["transport"] == "http" else "redis-tcp"
    if error["operation"] == "commit" and error["failure"] in ANSWER_LOST:
        return "commit-ambiguity"
    if error["operation"] == "atomicity":
        return "transaction"
    return _LAYER_OF_TRANSPORT.get(outcome["transport"], "transaction")


def _finding(
    key: Identity,
    members: Sequence[Outcome],
    outcomes: Iterable[Outcome],
    events: Mapping[str, Sequence[Mapping[str, Any]]],
) -> Finding:
    failure = _error(members[0])["failure"]
    evidence = [each for member in members for each in _evidence(member, events.get(member["name"], ()))]
    return {
        "cause": None,
        "layer": key.layer,
        "operation": key.operation,
        "failure": failure,
        "title": f"{key.operation}: {in_words(failure)}",
        "probes": [member["name"] for member in members],
        "proof": "untested",
        "summary": _summary(members, outcomes),
        "evidence": evidence,
        "experiment": None,
        "ruled_out": [],
        "fix": [],
        "links": [],
    }


def in_words(failure: str) -> str:
    """A failure in words; one that is not of the vocabulary has its own."""
    return WORDS.get(failure, failure.removeprefix("unknown_failure: "))


def _summary(members: Sequence[Outcome], outcomes: Iterable[Outcome]) -> str:
    """What is known, in sentences that claim nothing more than was seen."""
    error = _error(members[0])
    names = ", ".join(f"{member['name']}{_where(member)}" for member in members)
    passed = [outcome for outcome in outcomes if outcome["status"] == "pass"]
    alike = [outcome["name"] for outcome in passed if is_push(outcome) == is_push(members[0])]
    beside = f" On the same target these passed: {', '.join(alike)}." if alike else ""
    return f"Failed during {error['operation']}, {in_words(error['failure'])}: {names}.{beside}"


def _where(outcome: Outcome) -> str:
    """What was dialled, or what would have been had its name been known."""
    address = _error(outcome)["address"]
    if address:
        return f" at {address}"
    return f" for {outcome['predicted'][0]['host']}" if outcome["predicted"] else ""


def is_push(outcome: Outcome) -> bool:
    """Whether a probe is of the queue: its peers say nothing of the database's."""
    return outcome["name"] in QUEUE_NAMES or outcome["name"].startswith("push.")


def _evidence(outcome: Outcome, lines: Sequence[Mapping[str, Any]]) -> list[Evidence]:
    """The failed events of a probe; its deepest error where no event failed."""
    failed = [line for line in lines if line.get("failure")]
    if failed:
        return [
            {"probe": outcome["name"], "seq": line["seq"], "text": _in_text(line)} for line in failed[-4:]
        ]
    error = _error(outcome)
    text = error["chain"][-1]["message"] if error["chain"] else error["message"]
    return [{"probe": outcome["name"], "seq": None, "text": text}]


def _in_text(line: Mapping[str, Any]) -> str:
    peer = line.get("peer")
    port = f":{peer['port']}" if peer and peer["port"] is not None else ""
    whom = f"{peer['address']}{port}" if peer else str(line.get("dns.name") or line.get("host") or "")
    return " ".join(
        filter(None, (str(line["op"]), whom, in_words(str(line["failure"])), str(line.get("errno") or "")))
    )
