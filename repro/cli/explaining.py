"""The words of a cause, for a terminal and as pages."""

from __future__ import annotations

import argparse
import difflib
import textwrap
from collections.abc import Iterator
from pathlib import Path

from repro.cli import errors, output
from repro.diagnose.cause import Cause
from repro.diagnose.causes import BY_ID, CAUSES
from repro.report.cause_pages import pages

_WIDTH = 78


def explain(arguments: argparse.Namespace) -> int:
    """Show one cause, or the list of all, or write the pages.

    Raises:
        UsageError: there is no such cause, or the pages cannot be written.
    """
    if arguments.write is not None:
        return _write_pages(arguments.write)
    if arguments.cause is None:
        output.write("".join(f"{cause.id:<33} {cause.title}\n" for cause in CAUSES))
        return errors.OK
    cause = BY_ID.get(arguments.cause)
    if cause is None:
        close = difflib.get_close_matches(arguments.cause, BY_ID, n=1)
        hint = f"did you mean {close[0]}?" if close else "see `repro explain` for all of them"
        raise errors.UsageError(f"no cause is called {errors.quoted(arguments.cause)}; {hint}")
    output.write("\n".join(_told(cause)) + "\n")
    return errors.OK


def _write_pages(folder: Path) -> int:
    for name, text in all_pages().items():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise errors.UsageError(
                f"--write {folder}: cannot be written to ({error.strerror}); name a folder that can"
            ) from error
    return errors.OK


def all_pages() -> dict[str, str]:
    """Each page of ``docs/causes`` by its file's name."""
    from repro.lab.scenarios import SCENARIOS  # noqa: PLC0415 - loads the lab, which one cause's words do not need

    shown: dict[str, list[str]] = {}
    for scenario in SCENARIOS:
        if scenario.cause is not None:
            shown.setdefault(scenario.cause, []).append(scenario.name)
    return pages(CAUSES, shown)


def _told(cause: Cause) -> Iterator[str]:
    yield f"{cause.id}  ({cause.layer})"
    yield from textwrap.wrap(cause.title, _WIDTH)
    yield ""
    yield from textwrap.wrap(cause.summary, _WIDTH)
    yield from _section("how it shows", [f"{driver}: {words}" for driver, words in cause.symptoms.items()])
    yield from _section("not to be taken for", [f"{other}: {how}" for other, how in cause.apart.items()])
    yield from _section("what to do", list(cause.fix))
    yield from _section("where others met it", list(cause.links))


def _section(title: str, items: list[str]) -> Iterator[str]:
    if not items:
        return
    yield ""
    yield f"{title}:"
    for item in items:
        yield from textwrap.wrap(
            item,
            _WIDTH,
            initial_indent="- ",
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
