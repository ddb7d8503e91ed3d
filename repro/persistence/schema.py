"""The tables, in any schema: the application's, a run's own, or temporary ones that leave nothing."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

TEMPORARY = "pg_temp"
"""Postgres's name for the session's own temporary schema."""

_COMMENT = re.compile(r"\s*--[^\n]*")
_CREATE_TABLE = re.compile(r"^CREATE TABLE IF NOT EXISTS", re.MULTILINE)


def statements(schema: str, *, temporary: bool = False) -> list[str]:
    """The statements that create the tables, one each (an HTTP batch takes no more in one text).

    Args:
        schema: where to create them; with ``temporary`` it must be ``pg_temp``.
        temporary: create tables that are dropped by COMMIT. They go without the index that serves relays: no
            relay sees them.

    Raises:
        ValueError: if one of the two is temporary and the other is not.
    """
    if temporary != (schema == TEMPORARY):
        raise ValueError("temporary tables are created in pg_temp, and nothing else is")
    qualified = [text.replace("public.", f"{quoted(schema)}.") for text in _statements()]
    if not temporary:
        return qualified
    return [
        _CREATE_TABLE.sub("CREATE TEMPORARY TABLE", text) + " ON COMMIT DROP"
        for text in qualified
        if _CREATE_TABLE.match(text)
    ]


def migration(schema: str) -> str:
    """The tables as one plain SQL text with comments, for a migration tool or ``psql``.

    Args:
        schema: where to create them; any but ``public`` is created too.

    Raises:
        ValueError: if it cannot be the name of a schema, or is the temporary one.
    """
    if schema == TEMPORARY:
        raise ValueError(f"{TEMPORARY} is the session's own: nothing in it stays")
    text = _text().replace("public.", f"{quoted(schema)}.")
    create = "" if schema == "public" else f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)};\n\n"
    return create + text


@cache
def _text() -> str:
    return files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")


@cache
def _statements() -> tuple[str, ...]:
    """The statements of ``schema.sql``, which holds no semicolon but between them."""
    bare = _COMMENT.sub("", _text())
    return tuple(part.strip() for part in bare.split(";") if part.strip())


def create_schema(schema: str) -> list[str]:
    """The statements that create a schema of its own with the tables in it; it must not exist yet."""
    return [f"CREATE SCHEMA {quoted(schema)}", *statements(schema)]


def drop_schema(schema: str) -> str:
    """The statement that drops such a schema and all that is in it.

    Raises:
        ValueError: for a schema that nobody creates here.
    """
    if schema in {"public", TEMPORARY, "pg_catalog", "information_schema"}:
        raise ValueError(f"the schema {schema} is not ours to drop")
    return f"DROP SCHEMA IF EXISTS {quoted(schema)} CASCADE"


def quoted(identifier: str) -> str:
    """An identifier, safe to stand in a statement whatever it holds.

    Raises:
        ValueError: if it is empty, too long for Postgres (63 bytes, cut silently there), or holds a NUL.
    """
    if not identifier or "\0" in identifier:
        raise ValueError("an identifier is neither empty nor holds a NUL")
    if len(identifier.encode()) > 63:
        raise ValueError("an identifier has at most 63 bytes")
    return '"' + identifier.replace('"', '""') + '"'
