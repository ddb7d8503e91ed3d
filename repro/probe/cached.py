"""asyncpg with its statement cache on, which the production code never has, beside another process.

For specimens: probes that are wrong on purpose.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from types import ModuleType
from typing import Any

from repro.persistence import endpoints
from repro.probe import DatabaseProbe, neighbour
from repro.probe.request import Request


@dataclass(slots=True)
class Neighbour:
    """The other process.

    Args:
        url: what it connects to.
        plan: how many statements it prepares after so many of our transactions; it comes but once for each.
        seen: how many there were.
    """

    url: str
    plan: Mapping[int, int]
    seen: int = field(default=0)

    def come(self) -> None:
        """Have its turn: one more transaction of ours is about to begin."""
        if self.seen in self.plan:
            neighbour.call(self.url, self.plan[self.seen])
        self.seen += 1


def probe(name: str, plan: Mapping[int, int]) -> DatabaseProbe:
    """A specimen.

    Args:
        name: the probe's.
        plan: as in `Neighbour`.
    """
    return DatabaseProbe(
        name=name,
        transport="tcp",
        package="asyncpg",
        uses="repro.persistence.drivers.asyncpg",
        predict=lambda request: endpoints.asyncpg_endpoints(request.database_url, os.environ),
        connect=partial(_connect, {}, plan),
        asynchronous=True,
    )


async def _connect(
    others: dict[str, Neighbour], plan: Mapping[int, int], drivers: ModuleType, request: Request
) -> Any:
    """Connect with asyncpg's defaults: a hundred statements are kept, under names."""
    url, timeouts = request.database_url, request.settings.timeouts
    other = others.setdefault(url, Neighbour(url, plan))

    class Cached(drivers.AsyncpgDriver):  # type: ignore[misc, name-defined]
        async def run(self, transaction: Any) -> Any:
            other.come()
            return await super().run(transaction)

    return Cached(await drivers.asyncpg.connect(url, timeout=timeouts.connect_s), timeouts)
