"""One failing probe: what failed first, why, where it dialled, and the end of its trace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repro.diagnose.undiagnosed import in_words
from repro.document import ChainLink, ErrorRecord, Outcome
from repro.document.excerpt import missing
from repro.report import network, timeline
from repro.report.conversation import checks, sequence
from repro.report.counting import counted, left_out, more_in_run
from repro.report.escape import (
    MOST_OF_A_NAME,
    MOST_OF_A_NOTE,
    brief,
    cell,
    clean,
    code,
    fence,
    short_cell,
    short_code,
    short_prose,
    shortened,
)

Line = Mapping[str, Any]

MOST_OF_A_LIST = 12
MOST_NOTES = 10

ENDED = {"fail": "failed", "timeout": "timed out", "crash": "crashed"}


@dataclass(frozen=True, slots=True)
class Room:
    """How much of what may be long is shown.

    Args:
        rows: rows of the matrix, and reasons of skipped probes.
        probes: failing probes that are shown whole.
        trace_lines: lines of one trace.
        log_lines: lines of one log.
        links: links of one error chain.
        message: characters of one message or statement.
        steps: of one diagram; it goes first.
        facts: of the environment, and of the target.
        fact: characters of one of them.
        statements: of the transaction.
        note: characters of a sentence, such as a title, a fix or a reason; the last to be cut.
        names: probes that one sentence names.
    """

    rows: int = 160
    probes: int = 40
    trace_lines: int = 60
    log_lines: int = 40
    links: int = 12
    message: int = 1200
    steps: int = 40
    facts: int = 40
    fact: int = 600
    statements: int = 50
    note: int = MOST_OF_A_NOTE
    names: int = MOST_OF_A_LIST

    def less(self) -> Room:
        """Half of it; in the end nothing of what is long, and a little of the rest."""
        all_is_short = self.message <= 200
        return Room(
            rows=max(10, self.rows // 2),
            probes=self.probes // 2 if all_is_short else self.probes,
            trace_lines=self.trace_lines // 2,
            log_lines=self.log_lines // 2,
            links=max(2, self.links // 2),
            message=max(120, self.message // 2),
            steps=0,
            facts=max(12, self.facts // 2),
            fact=max(100, self.fact // 2),
            statements=max(4, self.statements // 2),
            note=max(60, self.note // 2) if all_is_short else self.note,
            names=max(3, self.names // 2) if all_is_short else self.names,
        )


def render(
    outcome: Outcome,
    error: ErrorRecord,
    lines: Sequence[Line],
    contrast: str,
    room: Room,
    *,
    is_drawn: bool = False,
) -> str:
    """The section of a failing probe.

    Args:
        outcome: the probe.
        error: why it failed.
        lines: its trace.
        contrast: Markdown that says what passing probes dialled on the same target; may be empty.
        room: how much to show.
        is_drawn: whether its conversation is drawn too, where there is room for it.
    """
    drawn = diagram(outcome, lines, room) if is_drawn else []
    parts = [_heading(outcome, error), table(outcome, error, lines, contrast), chain(error, room), *drawn]
    return "\n\n".join([*parts, *notes(outcome, room), *log(outcome, room), *trace(outcome, lines, room)])


def diagram(outcome: Outcome, lines: Sequence[Line], room: Room) -> Iterator[str]:
    """What it said and heard until it failed, as a diagram that GitHub draws."""
    drawn = sequence.mermaid(outcome, lines, most=room.steps) if room.steps else ""
    if drawn:
        yield fence(drawn, "mermaid")


def _heading(outcome: Outcome, error: ErrorRecord) -> str:
    return f"### {ending(outcome, error)}"


def ending(outcome: Outcome, error: ErrorRecord) -> str:
    """How a probe ended, in a line of Markdown."""
    name = short_code(outcome["name"])
    head = f"{name} {ENDED[outcome['status']]} at {code(error['operation'])}"
    words = short_prose(in_words(error["failure"]))
    return f"{head}: {words}" if outcome["status"] == "fail" else head


def table(outcome: Outcome, error: ErrorRecord, lines: Sequence[Line], contrast: str = "") -> str:
    """What is known of a failing probe, as a table of names and values."""
    rows = [
        ("first failing operation", cell(error["operation"])),
        ("failure", " ".join(map(short_cell, (error["failure"], *_codes(error))))),
        ("predicted before any packet", _predicted(outcome)),
        ("dialled", _dialled(outcome, lines)),
        ("passing probes dialled", contrast),
        ("effect applied", _applied(outcome)),
        ("atomicity", _atomicity(outcome)),
        ("driver", _driver(outcome)),
    ]
    body = [f"| {name} | {value} |" for name, value in rows if value]
    return "\n".join(["| | |", "|---|---|", *body])


def _codes(error: ErrorRecord) -> Iterator[str]:
    if error["errno"]:
        yield error["errno"]
    if error["sqlstate"]:
        yield f"SQLSTATE {error['sqlstate']}"


def _predicted(outcome: Outcome) -> str:
    return ", ".join(
        f"{short_cell(each['url'])} → {short_cell(network.socket_of(each))}"
        for each in outcome["predicted"][:MOST_OF_A_LIST]
    )


def _dialled(outcome: Outcome, lines: Sequence[Line]) -> str:
    seen = network.dialled(outcome, lines)
    if not seen:
        return "nothing"
    shown = seen[:MOST_OF_A_LIST]
    told = ", ".join(f"{short_cell(address)}{_outcome_of(failure)}" for address, failure in shown)
    if not outcome["predicted"]:
        return told
    agree = network.as_predicted(outcome["predicted"], (address for address, _ in seen))
    return f"{told}, {'where it was predicted' if agree else '**not what was predicted**'}"


def _outcome_of(failure: str | None) -> str:
    return " connected" if failure is None else f" {short_cell(failure)}"


def _applied(outcome: Outcome) -> str:
    return {"no": "no", "yes": "**yes**", "unknown": "**unknown**: no answer says so"}[outcome["applied"]]


def _atomicity(outcome: Outcome) -> str:
    told = "".join(short_cell(text) if is_foreign else text for text, is_foreign in torn(outcome))
    return f"**broken**{told}" if told else ""


def torn(outcome: Outcome) -> Iterator[tuple[str, bool]]:
    """How a transaction was none, in pieces, each with whether it is a text of the server's; else nothing."""
    found = outcome["atomicity"]
    if found["status"] != "broken":
        return
    backends = ", ".join(map(str, found["backends"][:MOST_OF_A_LIST])) or "unknown"
    if len(found["backends"]) == 1:
        yield from ((": alone on one backend ", False), (backends, True))
        yield ", and split among others at once", False
    else:
        xids = ", ".join(found["xids"][:MOST_OF_A_LIST]) or "unknown"
        yield from ((": backends ", False), (backends, True), (", transaction ids ", False), (xids, True))


def _driver(outcome: Outcome) -> str:
    driver = outcome["driver"]
    told = [" ".join(filter(None, (driver["name"], driver["version"])))]
    told += [f"{name} {version}" for name, version in outcome.get("versions", {}).items() if name != "server"]
    shown = list(dict.fromkeys(filter(None, told)))[: 2 * MOST_OF_A_LIST]
    return ", ".join(map(short_cell, shown))


def chain(error: ErrorRecord, room: Room) -> str:
    """The whole chain of causes as a fenced block, outermost first, each link further in."""
    links = error["chain"] or [
        ChainLink(type=error["type"], message=error["message"], code=error["errno"] or error["sqlstate"])
    ]
    told = [_link(depth, link, room) for depth, link in enumerate(links)]
    shown = [told[0], left_out(len(told) - room.links, "link"), *told[1 - room.links :]]
    heading = "Error chain, outermost first:" if len(links) > 1 else "Error:"
    return f"{heading}\n\n{fence(chr(10).join(shown if len(told) > room.links else told))}"


def _link(depth: int, link: ChainLink, room: Room) -> str:
    name = brief(link["type"], MOST_OF_A_NAME)
    label = name if link["code"] is None else f"{name} [{brief(link['code'], 60)}]"
    message = brief(link["message"], room.message)
    bullet = f"{'   ' * (min(depth, 8) - 1)}└─ " if depth else ""
    return f"{bullet}{label}: {message}" if message else f"{bullet}{label}"


def notes(outcome: Outcome, room: Room) -> Iterator[str]:
    """What a reader must know and no other field says, as a list."""
    every = outcome.get("notes", [])
    told = [f"- {short_prose(note, room.note)}" for note in every[:MOST_NOTES]]
    if len(every) > MOST_NOTES:
        told.append(f"- {more_in_run(len(every) - MOST_NOTES, 'note')}")
    if told:
        yield "\n".join(told)


def log(outcome: Outcome, room: Room) -> Iterator[str]:
    """The end of a probe's standard error, folded; nothing where it has none, or there is no room."""
    lines = outcome.get("log", [])
    if lines and room.log_lines:
        shown = timeline.excerpt([_log_line(line) for line in lines], room.log_lines)
        yield folded(f"The end of its standard error, {counted(len(lines), 'line')}", fence("\n".join(shown)))


def _log_line(line: str) -> str:
    """The line with its indentation; an endless one is cut before it is looked at."""
    most = timeline.MOST_OF_A_LINE
    return shortened(clean(shortened(line, 4 * most)), most)


def trace(outcome: Outcome, lines: Sequence[Line], room: Room) -> Iterator[str]:
    """The relevant part of the trace; the whole of it stands in the run's folder."""
    if not lines:
        return
    if not room.trace_lines:
        yield f"The trace is in {code(outcome['events'] or '')}."
        return
    shown = checks.that_failed(outcome, lines)
    events = sum(line["op"] != "visibility" for line in shown) + missing(shown)
    what = "What it did on the network" + (" in the check that failed" if shown is not lines else "")
    text = timeline.render(shown, most=room.trace_lines, fails_early=shown is not lines)
    yield folded(f"{what}, {counted(events, 'event')}", fence(text))


def folded(summary: str, body: str) -> str:
    """A body that is folded away; the summary is ours."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"
