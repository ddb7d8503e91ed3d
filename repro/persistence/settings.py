"""Where the database and the queue are, judged before anything is dialled.

A driver that is given an empty URL dials a default that nobody configured; one that is given another kind of
URL says so in its own words, if at all, and some print the password. So each value is checked here for its
kind. What is right for one driver and wrong for another (``postgres://`` for SQLAlchemy) passes: that is for
the driver to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from repro.persistence.dsn import MalformedUrl, Url, parse_url
from repro.persistence.endpoints import postgres_hosts
from repro.persistence.errors import SettingsError

DATABASE_VARIABLES = ("DATABASE_URL", "POSTGRES_URL")
"""Where the database's URL is looked for, in order."""

DATABASE_SCHEMES = frozenset({"postgresql", "postgres", "postgresql+psycopg", "postgresql+asyncpg"})
"""Each is accepted by one of the drivers here, if not by all."""

_REDIS_SCHEMES = frozenset({"redis", "rediss"})
_HTTP_SCHEMES = frozenset({"http", "https"})
_NOTHING = frozenset({"undefined", "null", "none", "nil"})
"""What programs write when they mean that there is no value."""

_ENCODE = "percent-encode the password (@ as %40, / as %2F, : as %3A, # as %23, ? as %3F, [ as %5B, % as %25)"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long anything may wait, in seconds; nothing waits for ever.

    Args:
        connect_s: for one connection to be made, with TLS and authentication.
        statement_s: for the whole answer to one statement, or to one HTTP batch.
        command_s: for the whole answer to one command of the queue.
        close_s: for a connection to say goodbye.
        lock_s: for another transaction under the same idempotency key to end; at most half of ``statement_s``
            counts, so that the server says it before the client gives up.
        settle_s: for finding out what became of something whose answer was lost.
    """

    connect_s: float = 5.0
    statement_s: float = 10.0
    command_s: float = 5.0
    close_s: float = 2.0
    lock_s: float = 4.0
    settle_s: float = 10.0

    def __post_init__(self) -> None:
        every = (
            self.connect_s, self.statement_s, self.command_s, self.close_s, self.lock_s, self.settle_s
        )  # fmt: skip
        if min(every) <= 0:
            raise ValueError("a timeout is a number of seconds above zero")

    @property
    def lock_ms(self) -> int:
        """Milliseconds for ``lock_timeout``, at least one: zero would be no limit."""
        return max(1, int(min(self.lock_s, self.statement_s / 2) * 1000))


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of an environment; what is not set is None.

    Args:
        database_url: ``postgresql://…``, from ``DATABASE_URL`` or else ``POSTGRES_URL``.
        redis_url: ``redis://…`` or ``rediss://…``, from ``UPSTASH_REDIS_URL``.
        rest_url: ``https://…``, from ``UPSTASH_REDIS_REST_URL``.
        rest_token: from ``UPSTASH_REDIS_REST_TOKEN``.
        neon_fetch_endpoint: the full URL of Neon's SQL over HTTP, from ``NEON_FETCH_ENDPOINT``.
        neon_ws_proxy: ``host:port/path`` of Neon's WebSocket, from ``NEON_WS_PROXY``.
        timeouts: how long anything may wait.
    """

    database_url: str | None = field(default=None, repr=False)
    redis_url: str | None = field(default=None, repr=False)
    rest_url: str | None = field(default=None, repr=False)
    rest_token: str | None = field(default=None, repr=False)
    neon_fetch_endpoint: str | None = field(default=None, repr=False)
    neon_ws_proxy: str | None = field(default=None, repr=False)
    timeouts: Timeouts = field(default_factory=Timeouts)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Read and judge the variables that are set.

        Args:
            environ: such as ``os.environ``. ``PGHOST`` in it stands in for a host that a database's URL
                leaves out.

        Raises:
            SettingsError: if one that is set cannot be used; its text names the variable, never the value.
        """
        database = next((name for name in DATABASE_VARIABLES if name in environ), DATABASE_VARIABLES[0])
        settings = cls(
            database_url=_judged(environ, database, _database_judge(environ)),
            redis_url=_judged(environ, "UPSTASH_REDIS_URL", _judge_redis),
            rest_url=_judged(environ, "UPSTASH_REDIS_REST_URL", _judge_rest),
            rest_token=_judged(environ, "UPSTASH_REDIS_REST_TOKEN", _judge_token),
            neon_fetch_endpoint=_judged(environ, "NEON_FETCH_ENDPOINT", _judge_fetch_endpoint),
            neon_ws_proxy=_judged(environ, "NEON_WS_PROXY", _judge_ws_proxy),
        )
        _check_pair(settings)
        return settings

    def require_database(self) -> str:
        """The database's URL.

        Raises:
            SettingsError: if there is none.
        """
        if self.database_url is None:
            raise SettingsError(
                DATABASE_VARIABLES[0], "cfg-url-missing", "is not set",
                "set it, or POSTGRES_URL, to postgresql://USER:PASSWORD@HOST:PORT/NAME",
            )  # fmt: skip
        return self.database_url


Judge = Callable[[str, str], None]
"""Is given a variable's name and its value, and raises SettingsError if it will not do."""


def _judged(environ: Mapping[str, str], variable: str, judge: Judge) -> str | None:
    if variable not in environ:
        return None
    value = environ[variable]
    _check_present(variable, value)
    judge(variable, value)
    return value


def _check_present(variable: str, value: str) -> None:
    """The faults that any value may have, whatever its kind."""
    cause = "up-401" if variable.endswith("TOKEN") else "config-url-malformed"
    if not value.strip():
        raise SettingsError(variable, "cfg-url-missing", "is empty", "set it, or unset it altogether")
    if value.strip().lower() in _NOTHING:
        raise SettingsError(
            variable, "cfg-url-missing", "is the word that a program writes for no value",
            "find out what wrote it there; set the value, or unset the variable altogether",
        )  # fmt: skip
    if {value.strip()[0], value.strip()[-1]} & set("\"'`"):
        raise SettingsError(variable, "config-quoted", "begins or ends with a quotation mark", "remove it")
    if not value.isprintable() or " " in value:
        raise SettingsError(
            variable, cause, "holds a space, a line break or a control character",
            "remove it, or percent-encode it where it belongs to a password",
        )  # fmt: skip


def _parsed(variable: str, value: str, remedy: str) -> Url:
    """A URL whose password has been checked for characters that cut it short."""
    _check_escaping(variable, value)
    try:
        return parse_url(value)
    except MalformedUrl as error:
        raise SettingsError(
            variable, "config-url-malformed", f"cannot be read, {error}", f"{remedy}, and {_ENCODE}"
        ) from None


def _check_escaping(variable: str, value: str) -> None:
    """Find characters of a password that ended the host part too early, or began it too late."""
    rest = value.partition("://")[2]
    cut = min((rest.index(mark) for mark in "/?#" if mark in rest), default=len(rest))
    authority, tail = rest[:cut], rest[cut:]
    before_query = tail.partition("?")[0]
    bracketed = any(mark in authority.rpartition("@")[0] for mark in "[]")
    in_query = "@" in tail and "@" not in authority
    if authority.count("@") > 1 or "@" in before_query or in_query or "#" in tail or bracketed:
        raise SettingsError(
            variable, "config-url-unescaped", "holds a character that cuts the URL short", _ENCODE
        )


def _scheme(value: str) -> str:
    scheme, separator, _ = value.partition("://")
    return scheme.lower() if separator else ""


def _database_judge(environ: Mapping[str, str]) -> Judge:
    def judge(variable: str, value: str) -> None:
        scheme = _scheme(value)
        remedy = "give postgresql://USER:PASSWORD@HOST:PORT/NAME"
        if scheme in _REDIS_SCHEMES | _HTTP_SCHEMES:
            raise SettingsError(variable, "config-wrong-kind", "is no database's URL", remedy)
        if scheme.startswith("postgresql+") and scheme not in DATABASE_SCHEMES:
            raise SettingsError(
                variable, "cfg-scheme-crossed", "names a driver that none of the drivers here is", remedy
            )
        if scheme and scheme not in DATABASE_SCHEMES:
            raise SettingsError(variable, "config-wrong-kind", "is no URL of Postgres", remedy)
        url = _parsed(variable, value, remedy)
        named = any(url.query.get(name) or environ.get(f"PG{name.upper()}") for name in ("host", "hostaddr"))
        if not all(each.host for each in url.hosts) and not named:
            raise SettingsError(variable, "config-host-missing", "names no host", remedy)
        try:
            postgres_hosts(url, environ)
        except MalformedUrl as error:
            raise SettingsError(
                variable, "config-url-malformed", f"cannot be read, {error}", remedy
            ) from None

    return judge


def _judge_redis(variable: str, value: str) -> None:
    scheme, remedy = _scheme(value), "give rediss://default:PASSWORD@HOST:PORT"
    if scheme in _HTTP_SCHEMES:
        raise SettingsError(
            variable, "redis-rest-url", "holds a REST URL",
            f"{remedy}; the REST URL belongs in UPSTASH_REDIS_REST_URL",
        )  # fmt: skip
    if scheme and scheme not in _REDIS_SCHEMES:
        raise SettingsError(variable, "config-wrong-kind", "is no Redis URL", remedy)
    _require_host(variable, _parsed(variable, value, remedy), remedy)


def _judge_rest(variable: str, value: str) -> None:
    scheme, remedy = _scheme(value), "give the https:// URL of the REST endpoint"
    if scheme in _REDIS_SCHEMES:
        raise SettingsError(
            variable, "up-redis-url-in-rest", "holds a Redis URL",
            f"{remedy}; the Redis URL belongs in UPSTASH_REDIS_URL",
        )  # fmt: skip
    _judge_web(variable, value, remedy)


def _judge_fetch_endpoint(variable: str, value: str) -> None:
    _judge_web(variable, value, "give a full URL such as https://HOST:PORT/sql")


def _judge_web(variable: str, value: str, remedy: str) -> None:
    scheme = _scheme(value)
    if scheme and scheme not in _HTTP_SCHEMES:
        raise SettingsError(variable, "config-wrong-kind", "is no https:// URL", remedy)
    _require_host(variable, _parsed(variable, value, remedy), remedy)


def _judge_ws_proxy(variable: str, value: str) -> None:
    remedy = "give HOST:PORT/v2, with ws:// or wss:// before it if needed"
    scheme = _scheme(value)
    if scheme and scheme not in {"ws", "wss"}:
        raise SettingsError(variable, "config-wrong-kind", "is no WebSocket proxy", remedy)
    if "?" in value or "#" in value:
        raise SettingsError(variable, "config-url-malformed", "holds a query", remedy)
    _require_host(variable, _parsed(variable, value if scheme else f"wss://{value}", remedy), remedy)


def _judge_token(variable: str, value: str) -> None:
    if not value.isascii() or "://" in value:
        raise SettingsError(
            variable,
            "up-401",
            "is no token",
            "copy UPSTASH_REDIS_REST_TOKEN from the console, whole and bare",
        )


def _require_host(variable: str, url: Url, remedy: str) -> None:
    if not url.host or len(url.hosts) > 1:
        raise SettingsError(variable, "config-host-missing", "names no host, or several", remedy)


def _check_pair(settings: Settings) -> None:
    if settings.rest_url is not None and settings.rest_token is None:
        raise SettingsError(
            "UPSTASH_REDIS_REST_TOKEN", "up-401", "is not set, and UPSTASH_REDIS_REST_URL is", "set both"
        )
    if settings.rest_token is not None and settings.rest_url is None:
        raise SettingsError(
            "UPSTASH_REDIS_REST_URL",
            "cfg-url-missing",
            "is not set, and UPSTASH_REDIS_REST_TOKEN is",
            "set both",
        )
