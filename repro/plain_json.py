"""JSON as text that moves no cursor: what a terminal obeys, or what turns text round, is escaped.

JSON itself wants that of U+0000 to U+001F only (RFC 8259, 7), but U+009B too begins an escape sequence
(ECMA-48, 5.4).
"""

from __future__ import annotations

import json
import re
from typing import Any

_OBEYED = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def dumps(value: Any, **layout: Any) -> str:
    """A value as JSON, every other letter as it is.

    Args:
        value: what `json.dumps` takes.
        layout: arguments for `json.dumps`, such as ``indent``.
    """
    return _OBEYED.sub(_escape, json.dumps(value, ensure_ascii=False, **layout))


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"  # none of them stands outside a string
