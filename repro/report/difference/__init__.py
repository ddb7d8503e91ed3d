"""Two runs side by side: "works here, fails in CI", and the first event where they part."""

from __future__ import annotations

import dataclasses
from typing import Final

from repro import plain_json
from repro.report.difference.comparing import compare
from repro.report.difference.model import Difference, Side

DIFFERENCE_SCHEMA: Final = "txrepro/diff/1"

__all__ = ["DIFFERENCE_SCHEMA", "Difference", "Side", "as_json", "compare"]


def as_json(difference: Difference) -> str:
    """A difference for programs: ``same``, and the fields of `Difference` and of what it holds."""
    told = {"schema": DIFFERENCE_SCHEMA, "same": difference.same, **dataclasses.asdict(difference)}
    return plain_json.dumps(told, indent=2) + "\n"
