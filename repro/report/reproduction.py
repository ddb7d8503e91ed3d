"""The checked reproductions of a run, for its report: the program, how to run it, what it printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from repro.report.escape import code, fence, prose, shortened
from repro.report.failure import Room
from repro.reproduce.record import Reproduction

MOST_OF_A_PROGRAM = 8_000
"""Characters of a program that is shown; a longer one is named, and to be attached."""

_LANGUAGES = {"py": "python", "mjs": "js"}


def render(made: Sequence[Reproduction], room: Room) -> str:
    """Markdown for those that failed each time, as many as there is room for; empty where there is none.

    Args:
        made: of one run.
        room: how much to show.
    """
    proved = [each for each in made if each.every_time]
    return "\n\n".join("\n\n".join(_one(each, room)) for each in proved[: room.probes])


def _one(made: Reproduction, room: Room) -> Iterator[str]:
    yield f"### {code(made.probe)} by its driver alone"
    yield (
        f"{code(made.file)} failed in the same way **{made.failed} of {made.runs}** times, each from an empty"
        f" folder. {_sentence(made.target)}"
    )
    yield fence(f"{made.install}\n{made.command}", "sh")
    if len(made.text) <= MOST_OF_A_PROGRAM:
        yield fence(made.text, _LANGUAGES.get(made.file.rpartition(".")[2], "text"))
    else:
        yield f"The program is in {code(f'reproductions/{made.file}')}."
    if made.output:
        yield "It prints:"
        yield fence(shortened(made.output, 2 * room.message))


def _sentence(text: str) -> str:
    return prose(f"{text[:1].upper()}{text[1:]}.")
