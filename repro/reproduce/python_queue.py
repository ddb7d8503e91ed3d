"""Programs over the queue's clients: redis-py, and Upstash REST by httpx."""

from __future__ import annotations

from repro.reproduce.case import Case, having, keys_made
from repro.reproduce.place import Place
from repro.reproduce.text import Lines, Written, quoted


def redis(case: Case, _place: Place) -> Written:
    """redis-py, without its own retries."""
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
        lines += ['print("pushed")', *(f"client.delete({key!r})" for key in keys_made(part))]
    imports = ["redis", "from redis.backoff import NoBackoff", "from redis.retry import Retry"]
    return imports, [lines]


def upstash(case: Case, place: Place) -> Written:
    """A POST for each command."""
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
        'TOKEN = "token"' if place.stand_in is not None else 'TOKEN = os.environ["UPSTASH_REDIS_REST_TOKEN"]'
    )
    calls: Lines = [""]
    for part in having(case, "command"):
        calls += [f"command({', '.join(quoted(str(each)) for each in part.params)})", 'print("pushed")']
        calls += [f'command("DEL", {key!r})' for key in keys_made(part)]
    return ["httpx"], [[token, *lines], ["", *_UPSTASH_ERROR], function, calls]


_UPSTASH_ERROR = [
    "class UpstashRefusedError(Exception):",
    '    """What was answered in the place of a result."""',
    "",
    "    def __init__(self, response):",
    "        super().__init__(response.text[:300])",
    "        self.status = response.status_code",
]
