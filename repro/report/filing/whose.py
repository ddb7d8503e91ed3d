"""Whose a cause is: yours, the network's, the operator's, nobody's, or a package's."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.document import Finding

FILE = Path(__file__).with_name("whose.toml")


@dataclass(frozen=True, slots=True)
class Whose:
    """To whom a finding belongs.

    Args:
        upstreams: names of upstreams, the likeliest first; none where there is nothing to file.
        because: where there is nothing to file, why, in a sentence or two.
        vulnerability: whether it may be one, so that it is not for a public thread.
    """

    upstreams: Sequence[str] = ()
    because: str = ""
    vulnerability: bool = False


def of(finding: Finding) -> Whose | None:
    """To whom a finding belongs; None while its cause is not known.

    Args:
        finding: of a run. A cause that is not named in the data is its layer's.
    """
    if finding["cause"] is None:
        return None
    known = _data()
    exception = known["causes"].get(finding["cause"], {})
    if upstreams := exception.get("upstreams"):
        return Whose(upstreams=tuple(upstreams), vulnerability=exception.get("vulnerability", False))
    owner = exception.get("owner") or known["layers"][finding["layer"]]
    return Whose(because=known["owners"][owner])


@functools.cache
def _data() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(FILE.read_text("utf-8"))
