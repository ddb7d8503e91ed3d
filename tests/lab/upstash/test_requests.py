from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.lab.upstash.requests import (
    BadRequest,
    command_in_body,
    command_in_path,
    commands_in_body,
    token_in,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@settings(deadline=None)
@given(JSON)
def test_any_body_is_a_command_or_a_bad_request(document: object) -> None:
    body = json.dumps(document).encode()
    try:
        command = command_in_body(body)
    except BadRequest as error:
        command = [str(error).encode()]
    assert all(isinstance(argument, bytes) for argument in command)


@settings(deadline=None)
@given(st.lists(st.binary(min_size=1), min_size=1, max_size=5), st.binary())
def test_a_path_carries_any_bytes(words: list[bytes], body: bytes) -> None:
    path = b"/" + b"/".join(quote(word, safe="").encode() for word in words)
    assert command_in_path(path, "", body) == [*words, *([body] if body else [])]


def test_arguments_that_are_not_strings_keep_their_spelling() -> None:
    body = '["set", "k", 1.10, 12345678901234567890, true, "é"]'.encode()
    assert command_in_body(body) == [b"set", b"k", b"1.10", b"12345678901234567890", b"true", "é".encode()]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "ERR failed to parse command"),
        (b'{"a":1}', "ERR failed to parse command"),
        (b'["set", ["x"]]', "ERR failed to parse command"),
        (b"[" * 100_000, "ERR failed to parse command"),
        (b"\xff", "ERR failed to parse command"),
        (b"[]", "ERR empty command"),
        (b'["set", null]', "ERR null args are not supported"),
    ],
)
def test_bodies_that_are_no_command(body: bytes, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        command_in_body(body)
    assert str(caught.value) == message


def test_several_commands() -> None:
    assert commands_in_body(b'[["get","a"],["incr","b"]]', what="pipeline request") == [
        [b"get", b"a"],
        [b"incr", b"b"],
    ]


@pytest.mark.parametrize("body", [b"[]", b'["get","a"]', b"{}", b""])
def test_bodies_that_are_not_several_commands(body: bytes) -> None:
    with pytest.raises(BadRequest, match="ERR failed to parse pipeline request"):
        commands_in_body(body, what="pipeline request")


def test_query_parameters_follow_the_body_and_the_token_is_left_out() -> None:
    command = command_in_path(b"/set/foo", "EX=100&_token=t&NX&x+y=%C3%A9", b"va/lue")
    assert command == [b"set", b"foo", b"va/lue", b"EX", b"100", b"NX", b"x y", "é".encode()]


@pytest.mark.parametrize(
    ("authorization", "query", "token"),
    [
        ("Bearer abc", "", "abc"),
        ("bearer  abc ", "_token=other", "abc"),
        (None, "EX=1&_token=a%2Bc", "a+c"),
        ("Basic abc", "", ""),
        (None, "", ""),
    ],
)
def test_where_the_token_stands(authorization: str | None, query: str, token: str) -> None:
    assert token_in(authorization, query) == token
