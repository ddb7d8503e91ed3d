"""What a probe said and heard, as a sequence diagram in mermaid's language, which GitHub draws.

The language: https://mermaid.js.org/syntax/sequenceDiagram.html. Whatever is no plain word in a label is
written as its number (``#59;``), so that no text can end a line, begin a directive, or be markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from textwrap import wrap
from typing import Any

from repro.diagnose.undiagnosed import in_words
from repro.document import Outcome
from repro.document.excerpt import missing
from repro.report import network
from repro.report.conversation import checks
from repro.report.conversation.steps import NO_ANSWER, PROBE, RESOLVER, Server, Speaker, Step, steps
from repro.report.counting import are
from repro.report.escape import one_line, shortened

Line = Mapping[str, Any]

MOST_STEPS = 40
MOST_PEERS = 6
MOST_OF_A_NOTE = 160
WIDTH = 60
"""Characters of a line of a note."""

MOST_OF_A_NAME = 60

ROLES = {
    "postgresql": "Postgres",
    "postgres": "Postgres",
    "https": "HTTP",
    "http": "HTTP",
    "wss": "WebSocket",
    "ws": "WebSocket",
    "rediss": "Redis",
    "redis": "Redis",
}
"""What listens where a protocol is dialled."""

_NO_ANSWER = frozenset({"eof", "connection_reset", "timeout"})

_APPLIED = {
    "no": "nothing was applied",
    "yes": "it was applied",
    "unknown": "whether it was applied is not known",
}

_PLAIN = re.compile(r"[^A-Za-z0-9 .,:/()_\[\]=+*?→…-]")


def mermaid(outcome: Outcome, lines: Sequence[Line], *, most: int = MOST_STEPS) -> str:
    """The conversation of a probe up to where it failed; empty where nothing was seen.

    Args:
        outcome: the probe.
        lines: its trace, or an excerpt of it.
        most: steps to draw; of more, a fifth of them from the begin, the rest from the end. Of a check of
            many transactions the first ones tell.
    """
    told = _transaction(outcome, lines)
    if not told:
        return ""
    told = _with_what_never_came(outcome, told)
    bounded = _bounded(told, most, head=most if checks.failed(outcome) else max(1, most // 5))
    names = _participants(bounded)
    shown = [step for step in bounded if not step.sender or {step.sender, step.receiver} <= names.keys()]
    if hidden := len(bounded) - len(shown):
        shown.append(_note(f"{are(hidden, 'step')} on more connections, and not drawn"))
    if more := missing(lines):
        shown.append(_note(f"{are(more, 'event')} not looked at: the trace is long"))
    return "\n".join(
        [
            "sequenceDiagram",
            f"    participant P as {_name(outcome)}",
            *(
                f"    participant {short} as {_in_lines(_role(who, outcome))}"
                for who, short in names.items()
                if who != PROBE
            ),
            *(f"    {_drawn(step, names)}" for step in shown),
            *(f"    Note over P: {_in_lines(wrap(text, WIDTH))}" for text in _ending(outcome)),
        ]
    )


def _name(outcome: Outcome) -> str:
    return label(shortened(outcome["name"], MOST_OF_A_NAME)) or "probe"


def label(text: str) -> str:
    """A text as mermaid can have it anywhere: on one line, with numbers for all that could mean something."""
    return _PLAIN.sub(lambda found: f"#{ord(found[0])};", one_line(text)).strip()


def _in_lines(texts: Iterable[str]) -> str:
    """Texts below each other."""
    return "<br/>".join(filter(None, map(label, texts)))


def _transaction(outcome: Outcome, lines: Sequence[Line]) -> list[Step]:
    """The part of the conversation that failed: the transaction, or the check of it, which a note begins."""
    error = outcome["error"]
    begins = checks.begins(lines)
    if error is not None and error["operation"] != "atomicity":
        return steps(lines)
    if checks.failed(outcome) and begins:
        return steps(lines, since=max(begins))
    return steps([line for line in lines if line["t0"] < min(begins, default=float("inf"))])


def _with_what_never_came(outcome: Outcome, told: Sequence[Step]) -> list[Step]:
    """The end of a connection, or of waiting: no message, and drawn as the answer that it is not."""
    error = outcome["error"]
    if error is None or error["failure"] not in _NO_ANSWER or told[-1].failed:
        return list(told)
    silences = [place for place, step in enumerate(told) if step.text == NO_ANSWER]
    if silences:
        found = list(told)
        found[silences[-1]] = replace(found[silences[-1]], text=in_words(error["failure"]))
        return found
    asked = [step.receiver for step in told if step.sender == PROBE and isinstance(step.receiver, Server)]
    named = [who for who in asked if who.address == error["address"]]
    last = (named or asked)[-1:]
    return [
        *told,
        *(Step(who, PROBE, in_words(error["failure"]), failed=True, is_answer=True) for who in last),
    ]


def _participants(told: Iterable[Step]) -> dict[Speaker, str]:
    """The ones who speak, the connections of an address by their numbers; the first few of many."""
    speakers = dict.fromkeys(who for step in told for who in (step.sender, step.receiver))
    servers = [who for who in speakers if isinstance(who, Server)][:MOST_PEERS]
    addresses = list(dict.fromkeys(who.address for who in servers))
    servers.sort(key=lambda who: (addresses.index(who.address), who.connection or 0))
    resolver: dict[Speaker, str] = {RESOLVER: "R"} if RESOLVER in speakers else {}
    return {PROBE: "P", **resolver, **{who: f"S{number}" for number, who in enumerate(servers, start=1)}}


def _role(who: Speaker, outcome: Outcome) -> list[str]:
    """Who a participant is, in lines."""
    if not isinstance(who, Server):
        return [who]
    port = network.port_of(who.address)
    protocols = [each["protocol"] for each in outcome["predicted"] if each["port"] == port]
    role = next((ROLES[each] for each in protocols if each in ROLES), "")
    if who.connection is None:
        return [shortened(who.address, MOST_OF_A_NAME), role]
    connection = f", connection {who.connection}"
    backend = "" if who.backend is None else f"backend {who.backend}"
    return [shortened(who.address, MOST_OF_A_NAME), f"{role}{connection}".removeprefix(", "), backend]


def _bounded(told: Sequence[Step], most: int, *, head: int) -> list[Step]:
    """As many steps as there is room for, and how many are left out."""
    left_out = len(told) - most
    if left_out <= 0:
        return list(told)
    between = _note(f"{are(left_out, 'step')} left out")
    return [*told[:head], between, *told[len(told) - (most - head) :]]


def _note(text: str) -> Step:
    return Step("", "", text)


def _drawn(step: Step, names: Mapping[Speaker, str]) -> str:
    if not step.sender:
        return f"Note over P: {label(step.text)}"
    arrow = ("--x" if step.failed else "-->>") if step.is_answer else ("-x" if step.failed else "->>")
    often = f", {step.times} times" if step.times > 1 else ""
    said = label(f"{step.text}{often}") or "#183;"
    return f"{names[step.sender]}{arrow}{names[step.receiver]}: {said}"


def _ending(outcome: Outcome) -> Iterator[str]:
    error = outcome["error"]
    if error is None:
        return
    yield f"{error['operation']} failed: {in_words(error['failure'])}"
    if error["failure"] == "not_atomic":
        yield shortened(error["message"], MOST_OF_A_NOTE)
    yield _APPLIED[outcome["applied"]]
