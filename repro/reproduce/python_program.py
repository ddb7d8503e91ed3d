"""A reproduction in Python: the driver and the standard library, as an application would write it.

It prints a word after each thing that worked (see `repro.probe.reproduction`), and lets the error escape.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence

from repro.persistence.drivers.placeholders import named, pyformat
from repro.reproduce.case import Case, having
from repro.reproduce.drivers import Driver
from repro.reproduce.place import GREETINGS, MADE_UP, Place
from repro.reproduce.text import indented, joined, quoted

Lines = list[str]

NOT_ATOMIC = [
    "class NotAtomic(Exception):",
    '    """The statements of one transaction ran on several connections."""',
]

_WHO = "SELECT pg_backend_pid()"


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
        *([["", *NOT_ATOMIC]] if having(case, "observe") else []),
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


def _keywords(case: Case, *fixed: str) -> str:
    return ", ".join(["URL", *fixed, *(part.text for part in having(case, "keyword"))])


def _connect_timeout(case: Case) -> list[str]:
    """Libpq takes it from the URL too."""
    return (
        []
        if any(part.name == "connect_timeout" for part in having(case, "parameter"))
        else ["connect_timeout=5"]
    )


def _call(text: str, params: Sequence[object], function: str, *, awaited: bool, style: str) -> Lines:
    """A call that executes a statement."""
    sql = pyformat(text) if style == "named" and params else text
    given: object = named(params) if style == "named" else tuple(params)  # type: ignore[arg-type]
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


def _psycopg(case: Case, _place: Place) -> tuple[list[str], list[Lines]]:
    call = _keywords(case, *_connect_timeout(case), "autocommit=True")
    body = ['print("opened")', *_psycopg_transaction(case)]
    return ["psycopg"], [[f"with psycopg.connect({call}) as connection:", *indented(body)]]


def _psycopg_transaction(case: Case) -> Lines:
    if not having(case, "transaction"):
        return []
    inside = _inside(
        case, "connection.execute", "connection.execute({}).fetchone()[0]", awaited=False, style="named"
    )
    return ["with connection.transaction():", *indented(inside), 'print("committed")']


def _psycopg_async(case: Case, _place: Place) -> tuple[list[str], list[Lines]]:
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


def _asyncpg(case: Case, _place: Place) -> tuple[list[str], list[Lines]]:
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


def _sqlalchemy(case: Case, _place: Place) -> tuple[list[str], list[Lines]]:
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


def _sqlalchemy_async(case: Case, _place: Place) -> tuple[list[str], list[Lines]]:
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


def _variable(case: Case, name: str) -> bool:
    return any(part.name == name for part in having(case, "variable"))


def _neon_http(case: Case, _place: Place) -> tuple[list[str], list[Lines]]:
    derived = not _variable(case, "NEON_FETCH_ENDPOINT")
    endpoint = ['ENDPOINT = os.environ["NEON_FETCH_ENDPOINT"]']
    if derived:
        endpoint = [
            "# the rule of Neon's own driver: the first label of a host with a dot becomes `api`, no port",
            'ENDPOINT = "https://" + re.sub(r"^[^.]+[.]", "api.", urlsplit(URL).hostname) + "/sql"',
        ]
    statements = [*having(case, "setup", "insert")] if having(case, "transaction") else []
    queries = [
        {"query": part.text, "params": [_as_text(each) for each in part.params]} for part in statements
    ]
    listed = (
        ["QUERIES = [", *indented(f"{query!r}," for query in queries), "]"] if queries else ["QUERIES = []"]
    )
    send = [
        "response = httpx.post(",
        "    ENDPOINT,",
        '    headers={"Neon-Connection-String": URL, "Neon-Raw-Text-Output": "true"},',
        '    json={"queries": QUERIES},',
        "    timeout=httpx.Timeout(10, connect=5),",
        ")",
        "if not response.is_success:",
        "    raise NeonError(response)",
        'print("committed")',
    ]
    imports = ["httpx", *(["from urllib.parse import urlsplit"] if derived else [])]
    return imports, [
        endpoint,
        listed,
        ["", *_NEON_ERROR],
        ["", *send],
    ]


_NEON_ERROR = [
    "class NeonError(Exception):",
    '    """What was answered in the place of rows."""',
    "",
    "    def __init__(self, response):",
    '        body = response.json() if "json" in response.headers.get("content-type", "") else {}',
    '        super().__init__(body.get("message") or f"HTTP {response.status_code}: {response.text[:200]}")',
    '        self.status, self.sqlstate = response.status_code, body.get("code")',
]


def _as_text(value: object) -> object:
    """A parameter as Neon's protocol has it: text, arrays in Postgres's own form."""
    if isinstance(value, list):
        escaped = (str(each).replace("\\", "\\\\").replace('"', '\\"') for each in value)
        return "{" + ",".join(f'"{each}"' for each in escaped) + "}"
    return value


def _neon_websocket(case: Case, _place: Place) -> tuple[list[str], list[Lines]]:
    endpoint = (
        [
            'proxy = os.environ["NEON_WS_PROXY"]',
            'scheme = "" if "://" in proxy else "wss://"',
            'ENDPOINT = f"{scheme}{proxy}?address={urlsplit(URL).hostname}:{urlsplit(URL).port or 5432}"',
        ]
        if _variable(case, "NEON_WS_PROXY")
        else [
            "# the rule of Neon's own driver: the host is kept, the port is dropped",
            'ENDPOINT = f"wss://{urlsplit(URL).hostname}/v2"',
        ]
    )
    imports = ["from urllib.parse import urlsplit", "from websockets.sync.client import connect"]
    dial = "with connect(ENDPOINT, open_timeout=5, ping_interval=None, compression=None) as websocket:"
    if not having(case, "login"):
        return imports, [endpoint, [dial, '    print("upgraded")']]
    log_in = [
        "login = {name: value for name, value in conninfo_to_dict(URL).items() if name not in OF_TLS}",
        'login |= {"host": folder, "hostaddr": "", "port": "5432", "connect_timeout": 5}',
        'login |= {"sslmode": "disable", "channel_binding": "disable"}',
        "with psycopg.connect(**login, autocommit=True) as connection:",
        *indented(['print("opened")', *_psycopg_transaction(case)]),
    ]
    enter = ["with tempfile.TemporaryDirectory() as folder, entrance(folder, websocket):", *indented(log_in)]
    of_tls = [
        "# TLS is the WebSocket's affair, and not that of what is inside",
        'OF_TLS = {"channel_binding", "sslmode", "sslnegotiation", "sslrootcert"}',
    ]
    imports += ["psycopg", "from psycopg.conninfo import conninfo_to_dict"]
    return imports, [[*endpoint, "", *of_tls], ["", *_TUNNEL], ["", dial, *indented(enter)]]


_TUNNEL = [
    "@contextlib.contextmanager",
    "def entrance(folder, websocket):",
    '    """A Unix socket through which psycopg enters the WebSocket."""',
    "    listener = socket.socket(socket.AF_UNIX)",
    '    listener.bind(f"{folder}/.s.PGSQL.5432")',
    "    listener.listen(1)",
    "",
    "    def carry():",
    "        stream, _ = listener.accept()",
    "        threading.Thread(target=outward, args=(stream,), daemon=True).start()",
    "        with contextlib.suppress(Exception):",
    "            while True:",
    "                stream.sendall(websocket.recv(decode=False))",
    "        stream.close()",
    "",
    "    def outward(stream):",
    "        with contextlib.suppress(Exception):",
    "            while data := stream.recv(65536):",
    "                websocket.send(data)",
    "        websocket.close()",
    "",
    "    threading.Thread(target=carry, daemon=True).start()",
    "    yield",
    "    listener.close()",
]


def _redis(case: Case, _place: Place) -> tuple[list[str], list[Lines]]:
    lines = [
        "client = redis.Redis.from_url(",
        "    URL,",
        "    socket_connect_timeout=5,",
        "    socket_timeout=5,",
        "    retry=Retry(NoBackoff(), 0),",
        "    single_connection_client=True,",
        "    protocol=2,",
        ")",
        'print("opened")',
    ]
    for part in having(case, "command"):
        lines += [f"client.execute_command({', '.join(quoted(str(each)) for each in part.params)})"]
        lines += ['print("pushed")', *(f"client.delete({key!r})" for key in _keys_made(part.params))]
    imports = ["redis", "from redis.backoff import NoBackoff", "from redis.retry import Retry"]
    return imports, [lines]


def _keys_made(command: Sequence[object]) -> list[str]:
    """The keys that a command leaves behind."""
    name, *arguments = map(str, command)
    if name == "EVAL":
        return arguments[2 : 2 + int(arguments[1])]
    return arguments[:1] if name == "RPUSH" else []


def _upstash(case: Case, _place: Place) -> tuple[list[str], list[Lines]]:
    lines = ['HEADERS = {"Authorization": f"Bearer {TOKEN}"}']
    function = [
        "",
        "def command(*args):",
        "    response = httpx.post(URL, headers=HEADERS, json=args, timeout=httpx.Timeout(5, connect=5))",
        "    if not response.is_success:",
        "        raise UpstashRefusedError(response)",
        '    return response.json()["result"]',
    ]
    token = (
        'TOKEN = "token"' if _place.stand_in is not None else 'TOKEN = os.environ["UPSTASH_REDIS_REST_TOKEN"]'
    )
    calls: Lines = [""]
    for part in having(case, "command"):
        calls += [f"command({', '.join(quoted(str(each)) for each in part.params)})", 'print("pushed")']
        calls += [f'command("DEL", {key!r})' for key in _keys_made(part.params)]
    return ["httpx"], [[token, *lines], ["", *_UPSTASH_ERROR], function, calls]


_UPSTASH_ERROR = [
    "class UpstashRefusedError(Exception):",
    '    """What was answered in the place of a result."""',
    "",
    "    def __init__(self, response):",
    "        super().__init__(response.text[:300])",
    "        self.status = response.status_code",
]

Writer = Callable[[Case, Place], tuple[list[str], list[Lines]]]

_WRITERS: Mapping[str, Writer] = {
    "tcp.psycopg": _psycopg,
    "tcp.psycopg-async": _psycopg_async,
    "tcp.asyncpg": _asyncpg,
    "orm.sqlalchemy-psycopg": _sqlalchemy,
    "orm.sqlalchemy-asyncpg": _sqlalchemy_async,
    "http.neon": _neon_http,
    "ws.neon": _neon_websocket,
    "push.redis-tcp": _redis,
    "push.upstash-rest": _upstash,
}
"""For each driver: what it imports, and the blocks of its program."""
