"""Versions that tell more than a driver's own: of the C library below it, of the layer beside it."""

from __future__ import annotations

import importlib.metadata


def versions_of(*packages: str) -> dict[str, str]:
    """The installed versions of distributions, by name; one that is not installed is left out."""
    found = {}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def libpq() -> dict[str, str]:
    """The libpq that psycopg was built with and the one that it loaded, and psycopg's implementation."""
    from psycopg import pq  # noqa: PLC0415 - only where psycopg is the driver

    return {
        "psycopg implementation": pq.__impl__,
        "libpq built": _dotted(pq.__build_version__),
        "libpq loaded": _dotted(pq.version()),
    }


def _dotted(number: int) -> str:
    """180006 is 18.6 (libpq-fe.h, PQlibVersion)."""
    return f"{number // 10000}.{number % 10000}"
