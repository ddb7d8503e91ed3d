"""SQL and the server's messages without the values in them."""

from __future__ import annotations

import re
from typing import Final

from repro.wire.message import HIDDEN

# https://www.postgresql.org/docs/current/sql-syntax-lexical.html
_PLAIN: Final = re.compile(
    r"""(?:
        (?![eE]')[^\W\d][\w$]*+     # an identifier or key word, which may hold dollars
      | \$\d++                      # a parameter
      | \$(?!(?:[^\W\d]\w*+)?\$)    # a dollar that opens no string
      | -(?!-) | /(?!\*)            # operators that open no comment
      | [^\w'"$/\-]                 # blanks, punctuation
    )*+""",
    re.VERBOSE,
)
_ESCAPED: Final = r"'[^'\\]*+(?:(?:''|\\.)[^'\\]*+)*+"
_CONTINUED: Final = r"'[ \t\r\f\v]*+(?:--[^\n]*+)?\n\s*+(?=')"
_TOKEN: Final = re.compile(
    rf"""
      (?P<escaped>[eE](?:{_ESCAPED}{_CONTINUED})*{_ESCAPED}\\?'?)
    | (?P<string>'[^']*+(?:''[^']*+)*+'?)
    | (?P<name>"[^"]*+(?:""[^"]*+)*+")
    | (?P<unended>"[^"]*+(?:""[^"]*+)*+)
    | (?P<dollar>\$(?:[^\W\d]\w*+)?\$)
    | (?P<number>\d(?:(?![eE]')[\w.])*+(?:(?<=[eE])[+-]\d++)?)
    | (?P<comment>--[^\n]*+)
    | (?P<block>/\*)
    """,
    re.VERBOSE | re.DOTALL,
)
_BACKSLASHED: Final = re.compile(rf"(?:{_ESCAPED}{_CONTINUED})*{_ESCAPED}\\?'?", re.DOTALL)
_BLOCK_EDGE: Final = re.compile(r"/\*|\*/")
_BLANKS: Final = re.compile(r"\s+")
_SETTING: Final = re.compile(
    r"((?:^|;)\s*SET\s+(?:SESSION\s+|LOCAL\s+)?[\w.\"]+\s*(?:=|\bTO\b))[^;]*", re.IGNORECASE
)

_NAMED_THING: Final = re.compile(
    r"""\b(?:constraint|relation|table|column|index|sequence|view|schema|type|function|statement|portal|cursor
    |savepoint|parameter|extension|operator)\s"[^"]{1,63}"(?![\w"])""",
    re.VERBOSE,
)
_VALUE: Final = re.compile(
    r"""
      "[^"]*+"?
    | '[^']*+'?
    | [\xab\xbb\u2018-\u201f\u2039\u203a\u300c-\u300f][^\xab\xbb\u2018-\u201f\u2039\u203a\u300c-\u300f]*+.?
    | =\([^)]*+\)?
    | (?<![^\W\d])\d[\w.]*+
    """,
    re.VERBOSE | re.DOTALL,
)
"""The quotes of other languages are those of the server's translations."""


def redact_sql(sql: str, *, backslashes: bool = False) -> str:
    """A statement with ``?`` for every literal, without comments, blanks as one space.

    Args:
        sql: one or more statements, perhaps cut off: an unended literal or comment goes up to the end.
        backslashes: whether a backslash escapes in plain strings too (``standard_conforming_strings`` off).
    """
    shown: list[str] = []
    pos = 0
    while True:
        plain = _PLAIN.match(sql, pos)
        if plain is not None:
            shown.append(plain.group())
            pos = plain.end()
        if pos >= len(sql):
            break
        text, pos = _token(sql, pos, backslashes=backslashes)
        shown.append(text)
    bare = _BLANKS.sub(" ", "".join(shown)).strip()
    return _SETTING.sub(r"\1 ?", bare) if "SET" in bare.upper() else bare


def _token(sql: str, pos: int, *, backslashes: bool) -> tuple[str, int]:
    """What is shown of the token at a position, and where it ends."""
    token = _TOKEN.match(sql, pos)
    if token is None:
        return "?", len(sql)
    kind, end = token.lastgroup, token.end()
    if kind == "name":
        return token.group(), end
    if kind == "comment":
        return " ", end
    if kind == "block":
        return " ", _end_of_block(sql, end)
    if kind == "dollar":
        closing = sql.find(token.group(), end)
        end = len(sql) if closing < 0 else closing + len(token.group())
    elif kind == "string" and backslashes:
        escaped = _BACKSLASHED.match(sql, pos)
        end = end if escaped is None else escaped.end()
    return "?", end


def _end_of_block(sql: str, pos: int) -> int:
    """Where a block comment ends: in SQL they nest."""
    depth = 1
    for edge in _BLOCK_EDGE.finditer(sql, pos):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(sql)


def redact_message(text: str) -> str:
    """A server's message without values: only names of things such as relations stay in their quotes."""
    shown: list[str] = []
    pos = 0
    for named in _NAMED_THING.finditer(text):
        before = _VALUE.sub("?", text[pos : named.start()])
        if named.start() < pos or _opens_a_value(text[pos : named.start()]):
            break
        shown += [before, named.group()]
        pos = named.end()
    shown.append(_VALUE.sub("?", text[pos:]))
    return "".join(shown)


def _opens_a_value(text: str) -> bool:
    """Whether a quote is left open: what follows is then within a value."""
    return text.count('"') % 2 == 1 or text.count("'") % 2 == 1 or text.count("(") > text.count(")")


_NAME: Final = re.compile(r"[\w$ .:-]{0,63}")


def shown_name(name: str) -> str:
    """A name as it is, if it looks like one."""
    return name if _NAME.fullmatch(name) else HIDDEN
