"""Programs over the drivers of Postgres's own protocol: psycopg, asyncpg, and SQLAlchemy over both."""

from __future__ import annotations

from collections.abc import Sequence

from repro.persistence.drivers.placeholders import named, pyformat
from repro.persistence.steps import Parameter
from repro.reproduce.case import Case, having
from repro.reproduce.place import Place
from repro.reproduce.text import Lines, Written, indented, quoted

_WHO = "SELECT pg_backend_pid()"


def _keywords(case: Case, *fixed: str) -> str:
    return ", ".join(["URL", *fixed, *(part.text for part in having(case, "keyword"))])


def _connect_timeout(case: Case) -> list[str]:
    """Libpq takes it from the URL too."""
    return (
        []
        if any(part.name == "connect_timeout" for part in having(case, "parameter"))
        else ["connect_timeout=5"]
    )


def psycopg(case: Case, _place: Place) -> Written:
    """psycopg, blocking."""
    call = _keywords(case, *_connect_timeout(case), "autocommit=True")
    body = ['print("opened")', *psycopg_transaction(case)]
    return ["psycopg"], [[f"with psycopg.connect({call}) as connection:", *indented(body)]]


def psycopg_transaction(case: Case) -> Lines:
    """The transaction on a connection of psycopg's; nothing where none is needed."""
    if not having(case, "transaction"):
        return []
    inside = _inside(
        case, "connection.execute", "connection.execute({}).fetchone()[0]", awaited=False, style="named"
    )
    return ["with connection.transaction():", *indented(inside), 'print("committed")']


def psycopg_async(case: Case, _place: Place) -> Written:
    """psycopg, awaited."""
    call = _keywords(case, *_connect_timeout(case), "autocommit=True")
    inside = _inside(
        case,
        "connection.execute",
        "(await (await connection.execute({})).fetchone())[0]",
        awaited=True,
        style="named",
    )
    body = ['print("opened")']
    if having(case, "transaction"):
        body += ["async with connection.transaction():", *indented(inside), 'print("committed")']
    whole = [f"async with await psycopg.AsyncConnection.connect({call}) as connection:", *indented(body)]
    return ["psycopg"], _run_by_asyncio(whole)


def _run_by_asyncio(body: Lines) -> list[Lines]:
    return [["", "async def main() -> None:", *indented(body)], ["", "asyncio.run(main())"]]


def asyncpg(case: Case, _place: Place) -> Written:
    """Asyncpg."""
    body = [
        f"connection = await asyncpg.connect({_keywords(case, 'timeout=5', 'command_timeout=10')})",
        'print("opened")',
    ]
    if having(case, "transaction"):
        inside = _inside(
            case, "connection.fetch", "await connection.fetchval({})", awaited=True, style="apart"
        )
        body += ["async with connection.transaction():", *indented(inside), 'print("committed")']
    return ["asyncpg"], _run_by_asyncio([*body, "await connection.close()"])


def _dialect(case: Case, driver: str, *fixed: str) -> str:
    arguments = [*fixed, *(part.text for part in having(case, "keyword"))]
    options = ", ".join(
        f'"{name}": {value}' for name, _, value in (each.partition("=") for each in arguments)
    )
    return f'URL.replace("postgresql://", "postgresql+{driver}://", 1), connect_args={{{options}}}'


def sqlalchemy(case: Case, _place: Place) -> Written:
    """SQLAlchemy over psycopg."""
    body = ['print("opened")']
    if having(case, "transaction"):
        inside = _inside(
            case,
            "connection.exec_driver_sql",
            "connection.exec_driver_sql({}).scalar()",
            awaited=False,
            style="named",
        )
        body += ["with connection.begin():", *indented(inside), 'print("committed")']
    call = _dialect(case, "psycopg", *_connect_timeout(case))
    lines = [f"engine = create_engine({call})", "with engine.connect() as connection:", *indented(body)]
    return ["from sqlalchemy import create_engine"], [lines]


def sqlalchemy_async(case: Case, _place: Place) -> Written:
    """SQLAlchemy over asyncpg."""
    body = ['print("opened")']
    if having(case, "transaction"):
        inside = _inside(
            case,
            "connection.exec_driver_sql",
            "(await connection.exec_driver_sql({})).scalar()",
            awaited=True,
            style="tuple",
        )
        body += ["async with connection.begin():", *indented(inside), 'print("committed")']
    call = _dialect(case, "asyncpg", "timeout=5", "command_timeout=10")
    whole = [
        f"engine = create_async_engine({call})",
        "async with engine.connect() as connection:",
        *indented(body),
    ]
    return (
        ["from sqlalchemy.ext.asyncio import create_async_engine"],
        _run_by_asyncio([*whole, "await engine.dispose()"]),
    )


def _call(text: str, params: Sequence[Parameter], function: str, *, awaited: bool, style: str) -> Lines:
    """A call that executes a statement."""
    sql = pyformat(text) if style == "named" and params else text
    given: object = named(params) if style == "named" else tuple(params)
    if not params:
        arguments = quoted(sql)
    elif style == "apart":
        arguments = ", ".join([quoted(sql), *(repr(each) for each in params)])
    else:
        arguments = f"{quoted(sql)}, {given!r}"
    return [f"{'await ' if awaited else ''}{function}({arguments})"]


def _inside(case: Case, function: str, first: str, *, awaited: bool, style: str) -> Lines:
    """What stands inside of BEGIN and COMMIT.

    Args:
        case: the parts.
        function: executes a statement.
        first: reads the first column of the first row of a query; ``{}`` stands for the query.
        awaited: whether the function is.
        style: of its parameters: ``named``, ``apart`` or ``tuple``.
    """
    observes = bool(having(case, "observe"))
    observe = [f"seen.add({first.format(quoted(_WHO))})"] if observes else []
    lines = ['print("begun")', *(["seen = set()"] if observes else []), *observe]
    for part in having(case, "setup", "insert"):
        lines += _call(part.text, part.params, function, awaited=awaited, style=style)
    if having(case, "insert"):
        lines.append('print("inserted")')
    if observes:
        lines += [
            *observe,
            "if len(seen) > 1:",
            '    raise NotAtomic(f"one transaction ran on {len(seen)} connections")',
        ]
    return lines
