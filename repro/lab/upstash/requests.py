"""What a request asks for, read from its path, query and body without I/O."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

from repro.lab.upstash.pool import Command

TOKEN_PARAMETER = "_token"  # noqa: S105 - a name, not a token


class BadRequest(Exception):  # noqa: N818 - named as the status
    """The request cannot be read; its message is the error's text."""


def command_in_body(body: bytes) -> Command:
    """The command of a request to ``/``: a JSON array of its name and arguments.

    Raises:
        BadRequest: it is something else.
    """
    return _command(_parsed(body, what="command"), what="command")


def commands_in_body(body: bytes, *, what: str) -> list[Command]:
    """The commands of a pipeline or transaction: a JSON array of such arrays.

    Args:
        body: of the request.
        what: the word for it in an error, such as ``pipeline request``.

    Raises:
        BadRequest: it is something else.
    """
    commands = _parsed(body, what=what)
    if not isinstance(commands, list) or not commands:
        raise _unreadable(what)
    return [_command(command, what=what) for command in commands]


def command_in_path(path: bytes, query: str, body: bytes) -> Command:
    """The command of a path-style request, such as ``POST /set/foo?EX=100`` with the value as its body.

    The body is appended as it is, then the query's names and values, except for the token.

    Args:
        path: as it was sent, still percent-encoded.
        query: the same.
        body: raw; an empty one is no argument.
    """
    words = [unquote_to_bytes(segment) for segment in path.split(b"/") if segment]
    pairs = parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
    options = [word for name, value in pairs if name != TOKEN_PARAMETER for word in (name, value) if word]
    tail = [word.encode("utf-8", "surrogateescape") for word in options]
    return [*words, *([body] if body else []), *tail]


def token_in(authorization: str | None, query: str) -> str:
    """The token: from a header ``Authorization: Bearer …``, else from ``?_token=``; empty if none."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return dict(parse_qsl(query)).get(TOKEN_PARAMETER, "")


def _parsed(body: bytes, *, what: str) -> Any:
    try:
        # Numbers keep their spelling: they become the text of an argument.
        return json.loads(body, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise _unreadable(what) from error


def _command(value: object, *, what: str) -> Command:
    if not isinstance(value, list):
        raise _unreadable(what)
    if not value:
        raise BadRequest("ERR empty command")
    return _arguments(value, what=what)


def _arguments(values: Sequence[object], *, what: str) -> list[bytes]:
    arguments = []
    for value in values:
        match value:
            case str():
                arguments.append(value.encode("utf-8", "surrogatepass"))
            case bool():
                arguments.append(b"true" if value else b"false")
            case None:
                raise BadRequest("ERR null args are not supported")
            case _:
                raise _unreadable(what)
    return arguments


def _unreadable(what: str) -> BadRequest:
    return BadRequest(f"ERR failed to parse {what}")
