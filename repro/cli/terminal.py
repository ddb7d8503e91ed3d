"""What the terminal at the other end can show: movement, colours, and characters beyond ASCII.

The decisions are made here once, and handed to rich as facts: a pipe never gets an escape sequence because
some variable happens to be set.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_PIPE_WIDTH = 4_000
"""Columns where nobody's window sets a limit, so that no line is broken for one."""


@dataclass(frozen=True, slots=True)
class Symbols:
    """How states are drawn, one column each.

    Args:
        spinner: the frames of a state that moves.
    """

    passed: str
    failed: str
    skipped: str
    pending: str
    ellipsis: str
    spinner: str


UNICODE = Symbols(
    passed="✓", failed="✗", skipped="\N{EN DASH}", pending="·", ellipsis="…", spinner="⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
)
ASCII = Symbols(passed="+", failed="x", skipped="-", pending=".", ellipsis="~", spinner="|/-\\")


@dataclass(frozen=True, slots=True)
class Terminal:
    """One stream and what it can show.

    Args:
        stream: where it is written.
        attended: somebody watches: it is a terminal, not a pipe or a file.
        moves: its cursor can be moved, so that a table can be redrawn.
        colours: colours are wanted and possible.
        symbols: the characters that it can show.
    """

    stream: TextIO
    attended: bool
    moves: bool
    colours: bool
    symbols: Symbols

    def show(self, console: Console, parts: Iterable[RenderableType]) -> None:
        """Print the parts of a screen, one below the other; in a pipe no line ends in blanks.

        Args:
            console: of this terminal.
            parts: what is shown.
        """
        from rich.console import Group  # noqa: PLC0415 - as in `console`

        with console.capture() as captured:
            console.print(Group(*parts))
        shown = captured.get()
        if not self.attended:
            shown = "".join(f"{line.rstrip()}\n" for line in shown.splitlines())
        self.stream.write(shown)
        self.stream.flush()

    def console(self, *, width: int | None = None) -> Console:
        """A console of rich that believes this and detects nothing by itself, except the window's width."""
        from rich.console import Console  # noqa: PLC0415 - a pipe that shows nothing need not load it

        return Console(
            file=self.stream,
            force_terminal=self.moves,
            force_interactive=self.moves,
            color_system="standard" if self.colours else None,
            no_color=not self.colours,
            width=width if width is not None or self.attended else _PIPE_WIDTH,
            legacy_windows=False,
            markup=False,
            emoji=False,
            highlight=False,
            safe_box=True,
        )


def of(stream: TextIO | None, environ: Mapping[str, str]) -> Terminal:
    """What a stream can show.

    Args:
        stream: usually standard error; None where it is closed.
        environ: read for ``NO_COLOR`` and ``TERM``.
    """
    if stream is None:
        stream = io.StringIO()
    attended = stream.isatty()
    moves = attended and environ.get("TERM", "") not in {"dumb", "unknown", ""}
    return Terminal(
        stream=stream,
        attended=attended,
        moves=moves,
        colours=moves and not environ.get("NO_COLOR"),
        symbols=UNICODE
        if _can_show(stream, "".join(astuple(UNICODE))) and environ.get("TERM") != "dumb"
        else ASCII,
    )


def standard_error(environ: Mapping[str, str]) -> Terminal:
    """What standard error can show."""
    return of(sys.stderr, environ)


def _can_show(stream: TextIO, text: str) -> bool:
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
