from __future__ import annotations

import asyncio

import pytest

from repro.lab.neon.racing import first_of


def test_the_first_decides_and_the_others_are_over() -> None:
    ended = []

    async def slow() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("slow")
        return "slow"

    async def fast() -> str:
        await asyncio.sleep(0)
        return "fast"

    assert asyncio.run(first_of(slow(), fast())) == "fast"
    assert ended == ["slow"]


def test_an_error_decides_too() -> None:
    async def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        asyncio.run(first_of(fail(), asyncio.Event().wait()))


def test_cancelling_the_race_cancels_all() -> None:
    ended = []

    async def slow(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    async def race() -> None:
        async with asyncio.timeout(0.01):
            await first_of(slow("a"), slow("b"))

    with pytest.raises(TimeoutError):
        asyncio.run(race())
    assert ended == ["a", "b"]
