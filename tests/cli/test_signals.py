"""Signals that end a command in good order."""

from __future__ import annotations

import signal
import threading

import pytest

from repro.cli import signals
from repro.observe.interruption import noting


def test_sigterm_is_taken_for_an_interrupt_inside_the_block_only() -> None:
    before = signal.getsignal(signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt), signals.terminating_like_interrupt():
        signal.raise_signal(signal.SIGTERM)

    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_held_back_and_the_second_is_not(number: signal.Signals) -> None:
    with noting() as caught:
        signal.raise_signal(number)
        assert caught.happened
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)

    with noting() as fresh:
        pass
    assert not fresh.happened


def test_outside_the_main_thread_nothing_is_changed() -> None:
    seen: list[bool] = []

    def elsewhere() -> None:
        with signals.terminating_like_interrupt(), noting() as caught:
            seen.append(caught.happened)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()

    assert seen == [False]
