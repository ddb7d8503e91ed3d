"""Requests, and the ids that are made from them."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.persistence.model import MAX_KEY_CHARACTERS, Job, OrchestrationRequest
from repro.persistence.text_format import array_literal, from_text, to_text


def request_of(key: str, jobs: int = 2) -> OrchestrationRequest:
    return OrchestrationRequest(key, [Job("render", {"n": number}) for number in range(jobs)])


def test_ids_never_change() -> None:
    """What stands in databases must be found again by the next version of this package."""
    request = request_of("an order")
    assert request.orchestration_id == "e2027118-b016-5064-b98e-b0b6026e8319"
    assert request.job_ids == ("eb9dda3a-3403-50af-801c-90dad61368a4", "20c5d567-8973-585e-b2a3-3214f025b4cd")
    assert request.fingerprint == "02ffdb51a1a464f27e898653ec8396f0df75519ee33bfe2e0be8cb53d049f912"


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=MAX_KEY_CHARACTERS)
)
def test_a_repeat_has_the_same_ids_and_another_key_has_others(key: str) -> None:
    ids = request_of(key).job_ids
    assert ids == request_of(key).job_ids
    assert (
        not set(ids) & set(request_of(key + "x" if len(key) < MAX_KEY_CHARACTERS else "x").job_ids)
        or key == "x"
    )
    assert [str(uuid.UUID(each)) for each in ids] == list(ids)


def test_the_fingerprint_tells_requests_apart_and_knows_equal_ones() -> None:
    def fingerprint(*jobs: Job) -> str:
        return OrchestrationRequest("key", jobs).fingerprint

    one, other = Job("a", {"x": 1, "y": 2}), Job("b", {})
    assert fingerprint(one, other) == fingerprint(Job("a", {"y": 2, "x": 1}), other)
    assert len({fingerprint(one), fingerprint(other), fingerprint(one, other), fingerprint(other, one)}) == 4


@pytest.mark.parametrize("key", ["", "a\0b", "\ud800", "x" * (MAX_KEY_CHARACTERS + 1)])
def test_a_key_that_cannot_be_stored_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="idempotency key"):
        request_of(key)


def test_an_orchestration_without_jobs_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one job"):
        OrchestrationRequest("key", [])


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("", {}),
        ("a\0", {}),
        ("a", {"x": "\0"}),
        ("a", {"\0": 1}),
        ("a", {"x": "\\\0"}),
        ("a", {"x": "\ud800"}),
    ],
)
def test_a_job_that_cannot_be_stored_is_refused(kind: str, payload: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"NUL|empty|surrogates|Unicode"):
        Job(kind, payload)


def test_numbers_that_are_none_and_things_that_are_no_json_are_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        Job("a", {"x": float("nan")})
    with pytest.raises(TypeError, match="not JSON serializable"):
        Job("a", {"x": object()})


@pytest.mark.parametrize("text", ["\\u0000", "\\\\u0000", "u0000"])
def test_a_text_that_only_looks_like_an_escaped_nul_passes(text: str) -> None:
    assert json.loads(Job("a", {"x": text}).payload_json) == {"x": text}


def test_values_as_text() -> None:
    assert [to_text(each) for each in (None, True, False, -7, "x")] == [None, "true", "false", "-7", "x"]
    assert to_text(["a", '"', "\\", "{}", "NULL", ""]) == r'{"a","\"","\\","{}","NULL",""}'
    assert array_literal([]) == "{}"
    assert [from_text(each, 16) for each in ("t", "f", None)] == [True, False, None]
    assert [from_text("-7", oid) for oid in (20, 21, 23, 25)] == [-7, -7, -7, "-7"]


@pytest.mark.parametrize("value", ["a\0", ["a\0"]])
def test_a_nul_is_refused_before_it_is_sent(value: str | list[str]) -> None:
    with pytest.raises(ValueError, match="NUL"):
        to_text(value)
