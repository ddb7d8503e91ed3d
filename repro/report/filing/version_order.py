"""The order of versions, of Python's packages and of npm's, as far as ranges of known issues need it."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping

Key = tuple[tuple[int, ...], int, int]
"""A version to compare: its numbers without zeros at the end, its phase, the number of that phase."""

_FINAL = 0
_PHASES: Mapping[str, int] = {
    "dev": -5, "canary": -5, "nightly": -5,
    "a": -4, "alpha": -4,
    "b": -3, "beta": -3,
    "c": -2, "rc": -2, "pre": -2, "preview": -2, "next": -2,
    "post": 1, "rev": 1, "r": 1,
}  # fmt: skip
"""PEP 440 and the usual names of npm's prereleases; a name that is not here is one before all of them."""

_VERSION = re.compile(
    r"[v=]?(\d{1,9}(?:\.\d{1,9})*)(?:[-._]?([A-Za-z]+)[-._]?(\d{1,9})?|-(\d+))?.*", re.DOTALL
)

_OPERATORS: Mapping[str, Callable[[Key, Key], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
_CLAUSE = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*(\S+)\s*")


def key(version: str) -> Key | None:
    """A version to compare; None for what is none. A build after ``+`` does not count.

    Args:
        version: such as ``2.0.46``, ``2.1.0b1``, ``1.0.0-beta.9``.
    """
    found = _VERSION.fullmatch(version.strip().partition("+")[0])
    if found is None:
        return None
    numbers = [int(each) for each in found[1].split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    if found[2] is None:
        return tuple(numbers), _FINAL if found[4] is None else -6, int(found[4] or 0)
    return tuple(numbers), _PHASES.get(found[2].casefold(), -6), int(found[3] or 0)


def within(version: str, affected: str) -> bool:
    """Whether a version is in a range, where a prerelease stands before its release.

    Args:
        version: of a package.
        affected: clauses with commas between them, as ``>=1.20,<1.20.1``; ``*`` for all.

    Raises:
        ValueError: the range is none.
    """
    if affected.strip() == "*":
        return True
    own = key(version)
    clauses = [_clause(each) for each in affected.split(",")]
    return own is not None and all(holds(own, bound) for holds, bound in clauses)


def _clause(text: str) -> tuple[Callable[[Key, Key], bool], Key]:
    found = _CLAUSE.fullmatch(text)
    bound = None if found is None else key(found[2])
    if found is None or bound is None:
        raise ValueError(f"{text!r} is no clause of a range of versions, such as >=1.2")
    return _OPERATORS[found[1]], bound
