"""Rewrites Postgres's own placeholders for the libraries that have others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from repro.persistence.steps import Parameter

_DOLLAR = re.compile(r"\$(\d+)")


@lru_cache(maxsize=256)
def pyformat(sql: str) -> str:
    """A statement of ours with ``%(p1)s`` for ``$1``; no literal of ours holds a dollar sign and a digit."""
    return _DOLLAR.sub(r"%(p\1)s", sql.replace("%", "%%"))


def named(params: Sequence[Parameter]) -> dict[str, Parameter]:
    """The parameters under the names that `pyformat` gives them."""
    return {f"p{number}": each for number, each in enumerate(params, 1)}
