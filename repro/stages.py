"""The stages of a probe: one step each, in the order of the run document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

StageName = Literal[
    "resolve",
    "connect",
    "tls",
    "upgrade",
    "authenticate",
    "begin",
    "insert",
    "commit",
    "read_back",
    "atomicity",
    "push",
    "cleanup",
]

STAGES: Final[tuple[StageName, ...]] = get_args(StageName)
"""All of them, in order. In time ``push`` precedes ``read_back``."""

OP_OF_STAGE: Final[Mapping[str, str]] = {
    "resolve": "dns",
    "connect": "connect",
    "tls": "tls.handshake",
    "upgrade": "http.upgrade",
}
"""The ``op`` of the events that tell of a network stage."""
