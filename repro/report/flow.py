"""Which driver dials which server, and how it ended there: as data, and in mermaid's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repro.diagnose.undiagnosed import in_words
from repro.document import Outcome, RunDocument
from repro.report import network
from repro.report.escape import one_line, shortened
from repro.report.sequence import ROLES, label

Events = Mapping[str, Sequence[Mapping[str, Any]]]

MOST_WAYS = 40
MOST_OF_A_TEXT = 44

NOWHERE = "nothing was dialled"


@dataclass(frozen=True, slots=True)
class Way:
    """The way of one probe.

    Args:
        probe: its name.
        driver: with its version.
        transport: ``tcp``, ``http`` or ``websocket``.
        place: what was dialled, as ``127.0.0.1:5432``, or that nothing was.
        role: what listens there by the protocol that is dialled: Postgres, HTTP, WebSocket, Redis; or empty.
        passed: whether all went well.
        says: how it ended, in a few words.
    """

    probe: str
    driver: str
    transport: str
    place: str
    role: str
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


def _way(outcome: Outcome, lines: Iterable[Mapping[str, Any]]) -> Way:
    place, protocol = _place(outcome, network.dialled(outcome, lines))
    driver = outcome["driver"]
    return Way(
        probe=_short(outcome["name"]),
        driver=_short(" ".join(filter(None, (driver["name"], driver["version"])))),
        transport=outcome["transport"] or "",
        place=_short(place),
        role=ROLES.get(protocol, ""),
        passed=outcome["status"] == "pass",
        says=_short(_says(outcome)),
    )


def _place(outcome: Outcome, dialled: Sequence[tuple[str, str | None]]) -> tuple[str, str]:
    """Where it ended: where a connection failed, else where one came about; and the protocol of that port."""
    error = outcome["error"]
    places = [address for address, failure in dialled if (failure is not None) == (error is not None)]
    named = [] if error is None or error["address"] is None else [error["address"]]
    place = next(iter([*named, *places, *(address for address, _ in dialled)]), NOWHERE)
    port = network.port_of(place)
    protocol = next((each["protocol"] for each in outcome["predicted"] if each["port"] == port), "")
    return place, protocol


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
        lines.append(f'    d{number}["{label(way.probe)}<br/>{label(way.driver)}"]')
    for place, short in places.items():
        lines.append(f'    {short}["{label(place)}<br/>{label(role_at(place, found))}"]')
    for number, way in enumerate(found, start=1):
        arrow = "-->" if way.passed else "--x"
        lines.append(f'    d{number} {arrow}|"{label(way.says)}"| {places[way.place]}')
    return "\n".join(lines)
