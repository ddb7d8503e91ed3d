"""Wrong on purpose: an object of SQLAlchemy's is read after COMMIT has expired it, outside of any await."""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from repro.persistence import endpoints
from repro.persistence.steps import Transaction
from repro.probe import DatabaseProbe, Request, main
from repro.probe.specimen import is_first
from repro.probe.versions import versions_of

T = TypeVar("T")


class _Base(DeclarativeBase):
    pass


class Database(_Base):
    """A row that every server has."""

    __tablename__ = "pg_database"

    oid: Mapped[int] = mapped_column(primary_key=True)
    datname: Mapped[str]


class Expired:
    """A driver that does the transaction right, and then reads what COMMIT has expired.

    Args:
        driver: does the transaction.
        url: for the session beside it.
    """

    interactive = True

    def __init__(self, driver: Any, url: Any) -> None:
        self._driver = driver
        self._engine = create_async_engine(url)

    async def run(self, transaction: Transaction[T]) -> T:
        """Carry out a transaction; then go wrong."""
        result: T = await self._driver.run(transaction)
        if is_first():
            await self._read_late()
        return result

    async def _read_late(self) -> None:
        async with AsyncSession(self._engine) as session:
            row = (await session.scalars(select(Database).limit(1))).one()
            await session.commit()
            str(row.datname)

    async def close(self) -> None:
        """Give back the connections."""
        await self._driver.close()
        await self._engine.dispose()


async def connect(driver: ModuleType, request: Request) -> Expired:
    """Open the driver, and a session beside it."""
    url = driver.url_for(request.database_url, "asyncpg")
    return Expired(await driver.connect_async(request.database_url), url)


PROBE = DatabaseProbe(
    name="specimen.missing-greenlet",
    transport="tcp",
    package="SQLAlchemy",
    uses="repro.persistence.drivers.sqlalchemy",
    predict=lambda request: endpoints.asyncpg_endpoints(request.database_url, os.environ),
    connect=connect,
    versions=lambda: versions_of("asyncpg", "greenlet"),
    asynchronous=True,
)

if __name__ == "__main__":
    main(PROBE)
