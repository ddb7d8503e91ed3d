"""Whether a program fails as the probe did that it stands for."""

from __future__ import annotations

import re
from collections.abc import Mapping

from repro.diagnose.undiagnosed import Identity, identity, in_words
from repro.document import FAILING, Outcome

_OF_THE_DRIVER = frozenset({"80", "443"})
"""Ports that serverless drivers dial whatever the URL says. Any other one is the target's, and may be another
one the next time: the lab's are free ones."""

_BEFORE_LOGIN = frozenset({"connect", "tls", "authenticate"})
"""Steps that a driver which waits in vain does not tell apart; only who saw its bytes does."""


def failure_of(outcome: Outcome) -> Identity | None:
    """What makes a failure the same wherever the target listens; None for an outcome that is no failure."""
    if outcome["status"] not in FAILING:
        return None
    found = identity(outcome)
    if found.failure == "timeout" and found.operation in _BEFORE_LOGIN:
        found = found._replace(layer="tcp", operation="connect")
    return found if found.port in _OF_THE_DRIVER else found._replace(port=None)


def shown(failure: Identity) -> str:
    """A failure in one line: ``startup-auth/authenticate/sql_error/42704``."""
    return "/".join(part for part in failure if part)


def sentence(outcome: Outcome) -> str:
    """How a probe failed, in one sentence."""
    error = outcome["error"]
    if error is None:
        return "it fails"
    state = f" ({error['sqlstate']})" if error["sqlstate"] else ""
    return f"{error['operation']} fails: {in_words(error['failure'])}{state}"


def masked(text: str) -> str:
    """A text without what differs each time: numbers, and how it is wrapped."""
    return " ".join(re.sub(r"\d+", "N", text).split())


def phrases(outcome: Outcome) -> list[str]:
    """What a program's last words must hold one of: the messages of its error's chain, the deepest first."""
    error = outcome["error"]
    if error is None:
        return []
    links: list[Mapping[str, str | None]] = [*reversed(error["chain"]), error]  # type: ignore[list-item]
    messages = [masked(link["message"] or "") for link in links]
    codes = [link["code"] for link in error["chain"] if link["code"] and not link["code"].startswith("HTTP")]
    return [each for each in (*messages, *codes) if each]
