"""Programs over Neon's serverless protocols: SQL over HTTP by httpx, and psycopg through a WebSocket."""

from __future__ import annotations

from repro.reproduce.case import Case, having
from repro.reproduce.place import Place
from repro.reproduce.python_postgres import psycopg_transaction
from repro.reproduce.text import Written, indented


def _variable(case: Case, name: str) -> bool:
    return any(part.name == name for part in having(case, "variable"))


def over_http(case: Case, _place: Place) -> Written:
    """One POST with all statements."""
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


def through_websocket(case: Case, _place: Place) -> Written:
    """The WebSocket; and psycopg in it, where the failure comes after the upgrade."""
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
        *indented(['print("opened")', *psycopg_transaction(case)]),
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
