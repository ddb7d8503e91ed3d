"""What must not stay half done is finished, unless it is cancelled twice."""

from __future__ import annotations

import asyncio

import pytest

from repro.observe.interruption import though_cancelled


@pytest.mark.parametrize(("cancels", "ends"), [(0, True), (1, True), (2, False)])
def test_what_was_cancelled_once_is_finished(cancels: int, ends: bool) -> None:
    async def main() -> tuple[bool, bool]:
        may_end = asyncio.Event()
        finished = asyncio.Event()

        async def work() -> None:
            await may_end.wait()
            finished.set()

        caller = asyncio.create_task(though_cancelled(work()))
        for _ in range(cancels):
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            caller.cancel()
        if ends:
            await asyncio.sleep(0)
            may_end.set()
        await asyncio.wait({caller})
        return finished.is_set(), caller.cancelled()

    assert asyncio.run(main()) == (ends, cancels > 0)


def test_its_error_is_the_callers() -> None:
    async def work() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        asyncio.run(though_cancelled(work()))
