"""JSON that moves no cursor is the same JSON."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from repro import plain_json


def test_what_a_terminal_obeys_is_escaped_and_other_letters_are_not() -> None:
    assert plain_json.dumps({"größe\x9b": "\x1b\x7f\u202e✓"}) == (
        '{"größe\\u009b": "\\u001b\\u007f\\u202e✓"}'
    )


@given(st.dictionaries(st.text(), st.text()))
def test_it_is_read_as_what_it_was(value: dict[str, str]) -> None:
    assert json.loads(plain_json.dumps(value, indent=2)) == value
