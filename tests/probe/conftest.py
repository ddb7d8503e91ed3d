"""A recorder that tells nobody, and the lines it would have told."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from repro.probe.channel import Channel
from repro.probe.recorder import Recorder


@pytest.fixture
def channel() -> Iterator[tuple[Channel, Callable[[], list[dict[str, Any]]]]]:
    """A channel, and a function that gives the lines it has said so far."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)

    def lines() -> list[dict[str, Any]]:
        try:
            data = os.read(reader, 1 << 20)
        except BlockingIOError:
            return []
        return [json.loads(line) for line in data.splitlines()]

    yield Channel(writer), lines
    os.close(reader)
    os.close(writer)


@pytest.fixture
def recorder(channel: tuple[Channel, Callable[[], list[dict[str, Any]]]]) -> Recorder:
    """A recorder on that channel."""
    return Recorder(channel[0], origin=0.0)
