"""How times, names and numbers are written for people, alike in the table, the summary and the live lines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from repro.cli.errors import plain
from repro.document import Finding
from repro.report import proof

MOST_OF_A_TEXT = 300

_SHORT_DRIVER = {"standard library": "stdlib"}


def duration(milliseconds: float) -> str:
    """A time in the unit that reads best, in at most six columns: ``0.4 ms``, ``12 ms``, ``1.3 s``."""
    if milliseconds < 9.95:
        return f"{milliseconds:.1f} ms"
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    return f"{seconds:.1f} s" if seconds < 99.95 else f"{seconds:.0f} s"


def seconds(value: float) -> str:
    """Whole seconds without a fraction, others with one: ``30 s``, ``7.5 s``."""
    return f"{value:.1f}".removesuffix(".0") + " s"


def driver(record: Mapping[str, Any] | None) -> str:
    """A driver and its version, such as ``psycopg 3.2.9``; empty while it is not known."""
    if not record or not record.get("name"):
        return ""
    name = str(record["name"])
    return plain(f"{_SHORT_DRIVER.get(name, name)} {record.get('version') or ''}")


def shortened(text: str, width: int, ellipsis: str) -> str:
    """Text cut to a number of columns, the cut marked."""
    return text if len(text) <= width else text[: width - 1] + ellipsis


def data(text: str) -> str:
    """What a server or a driver said, without a command for a terminal, and no longer than can be read."""
    return shortened(plain(text), MOST_OF_A_TEXT, "~")


def counted(number: int, noun: str) -> str:
    """``1 probe``, ``2 probes``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def cause(finding: Finding) -> str:
    """A finding's cause and how well it is proved."""
    return (
        "cause not determined"
        if finding["cause"] is None
        else f"{plain(finding['cause'])} ({proof.word(finding)})"
    )


def path(value: Path) -> str:
    """A path as it is shortest to type from here."""
    try:
        return str(value.resolve().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(value)
