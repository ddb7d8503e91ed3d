"""How far a bench is: one line that changes in place on a terminal, and nothing at all in a pipe."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from repro.bench.measure import Phase, Progress
from repro.cli import terminal, wording

_BAR = 24


@contextlib.contextmanager
def shown(environ: Mapping[str, str]) -> Iterator[Progress]:
    """What a bench tells how far it is, as long as the block.

    Args:
        environ: this process's.
    """
    screen = terminal.standard_error(environ)
    if not screen.moves:
        yield _silent
        return
    from rich.live import Live  # noqa: PLC0415 - only where somebody watches
    from rich.text import Text  # noqa: PLC0415

    line = Text("lab ready, loading the drivers", style="dim")
    with Live(
        line, console=screen.console(), refresh_per_second=8, transient=True, redirect_stdout=False
    ) as live:

        def tell(phase: Phase, done: int, of: int, left_s: float) -> None:
            live.update(Text(in_words(phase, done, of, left_s, ascii_only=screen.symbols is terminal.ASCII)))

        yield tell


def in_words(phase: Phase, done: int, of: int, left_s: float, *, ascii_only: bool = False) -> str:
    """The line: ``measuring     ████████░░░░ 34 of 100, at most 96 s left``."""
    full, empty = ("#", ".") if ascii_only else ("█", "░")
    filled = _BAR * done // of if of else _BAR
    what = "drivers" if phase == "starting" else "rounds"
    return (
        f"{phase:<11} {full * filled}{empty * (_BAR - filled)} "
        f"{done} of {of} {what}, at most {wording.seconds(round(left_s))} left"
    )


def _silent(_phase: Phase, _done: int, _of: int, _left_s: float) -> None:
    """Say nothing."""
