"""Takes connection URLs apart, the way libpq and the Redis clients do.

The standard library's parser refuses several hosts in one URL, and its errors quote the password. The errors
raised here are fixed texts: none of them holds a part of the URL.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

_SHAPE = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)"
    r"(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?",
    re.DOTALL,
)
_HOST = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>.*))?", re.DOTALL)
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


class MalformedUrl(ValueError):  # noqa: N818 - it says what is wrong
    """A URL that cannot be taken apart. The text is fixed: it holds nothing of the URL."""


@dataclass(frozen=True, slots=True)
class HostPort:
    """One host of a URL, without the brackets of an IPv6 address, and its port if one is written."""

    host: str
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Url:
    """A URL, taken apart and percent-decoded.

    Args:
        scheme: in lower case.
        hosts: at least one; an absent host is ``""``.
        path: without its leading slash; the database's name.
        user: None if there is none.
        password: None if there is none.
        query: the last value of each name.
        written_password: the password as it stands in the URL.
        fragment: what follows a ``#``; None if there is none.
    """

    scheme: str
    hosts: tuple[HostPort, ...]
    path: str = field(repr=False, default="")
    user: str | None = field(repr=False, default=None)
    password: str | None = field(repr=False, default=None)
    query: dict[str, str] = field(repr=False, default_factory=dict)
    written_password: str | None = field(repr=False, default=None)
    fragment: str | None = field(repr=False, default=None)

    @property
    def host(self) -> str:
        """The first host."""
        return self.hosts[0].host

    @property
    def port(self) -> int | None:
        """The first host's port."""
        return self.hosts[0].port


def parse_url(text: str) -> Url:
    """Take a URL apart.

    Args:
        text: a URL with an authority, such as ``postgresql://user:password@host:5432/name?sslmode=require``;
            several hosts are separated by commas.

    Raises:
        MalformedUrl: if it has not that shape, a port is none, or a percent sequence is broken.
    """
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise MalformedUrl("it is not of the form scheme://user:password@host:port/name")
    if _BAD_PERCENT.search(text):
        raise MalformedUrl("a % is not followed by two hexadecimal digits")
    userinfo, at, addresses = match["authority"].rpartition("@")
    user, colon, password = userinfo.partition(":")
    return Url(
        scheme=match["scheme"].lower(),
        hosts=tuple(_hosts(addresses)),
        path=decoded(match["path"].removeprefix("/")),
        user=decoded(user) if at else None,
        password=decoded(password) if colon else None,
        query=_query(match["query"] or ""),
        written_password=password if colon else None,
        fragment=match["fragment"],
    )


def decoded(text: str) -> str:
    """Percent-decoded text.

    Raises:
        MalformedUrl: if what comes out is not UTF-8, or holds a NUL, which neither server takes.
    """
    try:
        plain = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise MalformedUrl("a percent sequence is not UTF-8") from None
    if "\0" in plain:
        raise MalformedUrl("it holds a NUL character")
    return plain


def _query(text: str) -> dict[str, str]:
    """The parameters; a ``+`` stays one, as libpq has it."""
    pairs = (pair.partition("=") for pair in text.split("&") if pair)
    return {decoded(name): decoded(value) for name, _, value in pairs}


def _hosts(addresses: str) -> Iterator[HostPort]:
    for address in addresses.split(","):
        match = _HOST.fullmatch(address)
        if match is None:
            raise MalformedUrl("its host is malformed")
        host = match["host"].removeprefix("[").removesuffix("]")
        yield HostPort(decoded(host), parse_port(match["port"] or ""))


def parse_port(text: str) -> int | None:
    """A port as written; None where it is left out.

    Raises:
        MalformedUrl: if it is no number from 1 to 65535.
    """
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise MalformedUrl("its port is not a number")
    if len(text) > 5 or not 1 <= int(text) <= 65535:
        raise MalformedUrl("its port is not within 1 to 65535")
    return int(text)
