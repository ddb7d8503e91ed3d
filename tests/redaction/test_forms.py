from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.redaction import forms


@given(secret=st.binary(min_size=8, max_size=20), before=st.binary(max_size=5), after=st.binary(max_size=5))
def test_one_of_three_alignments_matches_base64_of_anything_around_a_secret(
    secret: bytes, before: bytes, after: bytes
) -> None:
    text = secret.decode("utf-8", "surrogateescape")
    encoded = base64.b64encode(before + secret + after).decode()

    found = [re.search(pattern, encoded) for pattern in forms.in_base64(text)]

    assert found[len(before) % 3] is not None


def test_base64_takes_the_characters_at_the_edges_along() -> None:
    encoded = base64.b64encode(b"u" + b"sesame-open" + b"v").decode()
    pattern = list(forms.in_base64("sesame-open"))[1]

    left = re.sub(pattern, "", encoded)

    assert left == encoded[0] + encoded[16:]


@pytest.mark.parametrize("written", ["6162", "61 62", "61:62", "6162".upper()])
def test_hex_with_and_without_separators(written: str) -> None:
    assert re.fullmatch(forms.in_hex("ab"), written)


def test_a_value_of_the_environment_that_is_no_utf_8_keeps_its_bytes() -> None:
    assert forms.utf8("a\udcff") == b"a\xff"


def test_half_a_surrogate_pair_has_bytes_too() -> None:
    assert forms.utf8("a\ud83d") == b"a\xed\xa0\xbd"


@pytest.mark.parametrize(
    ("secret", "written"),
    [
        ("a/b", "a\\/b"),
        ("a<b", "a\\u003Cb"),
        ("a+b", "a%252Bb"),
        ("a b", "a\u00a0 b"),
        ("é", "%c3%A9"),
        ("é", "\\xe9"),
        ("é", "&#xE9;"),
        ("\N{GRINNING FACE}", "\\uD83D\\ude00"),
        ("\N{GRINNING FACE}", "\\U0001f600"),
        ("a'b", "a''b"),
        ('a"b', 'a\\\\\\"b'),
        ("a\\b", "a\\\\\\\\b"),
        ("a*b", "a\\*b"),
    ],
)
def test_a_character_in_its_spellings(secret: str, written: str) -> None:
    assert re.fullmatch(forms.spelled(secret), written)


@pytest.mark.parametrize(
    ("secret", "text", "left"),
    [
        ('"secret', 'x\\\\\\"secret', "x\\\\"),
        ("secret\\", "secret\\\\\\n", "\\n"),
        ('secret"', '"secret\\""', '""'),
        ("ésecret", "path\\\\\\u00e9secret", "path\\\\"),
    ],
)
def test_what_stands_beside_a_secret_in_json_stays_json(secret: str, text: str, left: str) -> None:
    assert re.sub(forms.spelled(secret), "", text) == left
