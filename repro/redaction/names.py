"""Names that say whose a target is: its hosts, their addresses, and the users on them.

They are no secrets, and a report is better without them. What everybody has (loopback, private networks,
reserved domains) stays readable, and so does the end of a name that says which service it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal
from urllib.parse import quote

from repro.redaction.words import PUBLIC_WORDS

Kind = Literal["host", "user", "ipv4", "ipv6"]

SHORTEST = 4
"""Characters of a user, or of a host without a dot, from which it is replaced."""

ALONE_FROM = 8
"""Characters of a label from which it is replaced without the rest of its host too."""

SERVICES = (
    *("neon.tech", "neon.build", "upstash.io", "supabase.co", "supabase.com", "vercel-storage.com"),
    *("rds.amazonaws.com", "cache.amazonaws.com", "postgres.database.azure.com", "redis.cache.windows.net"),
    *("render.com", "railway.app", "rlwy.net", "db.ondigitalocean.com", "aivencloud.com", "fly.dev"),
)
"""Ends of names that say which service runs a server, and not for whom."""

_RESERVED = frozenset({"localhost", "test", "invalid", "example"})
"""Top-level domains that nobody owns (RFC 6761)."""

_OF_ALL = ("example.com", "example.net", "example.org", "docker.internal")

_PUBLIC_USERS = PUBLIC_WORDS | {"neondb_owner"}
"""Users that a service or an image gives to everybody."""

_OF_A_REGION = re.compile(
    r"api|aws|azure|gcp|db|kv|pooler|proxy|c-\d+|(?:aws-\d+-)?[a-z]{2}(?:-gov)?-[a-z]+-\d+"
)
"""Labels of a service's names that tell its region or part, such as ``us-east-2`` and ``pooler``."""

_POOLED = "-pooler"
_REPLACED = r"\[(?:redacted|host|user|ipv[46]):[0-9a-f]{6}\]"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to replace.

    Args:
        kind: what it is.
        name: what its token is made of: two spellings of one name have the same token.
        pattern: how it is found.
    """

    kind: Kind
    name: str
    pattern: str


class Names:
    """Finds the foreign hosts, their addresses and their users in a text.

    Args:
        hosts: names and literal addresses, in brackets or not; those that stay readable are passed over.
        users: those on them; words that many have are passed over.
    """

    def __init__(self, hosts: Iterable[str], users: Iterable[str] = ()) -> None:
        self._know(
            [
                *(entry for host in hosts for entry in _of_host(host)),
                *(entry for user in users for entry in _of_user(user)),
            ]
        )

    def _know(self, entries: Iterable[Entry]) -> None:
        # Of two that begin at one place the longer one is meant.
        self._entries = sorted(dict.fromkeys(entries), key=lambda each: (-len(each.pattern), each.pattern))
        groups = [_REPLACED, *(f"({each.pattern})" for each in self._entries)]
        self._found = re.compile("|".join(groups), re.IGNORECASE)

    def __or__(self, other: Names) -> Names:
        """What either of them finds."""
        both = Names(())
        both._know([*self._entries, *other._entries])
        return both

    def __bool__(self) -> bool:
        return bool(self._entries)

    def replaced(self, text: str, token: Callable[[Kind, str], str]) -> str:
        """The text with a token for each of them; a token that is there already stays.

        Args:
            text: any.
            token: makes one, of a kind and a name.
        """
        if not self._entries:
            return text

        def replacement(found: re.Match[str]) -> str:
            if found.lastindex is None:
                return found[0]
            entry = self._entries[found.lastindex - 1]
            return token(entry.kind, entry.name)

        return self._found.sub(replacement, text)


def is_readable(host: str) -> bool:
    """Whether a host says nothing of anybody: loopback, private, reserved, a socket's path, a word of many.

    Args:
        host: a name or a literal address, in brackets or not.
    """
    name = _plain(host)
    address = _address(name)
    if address is not None:
        return not _is_foreign(address)
    labels = name.split(".")
    return (
        not name
        or name.startswith(("/", "@"))
        or labels[-1] in _RESERVED
        or labels[-1].isdigit()  # what a serverless driver makes of an address: ``api.0.0.1``
        or any(name == each or name.endswith(f".{each}") for each in _OF_ALL)
        or (len(labels) == 1 and _is_common(name, PUBLIC_WORDS))
    )


def _of_host(host: str) -> Iterator[Entry]:
    if is_readable(host):
        return
    name = _plain(host)
    address = _address(name)
    if address is not None:
        yield from _of_address(address, name)
        return
    service = next((each for each in SERVICES if name.endswith(f".{each}")), None)
    if service is not None:
        yield from _of_labels(name.removesuffix(f".{service}").split("."), service)
        return
    yield Entry("host", name, _standing_alone(re.escape(name)))
    parent = name.partition(".")[2]
    if "." in parent:  # ``api.<parent>`` is what Neon's driver dials, ``*.<parent>`` what a certificate names
        yield Entry("host", parent, _standing_alone(re.escape(parent)))


def _of_labels(labels: list[str], service: str) -> Iterator[Entry]:
    """The labels of a service's name that are somebody's own; ``-pooler`` stays."""
    for place, label in enumerate(labels):
        own = label.removesuffix(_POOLED)
        if not own or _OF_A_REGION.fullmatch(own) or own in PUBLIC_WORDS:
            continue
        after = "".join(rf"\.{re.escape(each)}" for each in [*labels[place + 1 :], service])
        with_the_rest = rf"(?=(?:{_POOLED})?{after})" if len(own) < ALONE_FROM else ""
        yield Entry("host", own, _standing_alone(re.escape(own)) + with_the_rest)


def _of_address(address: IPv4Address | IPv6Address, written: str) -> Iterator[Entry]:
    """A literal address in each of its spellings; with the brackets that it has in a URL."""
    if isinstance(address, IPv4Address):
        yield Entry("ipv4", str(address), rf"(?<![\d.]){re.escape(str(address))}(?!\d|\.\d)")
        _, _, rest = str(address).partition(".")
        yield Entry("host", rest, rf"(?<=api\.){re.escape(rest)}(?!\d)")
        return
    if address.ipv4_mapped is not None:
        yield from _of_address(address.ipv4_mapped, "")
    for spelling in dict.fromkeys((written, address.compressed, address.exploded)):
        literal = re.escape(spelling)
        yield Entry(
            "ipv6",
            address.compressed,
            rf"\[{literal}\]|(?<![0-9a-f:]){literal}(?![0-9a-f])",
        )


def _of_user(user: str) -> Iterator[Entry]:
    if not _is_common(user.casefold(), _PUBLIC_USERS):
        spellings = dict.fromkeys((user, quote(user, safe="")))
        yield Entry("user", user, _standing_alone("|".join(map(re.escape, spellings))))


def _is_common(word: str, public: frozenset[str]) -> bool:
    return len(word) < SHORTEST or word in public or word.isdigit()


def _standing_alone(pattern: str) -> str:
    """No part of a longer word; what is percent-encoded or escaped before it is no word."""
    return rf"(?:(?<![a-z0-9_])|(?<=%[0-9a-f][0-9a-f])|(?<=\\[nrt]))(?:{pattern})(?![a-z0-9_])"


def _plain(host: str) -> str:
    return host.strip().removeprefix("[").removesuffix("]").rstrip(".").casefold()


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(name)
    except ValueError:
        return None


def _is_foreign(address: IPv4Address | IPv6Address) -> bool:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_global
