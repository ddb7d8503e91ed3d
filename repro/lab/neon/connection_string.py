"""The ``Neon-Connection-String`` header: who logs in to which database. Host and port in it are not used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote_to_bytes, urlsplit

from repro.lab.neon.errors import own_error

_PASSED_ON = ("application_name", "options")
"""Query parameters that become startup parameters; others, such as ``sslmode``, concern its own hop."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What to log in with.

    Args:
        user: the role.
        password: its password, never shown.
        database: the database's name.
        settings: startup parameters that the client asked for.
    """

    user: str
    password: str = field(repr=False)
    database: str
    settings: Mapping[str, str]

    async def get_password(self) -> str:
        """The password, for a login that asks for it."""
        return self.password

    @property
    def startup_parameters(self) -> dict[str, str]:
        """The parameters of the startup packet."""
        return {"user": self.user, "database": self.database, "client_encoding": "UTF8", **self.settings}


def parse_connection_string(value: str | None) -> Credentials:
    """Take the header apart.

    Args:
        value: of the header, its bytes decoded as Latin-1; None when it is missing.

    Raises:
        SqlEndpointError: 400 with a message of Neon's proxy; the value itself is never repeated.
    """
    if value is None:
        raise own_error(400, "invalid header: neon-connection-string")
    bare, user, password = _without_userinfo(value)
    try:
        url = urlsplit(bare)
    except ValueError as error:
        raise own_error(400, "invalid connection string: it cannot be parsed as a URL") from error
    if url.scheme not in {"postgres", "postgresql"}:
        raise own_error(400, "incorrect scheme")
    return Credentials(
        user=_name(user, "username"),
        password=_password(password),
        database=_name(url.path[1:].partition("/")[0], "database name"),
        settings={name: _text(text) for name, text in parse_qsl(url.query) if name in _PASSED_ON},
    )


def _without_userinfo(value: str) -> tuple[str, str, str]:
    """The URL without its user and password, and these two; a password may hold a bracket, a host may not."""
    scheme, _, rest = value.partition("://")
    end = min((rest.index(mark) for mark in "/?#" if mark in rest), default=len(rest))
    userinfo, _, host = rest[:end].rpartition("@")
    user, _, password = userinfo.partition(":")
    return f"{scheme}://{host}{rest[end:]}", user, password


def _name(part: str | None, what: str) -> str:
    if not part:
        raise own_error(400, f"missing {what}")
    try:
        return _text(_decoded(part).decode())
    except UnicodeDecodeError as error:
        raise own_error(400, f"invalid {what}: invalid utf-8 sequence") from error


def _password(part: str | None) -> str:
    if not part:
        raise own_error(400, "missing authentication credentials: required password")
    return _text(_decoded(part).decode("utf-8", "surrogateescape"))


def _decoded(part: str) -> bytes:
    return unquote_to_bytes(part.encode("latin-1"))


def _text(value: str) -> str:
    if "\0" in value:
        raise own_error(400, "invalid connection string: a value holds a NUL")
    return value
