"""What a probe said and heard, as a sequence diagram in mermaid's language, which GitHub draws.

The language: https://mermaid.js.org/syntax/sequenceDiagram.html. Whatever is no plain word in a label is
written as its number (``#59;``), so that no text can end a line, begin a directive, or be markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from repro.diagnose.undiagnosed import in_words
from repro.document import Outcome
from repro.report import network
from repro.report.escape import one_line, shortened
from repro.report.steps import PROBE, RESOLVER, Step, steps

Line = Mapping[str, Any]

MOST_STEPS = 40
MOST_PEERS = 8
MOST_OF_A_NOTE = 160
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

_PLAIN = re.compile(r"[^A-Za-z0-9 .,:/()_\[\]=+*?→…-]")


def mermaid(outcome: Outcome, lines: Iterable[Line], *, most: int = MOST_STEPS) -> str:
    """The conversation of a probe up to where it failed; empty where nothing was seen.

    Args:
        outcome: the probe.
        lines: its trace.
        most: steps to draw; of more, a fifth of them from the begin, the rest from the end.
    """
    told = steps(_transaction(outcome, list(lines)))
    if not told:
        return ""
    told += _what_never_came(outcome, told)
    names = _participants(told)
    shown = [step for step in _bounded(told, most) if step.sender in names or not step.sender]
    return "\n".join(
        [
            "sequenceDiagram",
            f"    participant P as {_name(outcome)}",
            *(
                f"    participant {short} as {label(shortened(_role(who, outcome), MOST_OF_A_NAME))}"
                for who, short in names.items()
                if who != PROBE
            ),
            *(f"    {_drawn(step, names)}" for step in shown),
            *(f"    Note over P: {label(text)}" for text in _ending(outcome)),
        ]
    )


def _name(outcome: Outcome) -> str:
    return label(shortened(outcome["name"], MOST_OF_A_NAME)) or "probe"


def label(text: str) -> str:
    """A text as mermaid can have it anywhere: on one line, with numbers for all that could mean something."""
    return _PLAIN.sub(lambda found: f"#{ord(found[0])};", one_line(text)).strip()


def _transaction(outcome: Outcome, lines: Sequence[Line]) -> list[Line]:
    """The trace without the checks of atomicity, which are many transactions; a note begins them."""
    if outcome["error"] is not None and outcome["error"]["operation"] != "atomicity":
        return list(lines)
    checks = [line["t0"] for line in lines if line["op"] == "note" and line.get("src") == "probe"]
    end = min(checks, default=float("inf"))
    return [line for line in lines if line["t0"] < end]


def _what_never_came(outcome: Outcome, told: Sequence[Step]) -> list[Step]:
    """The end of a connection, or of waiting: no message, and drawn as the answer that it is not."""
    error = outcome["error"]
    asked = [step.receiver for step in told if step.sender == PROBE and step.receiver != RESOLVER]
    if error is None or error["failure"] not in _NO_ANSWER or not asked or told[-1].failed:
        return []
    who = error["address"] if error["address"] in asked else asked[-1]
    return [Step(who or asked[-1], PROBE, in_words(error["failure"]), failed=True, is_answer=True)]


def _participants(told: Iterable[Step]) -> dict[str, str]:
    """The ones who speak, in order, by their short names; the first few of many."""
    found = {PROBE: "P"}
    for step in told:
        for who in (step.sender, step.receiver):
            if who == RESOLVER:
                found.setdefault(who, "R")
            elif who and who not in found and len(found) < MOST_PEERS:
                found[who] = f"S{len(found)}"
    return found


def _role(who: str, outcome: Outcome) -> str:
    if who == RESOLVER:
        return who
    port = network.port_of(who)
    protocols = [each["protocol"] for each in outcome["predicted"] if each["port"] == port]
    role = next((ROLES[each] for each in protocols if each in ROLES), "")
    return f"{who} {role}".rstrip()


def _bounded(told: Sequence[Step], most: int) -> list[Step]:
    if len(told) <= most:
        return list(told)
    head = max(1, most // 5)
    left_out = len(told) - most
    between = Step("", "", f"{left_out} steps are left out")
    return [*told[:head], between, *told[len(told) - (most - head) :]]


def _drawn(step: Step, names: Mapping[str, str]) -> str:
    if not step.sender:
        return f"Note over P: {label(step.text)}"
    arrow = ("--x" if step.failed else "-->>") if step.is_answer else ("-x" if step.failed else "->>")
    often = f", {step.times} times" if step.times > 1 else ""
    said = label(f"{step.text}{often}") or "#183;"
    return f"{names[step.sender]}{arrow}{names.get(step.receiver, 'P')}: {said}"


def _ending(outcome: Outcome) -> Iterator[str]:
    error = outcome["error"]
    if error is None:
        return
    yield f"{error['operation']} failed: {in_words(error['failure'])}"
    if error["failure"] == "not_atomic":
        yield shortened(error["message"], MOST_OF_A_NOTE)
    if outcome["applied"] == "unknown":
        yield "whether it was applied is not known"
