"""A reproduction in Python: the driver and the standard library, as an application would write it.

It prints a word after each thing that worked (see `repro.probe.reproduction`), and lets the error escape.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence

from repro.reproduce import python_neon, python_postgres, python_queue
from repro.reproduce.case import Case, having
from repro.reproduce.drivers import Driver
from repro.reproduce.place import GREETINGS, MADE_UP, Place
from repro.reproduce.text import Lines, Written, joined, quoted

_NOT_ATOMIC = [
    "class NotAtomic(Exception):",
    '    """The statements of one transaction ran on several connections."""',
]

Writer = Callable[[Case, Place], Written]

_WRITERS: Mapping[str, Writer] = {
    "tcp.psycopg": python_postgres.psycopg,
    "tcp.psycopg-async": python_postgres.psycopg_async,
    "tcp.asyncpg": python_postgres.asyncpg,
    "orm.sqlalchemy-psycopg": python_postgres.sqlalchemy,
    "orm.sqlalchemy-asyncpg": python_postgres.sqlalchemy_async,
    "http.neon": python_neon.over_http,
    "ws.neon": python_neon.through_websocket,
    "push.redis-tcp": python_queue.redis,
    "push.upstash-rest": python_queue.upstash,
}


def render(driver: Driver, case: Case, place: Place, head: Sequence[str]) -> str:
    """The program as text.

    Args:
        driver: which one.
        case: the parts that it is made of.
        place: where its target is.
        head: lines of its docstring.
    """
    imports, blocks = _WRITERS[driver.probe](case, place)
    url = _url(case, place)
    server = _server(place)
    standard, foreign = _imported(imports, [line for block in [server, url, *blocks] for line in block])
    return joined(
        ['"""' + head[0], *head[1:], '"""'],
        standard,
        foreign,
        server,
        url,
        *([["", *_NOT_ATOMIC]] if having(case, "observe") else []),
        *blocks,
    )


_STANDARD = ("asyncio", "contextlib", "os", "re", "socket", "tempfile", "threading")


def _imported(needed: Iterable[str], body: Lines) -> tuple[Lines, Lines]:
    """The lines that import modules: the standard library's, as the body names them; and the others."""
    used = {name for name in _STANDARD if any(f"{name}." in line for line in body)}
    lines = sorted(
        (each if each.startswith("from ") else f"import {each}" for each in {*needed, *used}),
        key=_import_order,
    )
    standard = [line for line in lines if line.split()[1].partition(".")[0] in sys.stdlib_module_names]
    return standard, [line for line in lines if line not in standard]


def _import_order(line: str) -> tuple[bool, str]:
    return line.startswith("from "), line


def _server(place: Place) -> Lines:
    """A server that stands in for the target."""
    if not place.serves:
        return []
    greeting = GREETINGS.get(place.stand_in or "nobody")
    if place.stand_in == "silent":
        return [
            "# stands in for the target: connections are accepted by the system, and nobody answers",
            'listener = socket.create_server(("127.0.0.1", 0))',
        ]
    say = [f"        stream.sendall({greeting.encode()!r})"] if greeting else []
    return [
        "# stands in for the target",
        'listener = socket.create_server(("127.0.0.1", 0))',
        "",
        "",
        "def serve() -> None:",
        "    while True:",
        "        stream, _ = listener.accept()",
        *(say or ["        stream.recv(65536)  # what is not read would make a reset of the end"]),
        "        stream.close()" if not greeting else "        threading.Timer(1, stream.close).start()",
        "",
        "",
        "threading.Thread(target=serve, daemon=True).start()",
    ]


def _url(case: Case, place: Place) -> Lines:
    """The target's URL, with the parameters that the failure needs and no other ones."""
    parameters = having(case, "parameter")
    if place.stand_in is not None:
        query = "&".join(f"{part.name}={part.text or MADE_UP}" for part in parameters)
        port = "{listener.getsockname()[1]}" if place.serves else place.fixed_port
        text = place.base(port) + (f"?{query}" if query else "")
        return [f"URL = {'f' if place.serves else ''}{quoted(text)}"]
    hidden = any(not part.text for part in parameters)
    query = "&".join(f"{part.name}={part.text or f'{{QUERY[{part.name!r}]}}'}" for part in parameters)
    given = f'os.environ["{place.variable}"].partition("?")'
    asked = [f'QUERY = dict(pair.split("=", 1) for pair in {given}[2].split("&"))'] if hidden else []
    end = f" + {'f' if hidden else ''}{quoted(f'?{query}')}" if query else ""
    return [*asked, f"URL = {given}[0]{end}"]
