"""Numbers of things in words, alike in every report; and the marks where one leaves something out."""

from __future__ import annotations

import re

CUT = re.compile(
    r"\[… (?P<lines>[\d,]+) \w+ left out …\]"
    r"|(?P<steps>[\d,]+) steps? (?:is|are) (?:left out|on more connections)"
    r"|(?P<unread>[\d,]+) events? (?:is|are) not looked at"
    r"|(?P<records>[\d,]+) more (?:[\w-]+ ){1,3}(?:(?:is|are) )?in `?run\.json"
    r"|(?P<links>[\d,]+) links? left out"
    r"|(?<=>)(?P<events>[\d,]+) more in [\w./-]+"
    r"|\[…\]"
)
"""Every mark of a cut, those of the page and of one long text too, with how much it is."""


def counted(number: int, one: str, many: str = "") -> str:
    """A number of things: ``1 event``, ``1,234 events``.

    Args:
        number: of them.
        one: the word for a single one.
        many: the word for more, where its end is neither ``s`` nor ``es``.
    """
    plural = many or (f"{one}es" if one.endswith("s") else f"{one}s")
    return f"{number:,} {one if number == 1 else plural}"


def are(number: int, one: str) -> str:
    """The same as the subject of a sentence: ``1 step is``, ``2 steps are``."""
    return f"{counted(number, one)} {'is' if number == 1 else 'are'}"


def times(number: int, of: int) -> str:
    """How often of how often: ``3 of 3 times``."""
    return f"{number:,} of {counted(of, 'time')}"


def left_out(number: int, one: str) -> str:
    """The mark between two parts of a text: ``[… 3 lines left out …]``."""
    return f"[… {counted(number, one)} left out …]"


def more_in_run(number: int, one: str) -> str:
    """The sentence after the last one that is shown, as of 2 more probes."""
    return f"{are(number, f'more {one}')} in `run.json`."
