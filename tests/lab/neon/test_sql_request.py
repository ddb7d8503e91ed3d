from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import Headers

from repro.lab.neon.errors import SqlEndpointError
from repro.lab.neon.sql_request import parse_options, parse_payload

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ALMOST = st.fixed_dictionaries(
    {}, optional={"query": JSON, "params": JSON, "arrayMode": JSON, "queries": JSON}
)


@settings(deadline=None)
@given(JSON | ALMOST)
def test_any_document_is_read_or_refused_with_400(document: object) -> None:
    try:
        payload = parse_payload(json.dumps(document).encode())
    except SqlEndpointError as error:
        status = error.status
    else:
        status = 200 if payload.is_batch or len(payload.queries) == 1 else 0
    assert status in {200, 400}


def test_single_and_batch() -> None:
    single = parse_payload(b'{"query":"select $1","params":["x"],"arrayMode":false}')
    assert (len(single.queries), single.is_batch, single.queries[0].array_mode) == (1, False, False)
    batch = parse_payload(b'{"queries":[{"query":"select 1"},{"query":"select 2","arrayMode":true}]}')
    assert (batch.is_batch, [query.array_mode for query in batch.queries]) == (True, [None, True])
    assert parse_payload(b'{"queries":[]}').queries == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"query":1}',
        b'{"query":"x","params":{}}',
        b'{"queries":[{}]}',
        b'{"query":"x","params":[NaN]}',
        b'{"query":"\\ud800"}',
        b"[" * 100_000,
        b"\xff",
    ],
)
def test_bodies_that_cannot_be_parsed(body: bytes) -> None:
    with pytest.raises(SqlEndpointError, match="could not parse the HTTP request body") as caught:
        parse_payload(body)
    assert caught.value.status == 400


def test_a_nul_would_break_the_wire() -> None:
    with pytest.raises(SqlEndpointError, match="error encoding message to server"):
        parse_payload(b'{"query":"select 1\\u0000; drop table x"}')


def test_only_the_word_true_is_true() -> None:
    options = parse_options(Headers({"Neon-Raw-Text-Output": "true", "Neon-Array-Mode": "1"}))
    assert (options.raw_text, options.array_mode, options.begin, options.echoed) == (
        True,
        False,
        b"BEGIN",
        {},
    )


def test_batch_options() -> None:
    options = parse_options(
        Headers(
            {
                "Neon-Batch-Isolation-Level": "RepeatableRead",
                "Neon-Batch-Read-Only": "true",
                "Neon-Batch-Deferrable": "true",
            }
        )
    )
    assert options.begin == b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY DEFERRABLE"
    assert options.echoed == {
        "Neon-Batch-Isolation-Level": "RepeatableRead",
        "Neon-Batch-Read-Only": "true",
        "Neon-Batch-Deferrable": "true",
    }


def test_an_isolation_level_that_is_none() -> None:
    with pytest.raises(SqlEndpointError, match="invalid isolation level"):
        parse_options(Headers({"Neon-Batch-Isolation-Level": "serializable"}))
