"""What an undiagnosed failure is not: what the probe got past, and who was there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from repro.diagnose.view import View, is_of_the_queue
from repro.document import Outcome, RuledOut

_DATABASE = {
    "resolve": ("dns-nxdomain", "the name was found"),
    "connect": ("tcp-refused", "the connection was accepted"),
    "tls": ("tls-untrusted-ca", "the TLS handshake succeeded"),
    "authenticate": ("auth-wrong-password", "the login succeeded"),
}
_TCP_QUEUE = {**_DATABASE, "authenticate": ("redis-wrongpass", "the login succeeded")}
_REST = {**_DATABASE, "authenticate": ("up-401", "the token was taken")}


def by_progress(members: Sequence[Outcome], view: View) -> list[RuledOut]:
    """The causes that lie before the failure, which every one of these probes got past.

    Args:
        members: probes that failed alike.
        view: what the run saw.
    """
    found = [dict(_got_past(member)) for member in members]
    common = [cause for cause in found[0] if all(cause in each for each in found)]
    past: list[RuledOut] = [{"cause": cause, "because": found[0][cause]} for cause in common]
    return [*past, *_spoken(members, view)]


def _got_past(outcome: Outcome) -> Iterator[tuple[str, str]]:
    known = _known_for(outcome)
    for stage in outcome["stages"]:
        if stage["status"] == "pass" and stage["name"] in known and "sent_with" not in stage["detail"]:
            yield known[stage["name"]]


def _known_for(outcome: Outcome) -> Mapping[str, tuple[str, str]]:
    if not is_of_the_queue(outcome):
        return _DATABASE
    return _REST if outcome["transport"] == "http" else _TCP_QUEUE


def _spoken(members: Sequence[Outcome], view: View) -> Iterator[RuledOut]:
    """A server that speaks Postgres is no other one."""
    speaker = next(filter(None, map(view.speaker, members)), None)
    if speaker is not None and speaker.protocol == "postgres":
        for other in ("http", "ssh", "redis"):
            yield {"cause": f"tcp-port-is-{other}", "because": speaker.told()}
