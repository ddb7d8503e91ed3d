from __future__ import annotations

import base64

from hypothesis import given, settings
from hypothesis import strategies as st

from repro.lab.upstash.replies import as_object
from repro.lab.upstash.resp import ErrorReply


def test_plain() -> None:
    assert as_object([b"a", 1, None, [b"OK", b"\xff"]], encoded=False) == {
        "result": ["a", 1, None, ["OK", "\N{REPLACEMENT CHARACTER}"]]
    }


def test_base64_spares_a_result_that_is_exactly_ok() -> None:
    assert as_object(b"OK", encoded=True) == {"result": "OK"}
    assert as_object(b"ok", encoded=True) == {"result": "b2s="}


def test_base64_reaches_into_lists_and_spares_no_string_there() -> None:
    encoded = as_object([b"OK", b"ok", [b"OK "], 1, None, [ErrorReply("E")]], encoded=True)
    assert encoded == {"result": ["T0s=", "b2s=", ["T0sg"], 1, None, ["RQ=="]]}


def test_errors_are_never_encoded() -> None:
    assert as_object(ErrorReply("WRONGTYPE x"), encoded=True) == {"error": "WRONGTYPE x"}


@settings(deadline=None)
@given(st.binary().filter(lambda value: value != b"OK"))
def test_base64_carries_any_bytes(value: bytes) -> None:
    assert base64.b64decode(as_object(value, encoded=True)["result"]) == value
