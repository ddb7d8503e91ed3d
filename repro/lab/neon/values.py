"""Values between JSON and the text format of Postgres, without I/O: parameters one way, columns the other.

Columns stay text when the client asked for raw text, as the original drivers always do. Without that,
booleans, small integers, floats, JSON and arrays of the built-in types become JSON values, as in the
``json.rs`` of Neon's proxy. Array elements are escaped by the rules of Postgres.
"""

from __future__ import annotations

import json
import math
import re

_BOOL, _INT2, _INT4, _FLOAT4, _FLOAT8, _JSON, _JSONB = 16, 21, 23, 700, 701, 114, 3802
_ELEMENT_OF_ARRAY = {
    1000: _BOOL,
    1005: _INT2,
    1007: _INT4,
    1021: _FLOAT4,
    1022: _FLOAT8,
    199: _JSON,
    3807: _JSONB,
}
# fmt: off
_OTHER_ARRAYS = frozenset({
    # Arrays whose elements stay strings: text, numbers that a double cannot hold, times, networks, and so on.
    143, 210, 270, 271, 272, 273, 629, 651, 719, 775, 791, 1001, 1002, 1003, 1006, 1008, 1009, 1010, 1011,
    1012, 1013, 1014, 1015, 1016, 1017, 1018, 1019, 1027, 1028, 1034, 1040, 1041, 1115, 1182, 1183, 1185,
    1187, 1231, 1263, 1270, 1561, 1563, 2201, 2207, 2208, 2209, 2210, 2211, 2949, 2951, 3221, 3643, 3644,
    3645, 3735, 3770, 3905, 3907, 3909, 3911, 3913, 3927, 4073, 4090, 4097, 4192, 5039, 6150, 6151, 6152,
    6153, 6155, 6157,
})
# fmt: on
_TEXT = 25

# An element without quotes holds no space, quote, brace, comma or backslash: Postgres quotes it then.
_TOKEN = re.compile(r'([{},])|"((?:[^"\\]|\\.)*)"|([^{},"\\\s]+)', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def parameter_text(value: object) -> str | None:
    """A JSON value as the text of a query parameter; None is NULL."""
    match value:
        case None | str():
            return value
        case list():
            return _array_literal(value)
        case _:
            return _compact(value)


def column_json(text: str, oid: int) -> str:
    """The JSON source of a column's text.

    Args:
        text: in Postgres's text format.
        oid: of the column's type; one that is not known here gives a JSON string.

    Raises:
        ValueError: the text is not of that type's format.
    """
    if oid in _ELEMENT_OF_ARRAY or oid in _OTHER_ARRAYS:
        return _array_json(text, _ELEMENT_OF_ARRAY.get(oid, _TEXT))
    match oid:
        case 16:
            return "true" if text == "t" else "false"
        case 21 | 23:
            return str(int(text))
        case 700 | 701:
            # JSON has no NaN and no infinity; they stay strings.
            return json.dumps(number) if math.isfinite(number := float(text)) else json.dumps(text)
        case 114 | 3802:
            return text
    return json.dumps(text, ensure_ascii=False)


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _array_literal(value: object) -> str:
    match value:
        case None:
            return "NULL"
        case list():
            return "{" + ",".join(map(_array_literal, value)) + "}"
        case str():
            return _quoted(value)
        case dict():
            return _quoted(_compact(value))
        case _:
            return _compact(value)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _array_json(text: str, element: int) -> str:
    # Bounds, as in [0:1]={1,2}, have no place in JSON.
    literal = text.partition("=")[2] if text.startswith("[") else text
    parts, position = [], 0
    while position < len(literal):
        token = _TOKEN.match(literal, position)
        if token is None:
            raise ValueError("unbalanced array")
        parts.append(_element_json(token, element))
        position = token.end()
    return "".join(parts)


def _element_json(token: re.Match[str], element: int) -> str:
    mark, quoted, bare = token.groups()
    if mark:
        return str(mark).translate({ord("{"): "[", ord("}"): "]"})
    if quoted is not None:
        return column_json(_ESCAPE.sub(r"\1", quoted), element)
    return "null" if bare == "NULL" else column_json(bare, element)
