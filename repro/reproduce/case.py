"""What a reproduction is made of: the parts that a failure may need, each of which can be left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from repro.environment_facts import IN_FORCE
from repro.persistence import queue, schema
from repro.persistence.dsn import decoded, parse_url
from repro.persistence.model import Job, OrchestrationRequest
from repro.persistence.steps import Parameter
from repro.persistence.transaction import insert_jobs, insert_outbox
from repro.reproduce.drivers import Driver, target_url

Kind = Literal["statement", "option", "variable", "concurrency"]

KINDS: Sequence[Kind] = ("statement", "option", "variable", "concurrency")
"""The kinds of parts, in the order in which they are left out."""

Role = Literal[
    "login",  # in a tunnel: speak Postgres through what was opened
    "transaction",  # BEGIN … COMMIT, and what stands between
    "setup",
    "insert",
    "observe",  # which connection answers, and under which transaction's id
    "command",  # of the queue
    "parameter",  # of the URL
    "keyword",  # of the call that connects
    "variable",
    "at_once",
]

ACCOMPANYING = ("NEON_WS_PROXY", "NEON_FETCH_ENDPOINT", "NEON_PIPELINE_CONNECT")
"""Settings that only say where the serverless endpoints are, or how they are spoken to."""

_SECRET = re.compile(r"pass|secret|token|key|options|user|host|service|cert|crl", re.IGNORECASE)
"""Names of parameters that hold a secret, a person's word or a file of this machine, or may: Neon takes an
endpoint and a password in ``options``."""

_PLAIN_OPTIONS = re.compile(r"(-c\s*[a-z_.]+=[\w,.]*\s*)+")

_TABLE = re.compile(r"(CREATE TEMPORARY TABLE|INSERT INTO) [^ .(]*\.?(\w+)")


@dataclass(frozen=True, slots=True)
class Part:
    """One part.

    Args:
        kind: in which turn it is left out.
        role: what it is to the program.
        name: what a person reads.
        text: a statement, a value, or an argument in the driver's language; never a secret.
        params: of a statement; its name and text tell it from others.
    """

    kind: Kind
    role: Role
    name: str
    text: str = ""
    params: tuple[Parameter, ...] = field(default=(), compare=False)


Case = tuple[Part, ...]
"""The parts of one program, in order."""


def having(case: Iterable[Part], *roles: Role) -> list[Part]:
    """The parts of some roles."""
    return [part for part in case if part.role in roles]


def at_once(case: Iterable[Part]) -> int:
    """How many transactions run at once; one where nothing says so."""
    return int(next((part.text for part in case if part.role == "at_once"), "1"))


def keys_made(command: Part) -> list[str]:
    """The keys that a command of the queue leaves behind."""
    name, *arguments = map(str, command.params)
    if name == "EVAL":
        return arguments[2 : 2 + int(arguments[1])]
    return arguments[:1] if name == "RPUSH" else []


def whole(
    driver: Driver, variables: Mapping[str, str], environ: Mapping[str, str], *, durable: bool = False
) -> Case:
    """Everything that the probe did, and everything that it was given, as parts.

    Args:
        driver: which one.
        variables: the target's settings, under their environment names.
        environ: the environment of the probe, without them.
        durable: whether the probe made a schema of its own.
    """
    return (
        *(_of_the_queue() if driver.effect == "push" else _of_the_database(driver, durable=durable)),
        *_parameters(target_url(driver, variables)),
        *(Part("option", "keyword", text, text) for text in driver.keywords),
        *_variables(variables, environ),
        *((_together(driver.at_once),) if driver.at_once else ()),
    )


def _together(count: int) -> Part:
    return Part("concurrency", "at_once", f"{count} transactions at once", str(count))


def _of_the_database(driver: Driver, *, durable: bool) -> list[Part]:
    request = OrchestrationRequest(
        idempotency_key="reproduction", jobs=(Job(kind="generate", payload={"position": 1}),)
    )
    inserts = (
        insert_jobs(request, schema=schema.TEMPORARY),
        insert_outbox(request, schema=schema.TEMPORARY),
    )
    login = [Part("statement", "login", "log in")] if driver.logs_in_apart else []
    return [
        *login,
        Part("statement", "transaction", "BEGIN … COMMIT"),
        *([_SCHEMA] if durable else []),
        *(_setup(text) for text in schema.statements(schema.TEMPORARY, temporary=True)),
        *(Part("statement", "insert", _titled(each.sql), each.sql, each.params) for each in inserts),
        *([OBSERVED] if driver.observes else []),
    ]


_SCHEMA = Part(
    "statement",
    "setup",
    "CREATE SCHEMA",
    "DO $$ BEGIN CREATE SCHEMA txrepro_reproduction; DROP SCHEMA txrepro_reproduction; END $$",
)
"""It is gone before anybody sees it, also where the transaction commits."""

OBSERVED = Part("statement", "observe", "one connection for each transaction?")

SMALLEST_BODIES: Sequence[Sequence[Part]] = (
    (Part("statement", "insert", "SELECT 1", "SELECT 1"),),
    (
        Part(
            "statement",
            "setup",
            "CREATE TEMPORARY TABLE t",
            "CREATE TEMPORARY TABLE t (id int) ON COMMIT DROP",
        ),
        Part("statement", "insert", "INSERT INTO t", "INSERT INTO t VALUES (1)"),
    ),
)
"""What is tried in the place of the production statements, the shortest first."""

SMALLEST_COMMANDS: Sequence[Part] = (
    Part("statement", "command", "PING", "", ("PING",)),
    Part("statement", "command", "RPUSH", "", ("RPUSH", "reproduction", "1")),
)
"""What is tried in the place of the production push, the shortest first."""


def _setup(text: str) -> Part:
    return Part("statement", "setup", _titled(text), text)


def _titled(sql: str) -> str:
    found = _TABLE.findall(sql.replace('"', ""))
    return " ".join(found[-1]) if found else sql.partition("\n")[0]


def _of_the_queue() -> list[Part]:
    command = queue.push_command("reproduction", ("job-1",), window_s=60, proof=None)
    return [Part("statement", "command", "the production push (EVAL)", "", command.args)]


def _parameters(url: str) -> list[Part]:
    if not url:
        return []
    pairs = (pair.partition("=") for pair in url.partition("?")[2].split("&") if pair)
    names = parse_url(url).query
    return [
        Part("option", "parameter", name, value if _may_be_told(decoded(name), decoded(value)) else "")
        for name, _, value in pairs
        if decoded(name) in names
    ]


def _may_be_told(name: str, value: str) -> bool:
    return not _SECRET.search(name) or (name == "options" and _PLAIN_OPTIONS.fullmatch(value) is not None)


_TELLING = re.compile(
    r"PG(?:SSLMODE|CHANNELBINDING|GSSENCMODE|CONNECT_TIMEOUT|TZ|CLIENTENCODING|REQUIREAUTH|TARGETSESSIONATTRS)"
    r"|NEON_PIPELINE_CONNECT|NODE_TLS_REJECT_UNAUTHORIZED|PYTHON(?:DEVMODE|ASYNCIODEBUG)"
)
"""Variables whose values say something of a failure and nothing of a person."""

_PROXY_OF_THIS_MACHINE = re.compile(r"[a-z0-9]+://(?:127\.\d+\.\d+\.\d+|localhost|\[::1\])(?::\d+)?/?")


def _value_to_tell(name: str, value: str) -> str:
    """A variable's value as it may stand in a command; empty where it is left to a person."""
    is_proxy = name.upper().endswith("_PROXY") and name not in ACCOMPANYING
    if is_proxy and _PROXY_OF_THIS_MACHINE.fullmatch(value):
        return value
    return value if _TELLING.fullmatch(name) and re.fullmatch(r"[\w.+-]{1,40}", value) else ""


def _variables(variables: Mapping[str, str], environ: Mapping[str, str]) -> list[Part]:
    named = [name for name in ACCOMPANYING if variables.get(name) or environ.get(name)]
    read_by_drivers = sorted(
        name for name, value in environ.items() if value and IN_FORCE.fullmatch(name) and name not in named
    )
    known = {**environ, **variables}
    return [
        Part("variable", "variable", name, _value_to_tell(name, known[name]))
        for name in (*named, *read_by_drivers)
    ]
