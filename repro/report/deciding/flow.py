"""Which driver dials which server, and how it ended there: as data, and in mermaid's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repro.diagnose.undiagnosed import in_words
from repro.document import Outcome, RunDocument
from repro.report import network
from repro.report.conversation.sequence import ROLES, label
from repro.report.escape import one_line, shortened

Events = Mapping[str, Sequence[Mapping[str, Any]]]

MOST_WAYS = 40
MOST_OF_A_TEXT = 44

NOWHERE = "nothing was dialled"

_GATEWAYS = frozenset({"HTTP", "WebSocket"})
"""Roles of what stands before a database."""


@dataclass(frozen=True, slots=True)
class Way:
    """The way of one probe.

    Args:
        probe: its name.
        driver: with its version.
        transport: ``tcp``, ``http`` or ``websocket``.
        place: what was dialled, as ``127.0.0.1:5432``, or that nothing was.
        role: what listens there by the protocol that is dialled: Postgres, HTTP, WebSocket, Redis; a proxy,
            or that it was not predicted, where the driver went elsewhere.
        behind: the server that answered from behind it, such as ``PostgreSQL 17.10``; empty where what was
            dialled is the server, or none answered.
        passed: whether all went well.
        says: how it ended, in a few words.
    """

    probe: str
    driver: str
    transport: str
    place: str
    role: str
    behind: str
    passed: bool
    says: str


def ways(document: RunDocument, events: Events) -> list[Way]:
    """The ways of the probes that were tried, in the order of the run; the first of very many.

    Args:
        document: the run.
        events: the trace lines of each probe, by its name; a probe may be missing.
    """
    tried = [each for each in document["probes"] if each["status"] != "skip"]
    return [_way(each, events.get(each["name"], ())) for each in tried[:MOST_WAYS]]


def _way(outcome: Outcome, lines: Sequence[Mapping[str, Any]]) -> Way:
    dialled = network.dialled(outcome, lines)
    place = _place(outcome, dialled)
    role = _role(outcome, place, lines)
    is_gateway = role in _GATEWAYS and (place, None) in dialled
    driver = outcome["driver"]
    server = outcome.get("versions", {}).get("server")
    return Way(
        probe=_short(outcome["name"]),
        driver=_short(" ".join(filter(None, (driver["name"], driver["version"])))),
        transport=outcome["transport"] or "",
        place=_short(place),
        role=role,
        behind=_short(f"PostgreSQL {server}") if server and is_gateway else "",
        passed=outcome["status"] == "pass",
        says=_short(_says(outcome)),
    )


def _place(outcome: Outcome, dialled: Sequence[tuple[str, str | None]]) -> str:
    """Where it ended: where a connection failed, else where one came about."""
    error = outcome["error"]
    places = [address for address, failure in dialled if (failure is not None) == (error is not None)]
    named = [] if error is None or error["address"] is None else [error["address"]]
    return next(iter([*named, *places, *(address for address, _ in dialled)]), NOWHERE)


def _role(outcome: Outcome, place: str, lines: Iterable[Mapping[str, Any]]) -> str:
    port = network.port_of(place)
    protocols = [each["protocol"] for each in outcome["predicted"] if each["port"] == port]
    if protocols or place == NOWHERE or not outcome["predicted"]:
        return next((ROLES[each] for each in protocols if each in ROLES), "")
    is_proxy = any(line.get("http.method") == "CONNECT" for line in lines)
    return "a proxy" if is_proxy else "not what was predicted"


def _says(outcome: Outcome) -> str:
    error = outcome["error"]
    if outcome["status"] == "pass":
        return "passed"
    if error is None:
        return outcome["status"]
    return f"{error['operation']}: {in_words(error['failure'])}"


def _short(text: str) -> str:
    return shortened(one_line(text), MOST_OF_A_TEXT)


def role_at(place: str, found: Iterable[Way]) -> str:
    """What listens at a place, by every protocol that is dialled there."""
    return ", ".join(dict.fromkeys(each.role for each in found if each.place == place and each.role))


def behind(place: str, found: Iterable[Way]) -> str:
    """The server behind a place, by those who reached it; empty where nobody did."""
    return ", ".join(dict.fromkeys(each.behind for each in found if each.place == place and each.behind))


def mermaid(found: Sequence[Way]) -> str:
    """The ways as a flowchart, from the drivers on the left to the servers on the right.

    Args:
        found: at least one.
    """
    places = {
        place: f"s{number}" for number, place in enumerate(dict.fromkeys(each.place for each in found), 1)
    }
    lines = ["flowchart LR"]
    for number, way in enumerate(found, start=1):
        under = ", ".join(filter(None, (way.driver, way.transport)))
        lines.append(f"    d{number}{_box(way.probe, under)}")
    for place, short in places.items():
        lines.append(f"    {short}{_box(place, role_at(place, found))}")
    for number, way in enumerate(found, start=1):
        arrow = "-->" if way.passed else "--x"
        lines.append(f'    d{number} {arrow}|"{label(way.says)}"| {places[way.place]}')
    for number, (place, short) in enumerate(places.items(), start=1):
        if server := behind(place, found):
            lines.append(f"    {short} --> b{number}{_box(server, 'behind it')}")
    return "\n".join(lines)


def _box(text: str, under: str) -> str:
    return f'["{"<br/>".join(filter(None, (label(text), label(under))))}"]'
