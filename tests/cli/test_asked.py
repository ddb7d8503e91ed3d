"""Which signals are handed on to a traced program: all but those that it was sent itself."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from repro.cli.asked import Asked

KERNEL, USER, TKILL = 0x80, 0, -6
"""SI_KERNEL, SI_USER and SI_TKILL of sigaction(2)."""


@pytest.mark.parametrize(
    ("number", "code", "handed_on"),
    [
        (signal.SIGINT, KERNEL, False),
        (signal.SIGINT, USER, True),
        (signal.SIGINT, TKILL, True),
        (signal.SIGTERM, USER, True),
        (signal.SIGHUP, KERNEL, True),
        (signal.SIGCHLD, USER, False),
    ],
)
def test_what_a_terminal_has_sent_is_not_sent_again(number: int, code: int, *, handed_on: bool) -> None:
    sent: list[int] = []
    program: Any = type("Program", (), {"send_signal": lambda _self, which: sent.append(which)})()
    asked = Asked({signal.SIGINT, signal.SIGTERM, signal.SIGHUP}, set())

    asked._hand_on(signal.struct_siginfo((number, code, 0, 1, 0, 0, 0)), program)

    assert sent == ([number] if handed_on else [])
