"""What a driver may take: ``tcp.asyncpg=1.5`` times the baseline, or ``tcp.asyncpg=20ms``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from repro.bench.statistics import Interval

Unit = Literal["ratio", "ms"]
Verdict = Literal["kept", "exceeded", "unclear", "not_measured"]

_LIMIT = re.compile(r"(?P<number>\d{1,6}(?:\.\d{1,6})?)(?P<unit>x|ms|s)?")
_REMEDY = "give NAME=LIMIT, such as tcp.asyncpg=1.5 (times the baseline) or tcp.asyncpg=20ms"


class BadBudget(ValueError):  # noqa: N818 - the text is what is wrong
    """A text is no budget; the message is one line with the remedy, and quotes nothing."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What the probes of a name may take.

    Args:
        pattern: their names, as a shell glob.
        limit: of the median.
        unit: ``ratio`` to the baseline of their work, or ``ms``.
    """

    pattern: str
    limit: float
    unit: Unit


def parse(text: str) -> list[Budget]:
    """Read budgets, with commas between them.

    Raises:
        BadBudget: one is none.
    """
    given = [each.strip() for each in text.split(",") if each.strip()]
    if not given:
        raise BadBudget(_REMEDY)
    return [_parse(each) for each in given]


def _parse(text: str) -> Budget:
    pattern, _, limit = text.rpartition("=")
    found = _LIMIT.fullmatch(limit)
    if not pattern or found is None or float(found["number"]) == 0:
        raise BadBudget(_REMEDY)
    number = float(found["number"])
    if found["unit"] in {"ms", "s"}:
        return Budget(pattern, number * (1000 if found["unit"] == "s" else 1), "ms")
    return Budget(pattern, number, "ratio")


def judge(limit: float, found: float | None, interval: Interval | None) -> Verdict:
    """Whether a budget was kept.

    It was exceeded where the whole interval lies above the limit, and kept where none of it does: a verdict
    that the next run would not repeat is none. Without an interval the median decides.

    Args:
        limit: what it may be.
        found: what it was; None where it was not measured.
        interval: where it lies, as sure as can be said.
    """
    if found is None:
        return "not_measured"
    low, high = interval or (found, found)
    if low > limit:
        return "exceeded"
    return "kept" if high <= limit else "unclear"
