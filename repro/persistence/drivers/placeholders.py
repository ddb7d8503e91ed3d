"""Rewrites Postgres's own placeholders for the libraries that have others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from repro.persistence.steps import Parameter
from repro.persistence.text_format import array_literal

_DOLLAR = re.compile(r"\$(\d+)")


@lru_cache(maxsize=256)
def pyformat(sql: str) -> str:
    """A statement of ours with ``%(p1)s`` for ``$1``; no literal of ours holds a dollar sign and a digit."""
    return _DOLLAR.sub(r"%(p\1)s", sql.replace("%", "%%"))


def named(params: Sequence[Parameter]) -> dict[str, str | int | bool | None]:
    """The parameters under the names that `pyformat` gives them; arrays as text, each element is one.

    psycopg looks at every element of a list to find its type, which each statement of ours names itself.
    """
    return {f"p{number}": _plain(each) for number, each in enumerate(params, 1)}


def _plain(parameter: Parameter) -> str | int | bool | None:
    if parameter is None or isinstance(parameter, str | int):
        return parameter
    return array_literal(parameter)
