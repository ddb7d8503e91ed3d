"""The table that fills while the probes run.

One row a probe. Its stages are drawn in four groups, a mark for each stage that the probe has, so that one
sees at a glance how far each driver came. Where nothing can be redrawn it is a line a probe, and in a pipe
nothing at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from repro.cli import wording
from repro.cli.errors import plain, tell
from repro.cli.terminal import Symbols, Terminal
from repro.document import Outcome, Stage

GROUPS: Mapping[str, tuple[str, ...]] = {
    "dial": ("resolve", "connect", "tls", "upgrade"),
    "auth": ("authenticate",),
    "write": ("begin", "insert", "commit", "push"),
    "check": ("read_back", "atomicity", "cleanup"),
}
"""The stages under each heading, in the order of their marks."""

STYLES = {
    "pass": "green",
    "fail": "bold red",
    "timeout": "bold red",
    "crash": "bold red",
    "skip": "yellow",
    "running": "cyan",
    "waiting": "dim",
}

_PROBE_COLUMNS = 24
_DRIVER_COLUMNS = 17
_FRAMES_PER_S = 12


@dataclass(slots=True)
class Row:
    """What is known of one probe so far."""

    probe: str
    driver: str = ""
    stages: dict[str, str] = field(default_factory=dict)
    status: str = "waiting"
    began: float | None = None
    duration_ms: float | None = None

    def elapsed_ms(self, now: float) -> float | None:
        """How long it took, or has taken so far; None before it began and when it never did."""
        if self.duration_ms is not None or self.began is None:
            return self.duration_ms
        return (now - self.began) * 1000


class Board:
    """The state of a run as a table. It is a `repro.observe.progress.Progress`, and draws nothing by itself.

    Args:
        symbols: the marks.
        clock: seconds, monotonic.
    """

    def __init__(self, symbols: Symbols, clock: Callable[[], float] = time.monotonic) -> None:
        self._symbols = symbols
        self._clock = clock
        self._rows: dict[str, Row] = {}
        self._lab = ""
        self._share_s = 0.0
        self._proving = ""
        self._stopping = ""

    def lab(self, text: str) -> None:
        """Show the lab's state."""
        self._lab = plain(text)

    def planned(self, probes: Sequence[str], share_s: float) -> None:
        """Show a waiting row for each probe."""
        self._rows = {name: Row(name) for name in probes}
        self._share_s = share_s

    def started(self, probe: str) -> None:
        """A row comes to life."""
        row = self._rows.setdefault(probe, Row(probe))
        row.status, row.began = "running", self._clock()

    def line(self, probe: str, kind: str, body: Mapping[str, Any]) -> None:
        """A probe says its driver before anything else."""
        if kind == "hello" and probe in self._rows:
            self._rows[probe].driver = wording.driver(body.get("driver"))

    def stage(self, probe: str, stage: Stage) -> None:
        """A mark appears or changes."""
        self._rows[probe].stages[stage["name"]] = stage["status"]

    def finished(self, outcome: Outcome) -> None:
        """A row gets its status."""
        row = self._rows.setdefault(outcome["name"], Row(outcome["name"]))
        row.driver = wording.driver(outcome["driver"]) or row.driver
        row.stages = {stage["name"]: stage["status"] for stage in outcome["stages"]}
        row.status = outcome["status"]
        row.duration_ms = None if row.status == "skip" else outcome["duration_ms"]
        row.began = None

    def proving(self, cause: str) -> None:
        """Show which cause is being proved."""
        self._proving = cause

    def stopping(self, text: str) -> None:
        """Show that an interruption was heard."""
        self._stopping = text

    def render(self) -> RenderableType:
        """The whole picture at this moment."""
        now = self._clock()
        parts: list[RenderableType] = []
        if self._lab:
            parts.append(Text.assemble(("lab     ", "dim"), self._lab))
        if self._rows:
            parts += [Text(), self._table(now)]
            waiting = sum(row.status in {"waiting", "running"} for row in self._rows.values())
            parts += [Text(), self._footer(waiting)] if waiting else []
        if self._proving:
            parts += [Text(), Text(f"proving {self._proving} by experiment", style="dim")]
        if self._stopping:
            parts += [Text(), Text(self._stopping, style="yellow")]
        return Group(*parts)

    def _table(self, now: float) -> Table:
        table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
        table.add_column("probe", no_wrap=True, overflow="crop")
        table.add_column("driver", no_wrap=True, overflow="crop", min_width=_DRIVER_COLUMNS)
        for heading in GROUPS:
            table.add_column(heading, no_wrap=True, overflow="crop")
        table.add_column("time", justify="right", no_wrap=True, min_width=6)
        table.add_column("status", no_wrap=True, min_width=7)
        for row in list(self._rows.values()):
            table.add_row(*self._cells(row, now))
        return table

    def _cells(self, row: Row, now: float) -> list[Text]:
        elapsed = row.elapsed_ms(now)
        style = STYLES.get(row.status, "")
        ellipsis = self._symbols.ellipsis
        return [
            Text(
                wording.shortened(row.probe, _PROBE_COLUMNS, ellipsis),
                style="dim" if row.status == "waiting" else "",
            ),
            Text(wording.shortened(row.driver, _DRIVER_COLUMNS, ellipsis), style="dim"),
            *(self._marks(row, stages, now) for stages in GROUPS.values()),
            Text("" if elapsed is None else wording.duration(elapsed)),
            Text(row.status, style=style),
        ]

    def _marks(self, row: Row, stages: Sequence[str], now: float) -> Text:
        """One mark for each stage of a group that the probe has; a dot where nothing has begun."""
        known = [row.stages[name] for name in stages if name in row.stages]
        if not known:
            return Text(self._symbols.pending if row.status in {"waiting", "running"} else "", style="dim")
        return Text.assemble(*(self._mark(status, now) for status in known))

    def _mark(self, status: str, now: float) -> tuple[str, str]:
        symbols = self._symbols
        if status == "running":
            return symbols.spinner[int(now * _FRAMES_PER_S) % len(symbols.spinner)], STYLES["running"]
        if status == "pass":
            return symbols.passed, STYLES["pass"]
        return (symbols.failed, STYLES["fail"]) if status == "fail" else (symbols.skipped, "dim")

    def _footer(self, waiting: int) -> Text:
        ended = f"{len(self._rows) - waiting} of {wording.counted(len(self._rows), 'probe')}"
        return Text(f"{ended}, at most {wording.seconds(self._share_s)} each", style="dim")


class LiveTable(Board):
    """The table on a terminal, redrawn in place until the block is left."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(terminal.symbols)
        self._live = Live(
            console=terminal.console(),
            get_renderable=self.render,
            refresh_per_second=_FRAMES_PER_S,
            redirect_stdout=False,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()


class Lines(Board):
    """A line for each probe that ended, where the cursor does not move; nothing at all for a pipe."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(terminal.symbols)
        self._stream = terminal.stream if terminal.attended else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left open."""

    def lab(self, text: str) -> None:
        """Say the lab's state."""
        self._say(f"lab     {plain(text)}")

    def finished(self, outcome: Outcome) -> None:
        """Say what a probe came to."""
        super().finished(outcome)
        row = self._rows[outcome["name"]]
        elapsed = "" if row.duration_ms is None else wording.duration(row.duration_ms)
        self._say(f"{row.status:<7}  {row.probe:<{_PROBE_COLUMNS}} {row.driver:<{_DRIVER_COLUMNS}} {elapsed}")

    def proving(self, cause: str) -> None:
        """Say which cause is being proved."""
        self._say(f"proving  {cause} by experiment")

    def stopping(self, text: str) -> None:
        """Say that an interruption was heard, in a pipe too."""
        tell(text)

    def _say(self, line: str) -> None:
        if self._stream is not None:
            self._stream.write(line.rstrip() + "\n")
            self._stream.flush()


Watcher = LiveTable | Lines


def watcher(terminal: Terminal) -> Watcher:
    """Whoever suits a terminal."""
    return LiveTable(terminal) if terminal.moves else Lines(terminal)
