"""What a probe dialled, held against what it had predicted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from repro.diagnose.undiagnosed import is_push
from repro.document import Endpoint, Outcome
from repro.events import Peer

Line = Mapping[str, Any]


def attempts(lines: Iterable[Line]) -> list[tuple[str, str | None]]:
    """Every address that was dialled, as ``127.0.0.1:443``, with the failure of its last attempt."""
    found: dict[str, str | None] = {}
    for line in lines:
        peer = line.get("peer")
        if line.get("op") == "connect" and peer is not None:
            found[str(Peer(peer["address"], peer["port"]))] = line.get("failure")
    return list(found.items())


def dialled(outcome: Outcome, lines: Iterable[Line]) -> list[tuple[str, str | None]]:
    """What a probe dialled, by its trace; where that is missing, what its error names."""
    seen = attempts(lines)
    error = outcome["error"]
    if not seen and error is not None and error["address"] is not None:
        return [(error["address"], error["failure"])]
    return seen


def passing_alike(failing: Outcome, outcomes: Iterable[Outcome]) -> list[Outcome]:
    """The passing probes of the same kind: of the database, or of the queue."""
    return [each for each in outcomes if each["status"] == "pass" and is_push(each) == is_push(failing)]


def passing_addresses(
    failing: Outcome, outcomes: Iterable[Outcome], events: Mapping[str, Sequence[Line]]
) -> dict[str, list[str]]:
    """What the passing probes of the same kind reached, each address with their names: where the ways part.

    Nothing where the failing probe dialled no other address.
    """
    reached: dict[str, list[str]] = {}
    for each in passing_alike(failing, outcomes):
        for address, why in attempts(events.get(each["name"], ())):
            if why is None:
                reached.setdefault(address, []).append(each["name"])
    own = {address for address, _ in dialled(failing, events.get(failing["name"], ()))}
    return reached if own - set(reached) else {}


def as_predicted(predicted: Sequence[Endpoint], addresses: Iterable[str]) -> bool:
    """Whether every address has a port that was predicted; names are resolved to addresses, ports stay."""
    ports = {endpoint["port"] for endpoint in predicted}
    return all(port_of(address) in ports for address in addresses)


def port_of(address: str) -> int | None:
    """The port of ``127.0.0.1:443`` or ``[::1]:443``; None for the path of a Unix socket."""
    port = address.rpartition(":")[2]
    return int(port) if port.isdigit() else None


def socket_of(endpoint: Endpoint) -> str:
    """The host and the port of an endpoint."""
    return str(Peer(endpoint["host"], endpoint["port"]))
