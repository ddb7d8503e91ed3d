"""What is needed to repeat a run: reproductions, commands, the transaction, the target, the environment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from repro.document import RunDocument
from repro.report import facts as known
from repro.report.counting import counted
from repro.report.escape import shortened
from repro.report.facts import Row
from repro.report.html.markup import (
    Content,
    Html,
    block,
    code,
    codes,
    element,
    facts,
    folded,
    join,
    line,
    sentence,
)
from repro.report.html.room import Room
from repro.reproduce.record import Reproduction

_MOST_OF_A_COMMAND = 2_000
_MOST_OF_A_PIECE = 300


def reproductions(made: Sequence[Reproduction], room: Room) -> Html | None:
    """Those that failed in the same way each time; None where there is none."""
    proved = [each for each in made if each.every_time]
    return join(_reproduction(each, room) for each in proved[: room.items]) if proved else None


def _reproduction(made: Reproduction, room: Room) -> Html:
    return element(
        "article",
        element("h3", made.probe, " by its driver alone"),
        element(
            "p",
            code(made.file),
            " failed in the same way ",
            element("b", f"{made.failed} of {made.runs}"),
            " times, each from an empty folder. ",
            line(f"{made.target[:1].upper()}{made.target[1:]}.", 600),
        ),
        block(
            shortened(f"{made.install}\n{made.command}", _MOST_OF_A_COMMAND),
            label=f"Commands for {made.file}",
        ),
        _program(made, room),
        _output(made, room),
        cls="reproduction",
    )


def _program(made: Reproduction, room: Room) -> Html:
    if len(made.text) > room.program:
        return element("p", "The program is in ", code(f"reproductions/{made.file}"), ".")
    number = made.text.count("\n") + (not made.text.endswith("\n"))
    return folded(f"The program, {counted(number, 'line')}", block(made.text, label=made.file))


def _output(made: Reproduction, room: Room) -> Html | None:
    if not made.output:
        return None
    shown = block(shortened(made.output, 2 * room.message), label=f"Output of {made.file}")
    return join(element("p", "It prints:"), shown)


def commands(document: RunDocument) -> Html:
    """The commands that repeat the run."""
    return block(
        "\n".join(shortened(each, _MOST_OF_A_COMMAND) for each in known.command_lines(document)),
        label="Commands",
    )


def transaction(document: RunDocument, room: Room) -> Html:
    """The statements that every probe sent, and what became of them."""
    body = "\n".join(known.statements(document, room.message))
    return join(element("p", sentence(known.effect(document))), block(body, label="Statements"))


def target(document: RunDocument, room: Room) -> Html:
    """What is known of the target."""
    return facts(_told(known.target_rows(document), room))


def environment(document: RunDocument, room: Room) -> Html:
    """Versions and settings."""
    return facts(_told(known.environment_rows(document), room))


def _told(rows: Sequence[Row], room: Room) -> Iterator[tuple[Content, Content]]:
    most = 2 * room.details
    for name, pieces in rows:
        shown = codes(pieces[:most], min(_MOST_OF_A_PIECE, room.message))
        yield line(name, 60), join(shown, " …" if len(pieces) > most else "") if pieces else None
