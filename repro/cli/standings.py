"""The last screen of a bench: the drivers by what they took, and what may be said of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from repro.bench import told
from repro.bench.document import BenchDocument, ProbeRecord
from repro.bench.lineup import BASELINES, Work
from repro.cli import wording
from repro.cli.table import STYLES
from repro.cli.terminal import Symbols, Terminal
from repro.document import FAILING

_ANY_WIDTH = 1_000
_LESS_WANTED = ("driver", "95 %", "connect")
_STYLE_OF_A_VERDICT = {"kept": "green", "exceeded": "bold red", "unclear": "yellow", "not_measured": "yellow"}


def show(document: BenchDocument, folder: Path, terminal: Terminal) -> None:
    """Print it to a terminal or a pipe."""
    console = terminal.console()
    terminal.show(console, _parts(document, folder, terminal.symbols, console))


def _parts(
    document: BenchDocument, folder: Path, symbols: Symbols, console: Console
) -> Iterator[RenderableType]:
    works: tuple[Work, ...] = ("transaction", "push")
    for work in works:
        measured = told.by_time(document, work)
        if measured:
            yield Text()
            yield _fitting(work, measured, console)
            yield from (Text(wording.data(note), style="dim") for note in told.notes(document, work))
    failing = [each for each in document["probes"] if each["status"] in FAILING]
    if failing:
        yield Text()
        yield _failures(failing, symbols)
    if document["budgets"]:
        yield Text()
        yield _budgets(document)
    yield Text()
    yield _pointers(document, folder)


def _fitting(work: Work, probes: list[ProbeRecord], console: Console) -> Table:
    """The table without the columns that a narrow terminal has no room for: no number is cut."""
    grid = _table(work, probes)
    for left_out in range(1, len(_LESS_WANTED) + 1):
        if console.measure(grid, options=console.options.update(width=_ANY_WIDTH)).maximum <= console.width:
            break
        grid = _table(work, probes, without=_LESS_WANTED[:left_out])
    return grid


def _table(work: Work, probes: list[ProbeRecord], without: Sequence[str] = ()) -> Table:
    grid = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim")
    grid.add_column(work, no_wrap=True)
    grid.add_column("driver", no_wrap=True, style="dim")
    for heading in ("connect", "median", "95 %"):
        grid.add_column(heading, justify="right", no_wrap=True)
    grid.add_column(f"times {BASELINES[work]}", no_wrap=True)
    grid.add_column("place", justify="right")
    for probe in probes:
        grid.add_row(
            Text(probe["name"], style=STYLES["fail"] if probe["status"] in FAILING else ""),
            Text(wording.driver(probe["driver"])),
            told.median(probe["connect"]),
            Text(told.median(probe["effect"]), style="bold"),
            told.slow(probe["effect"]),
            told.ratio(probe["ratio"], baseline=probe["baseline"]),
            "" if probe["place"] is None else str(probe["place"]),
        )
    grid.columns = [each for each in grid.columns if each.header not in without]
    return grid


def _failures(probes: list[ProbeRecord], symbols: Symbols) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    for probe in probes:
        grid.add_row(
            Text(f"{symbols.failed} {probe['name']}", style=STYLES["fail"], no_wrap=True),
            Text(wording.data(told.failure(probe))),
        )
    return grid


def _budgets(document: BenchDocument) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    for each in document["budgets"]:
        grid.add_row(
            Text("budget", style="dim"),
            Text(each["probe"], no_wrap=True),
            Text(told.budget(each), style=_STYLE_OF_A_VERDICT[each["verdict"]]),
        )
    return grid


def _pointers(document: BenchDocument, folder: Path) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    for probe in document["probes"]:
        if probe["status"] == "skip":
            reason = wording.data(probe["reason"] or "")
            grid.add_row(Text("skipped", style="yellow"), Text(f"{probe['name']}: {reason}"))
        for note in probe["notes"]:
            grid.add_row(Text("left", style="bold yellow"), Text(wording.data(note)))
    failing = [each["name"] for each in document["probes"] if each["status"] in FAILING]
    if failing:
        grid.add_row(Text("why", style="dim"), Text(f"repro run --only {','.join(failing)}"))
    grid.add_row(Text("method", style="dim"), Text(told.method(document)))
    grid.add_row(Text("page", style="dim"), Text(wording.path(folder / "bench.html"), overflow="fold"))
    return grid
