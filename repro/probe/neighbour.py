"""Another process of an application: asyncpg with its statement cache, through the same URL.

It takes back what it finds prepared on its server connection, as a pooler's or a client's ``DISCARD ALL``
does, prepares as many statements as it is told, and leaves. Behind a pooler in transaction mode they stay on
a connection that is somebody else's next; asyncpg counts its names from one in every process.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from urllib.parse import urlsplit

_LONGEST_S = 10.0


def call(url: str, statements: int) -> None:
    """Have it done, in a process of its own.

    Args:
        url: of the database; its parameters are left out.
        statements: how many it prepares.
    """
    order = json.dumps({"url": urlsplit(url)._replace(query="").geturl(), "statements": statements})
    subprocess.run([sys.executable, "-I", __file__], input=order, text=True, check=True, timeout=_LONGEST_S)


async def _prepare(url: str, statements: int) -> None:
    import asyncpg  # noqa: PLC0415 - not needed by who calls

    connection = await asyncpg.connect(url)
    await connection.execute("DEALLOCATE ALL")
    for number in range(statements):
        await connection.fetch(f"SELECT {number}")
    await connection.close()


if __name__ == "__main__":
    order = json.load(sys.stdin)
    asyncio.run(_prepare(order["url"], order["statements"]))
