"""At which stage a probe failed.

Drivers do lookups, connects, handshakes and logins inside one call, so the error alone does not say; the
events and the stages that passed do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from repro.events import Event
from repro.probe import network
from repro.probe.recorder import StageRecord

_OF_FAILURE: Mapping[str, str] = {
    "connection_refused": "connect",
    "host_unreachable": "connect",
    "ws_handshake": "upgrade",
    "auth_failed": "authenticate",
}

AT_LOGIN = ("28", "3D000", "53", "57P03")
"""SQLSTATEs by which Postgres ends a login: authorization, no such database, no room, starting up."""

AT_COMMIT = "40"
"""SQLSTATE class 40, transaction rollback: of our statements' errors the only ones that wait for COMMIT."""


def operation_of(
    failure: str,
    sqlstate: str | None,
    *,
    running: str | None,
    stages: Mapping[str, StageRecord],
    expected: Sequence[str],
    events: Sequence[Event],
    batch: bool,
) -> str:
    """The stage at which a probe failed, one of those it has.

    Args:
        failure: the failure class of the error.
        sqlstate: what the server said, if it did.
        running: the stage that was under way, if any.
        stages: what is known of each stage.
        expected: the probe's stages, in order of time.
        events: what was seen up to then.
        batch: the whole transaction goes in one request, which the server answers as a whole.
    """
    if batch and failure == "sql_error" and sqlstate is not None:
        return _of_batch(sqlstate)
    named = _named(failure)
    if named in expected and not _passed(named, stages, events):
        return named
    if running is not None and (not batch or network.is_open(events)):
        return running  # in a batch COMMIT is under way before anything is dialled
    return _first_open(expected, stages, events)


def _named(failure: str) -> str:
    """The stage that a failure itself names, or nothing."""
    if failure.startswith("dns_"):
        return "resolve"
    if failure.startswith("tls_"):
        return "tls"
    return _OF_FAILURE.get(failure, "")


def _of_batch(sqlstate: str) -> str:
    """The stage of a statement that a server refused; the answer to a batch does not say which one it was."""
    if sqlstate.startswith(AT_LOGIN):
        return "authenticate"
    return "commit" if sqlstate.startswith(AT_COMMIT) else "insert"


def _passed(name: str, stages: Mapping[str, StageRecord], events: Sequence[Event]) -> bool:
    known = stages.get(name)
    return network.reached(events, name) or (known is not None and known["status"] == "pass")


def _first_open(expected: Sequence[str], stages: Mapping[str, StageRecord], events: Sequence[Event]) -> str:
    """The first stage that has not passed; lookups and TLS that nobody saw are taken to have passed."""
    for name in expected:
        unseen = not network.of_stage(events, name)
        if name in {"resolve", "tls"} and unseen:
            continue
        if not _passed(name, stages, events):
            return name
    return expected[-1]
