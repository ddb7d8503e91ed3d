"""What a cause is judged by: everything that a run has seen, with the questions that causes ask of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from repro.document import FAILING, Evidence, Outcome
from repro.events import Peer
from repro.observe.catalog import QUEUE_NAMES
from repro.observe.peers import Speaker
from repro.persistence.dsn import MalformedUrl, Url, parse_url

Line = Mapping[str, Any]

DATABASE_VARIABLES = ("DATABASE_URL", "POSTGRES_URL")


@dataclass(frozen=True, slots=True)
class View:
    """A run, as far as it matters for its causes.

    Args:
        outcomes: one for each probe.
        events: each probe's trace lines, by its name.
        variables: the target's settings, under their environment names.
        environ: what else the probes had in their environment: ``PG*``, proxies, certificates.
        peers: what speaks at an address, as ``127.0.0.1:8080``; asked where a probe was not understood.
    """

    outcomes: Sequence[Outcome]
    events: Mapping[str, Sequence[Line]]
    variables: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    peers: Mapping[str, Speaker] = field(default_factory=dict)

    def failing(self) -> list[Outcome]:
        """The probes that failed, in order."""
        return [outcome for outcome in self.outcomes if outcome["status"] in FAILING and outcome["error"]]

    def passing(self) -> list[Outcome]:
        """The probes that passed, in order."""
        return [outcome for outcome in self.outcomes if outcome["status"] == "pass"]

    def where(self, *conditions: Callable[[Outcome], bool]) -> list[Outcome]:
        """The failing probes for which all of these hold."""
        return [outcome for outcome in self.failing() if all(holds(outcome) for holds in conditions)]

    def lines(self, outcome: Outcome, op: str) -> list[Line]:
        """The events of one kind in a probe's trace."""
        return [line for line in self.events.get(outcome["name"], ()) if line.get("op") == op]

    def url(self) -> Url | None:
        """The database's URL, taken apart; None where there is none that can be read."""
        text = self.url_text()
        try:
            return None if text is None else parse_url(text)
        except MalformedUrl:
            return None

    def url_variable(self) -> str | None:
        """The variable that holds the database's URL."""
        return next((name for name in DATABASE_VARIABLES if name in self.variables), None)

    def url_text(self) -> str | None:
        """The database's URL as it was set."""
        name = self.url_variable()
        return None if name is None else self.variables[name]

    def speaker(self, outcome: Outcome) -> Speaker | None:
        """What speaks where a probe failed, if it was asked."""
        error = outcome["error"]
        return None if error is None or error["address"] is None else self.peers.get(error["address"])

    def spoken_at(self, outcome: Outcome) -> str | None:
        """The protocol of what speaks where a probe failed; None where it was not asked."""
        speaker = self.speaker(outcome)
        return None if speaker is None else speaker.protocol

    def let_in_beside(self, outcome: Outcome) -> bool:
        """Whether another probe got its work done where this one failed, over the same transport."""
        address = outcome["error"]["address"] if outcome["error"] else None
        alike = [each for each in self.passing() if each["transport"] == outcome["transport"]]
        # the last one that it dialled: libpq goes on to the next address where a login is refused
        last = [lines[-1] for each in alike if (lines := self.lines(each, "connect"))]
        return address is not None and any(
            not line.get("failure") and _whom(line) == address for line in last
        )

    def evidence(self, outcomes: Iterable[Outcome], *ops: str) -> list[Evidence]:
        """The failed events of these kinds; where a probe has none, the deepest link of its error."""
        found: list[Evidence] = []
        for outcome in outcomes:
            failed = [line for op in ops for line in self.lines(outcome, op) if line.get("failure")]
            found += [
                {"probe": outcome["name"], "seq": line["seq"], "text": told(line)} for line in failed[-4:]
            ] or [{"probe": outcome["name"], "seq": None, "text": deepest(outcome)}]
            found += self.spoken([outcome])
        return found

    def spoken(self, outcomes: Iterable[Outcome]) -> list[Evidence]:
        """Who answers at the addresses where these probes failed, as far as it was asked."""
        return [
            {"probe": outcome["name"], "seq": None, "text": speaker.told()}
            for outcome in outcomes
            if (speaker := self.speaker(outcome)) is not None
        ]


def _whom(line: Line) -> str:
    peer = line.get("peer")
    return str(Peer(peer["address"], peer["port"])) if peer else ""


def told(line: Line) -> str:
    """An event in a few words: ``connect [::1]:443 ECONNREFUSED``, ``ws.close [::1]:443 1009 ws_closed``.

    Of a handshake also who signed the certificate: a network that inspects TLS shows itself so.
    """
    whom = _whom(line) or str(line.get("dns.name") or "")
    number = line.get("http.status") or line.get("ws.close_code") or ""
    how = line.get("errno") or line.get("failure") or ""
    signed = f"(the certificate is signed by {issuer})" if (issuer := line.get("tls.issuer")) else ""
    return " ".join(filter(None, (str(line["op"]), whom, str(number), str(how), signed)))


def deepest(outcome: Outcome) -> str:
    """What the deepest link of a probe's error says."""
    error = outcome["error"]
    if error is None:
        return ""
    return error["chain"][-1]["message"] if error["chain"] else error["message"]


def said(outcome: Outcome) -> str:
    """What the links of a probe's error say, a line each, the outermost first."""
    error = outcome["error"]
    return "" if error is None else "\n".join(link["message"] for link in error["chain"])


def says(*fragments: str) -> Callable[[Outcome], bool]:
    """Whether a link of a probe's error holds one of these texts."""
    return lambda outcome: any(fragment in said(outcome) for fragment in fragments)


def types(outcome: Outcome) -> list[str]:
    """The types of a probe's error, outermost first."""
    error = outcome["error"]
    return [] if error is None else [link["type"] for link in error["chain"]]


def is_a(*names: str) -> Callable[[Outcome], bool]:
    """Whether a link of a probe's error has a type of one of these names, whatever its module."""
    return lambda outcome: any(kind.rpartition(".")[2] in names for kind in types(outcome))


def failed_with(outcome: Outcome, failure: str, operation: str | None = None) -> bool:
    """Whether a probe failed in a way, and at an operation."""
    error = outcome["error"]
    return error is not None and error["failure"] == failure and operation in {None, error["operation"]}


def failed(*failures: str) -> Callable[[Outcome], bool]:
    """Whether a probe failed in one of these ways."""
    return lambda outcome: outcome["error"] is not None and outcome["error"]["failure"] in failures


def during(*operations: str) -> Callable[[Outcome], bool]:
    """Whether a probe failed at one of these operations."""
    return lambda outcome: outcome["error"] is not None and outcome["error"]["operation"] in operations


def sqlstate(*codes: str) -> Callable[[Outcome], bool]:
    """Whether the server, or the driver in its place, gave one of these SQLSTATEs."""
    return lambda outcome: outcome["error"] is not None and outcome["error"]["sqlstate"] in codes


def over(*transports: str) -> Callable[[Outcome], bool]:
    """Whether a probe goes over one of these transports."""
    return lambda outcome: outcome["transport"] in transports


def named(*names: str) -> Callable[[Outcome], bool]:
    """Whether a probe has one of these names."""
    return lambda outcome: outcome["name"] in names


def is_of_the_queue(outcome: Outcome) -> bool:
    """Whether a probe pushes."""
    return outcome["name"] in QUEUE_NAMES


def is_of_the_database(outcome: Outcome) -> bool:
    """Whether a probe runs the transaction."""
    return not is_of_the_queue(outcome)
