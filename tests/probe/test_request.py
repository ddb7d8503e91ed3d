"""What a probe is asked to do: a document on standard input, or the environment."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.persistence.errors import SettingsError
from repro.probe.request import REQUEST_SCHEMA, Request, RequestError, from_environment, parse

texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(
    st.builds(
        Request,
        run_id=texts,
        variables=st.dictionaries(texts, texts),
        environment=st.dictionaries(texts, texts),
        commit=st.booleans(),
        origin=st.floats(0.1, 1e9),
        jobs=st.integers(1, 100),
    )
)
def test_what_is_sent_is_what_is_read(sent: Request) -> None:
    assert parse(sent.as_json()) == sent


@given(st.text())
def test_any_text_is_a_request_or_refused(text: str) -> None:
    with pytest.raises(RequestError):
        parse(text)


@pytest.mark.parametrize(
    "document",
    [[], {}, {"schema": "other/1"}, {"schema": REQUEST_SCHEMA}, {"schema": REQUEST_SCHEMA, "run_id": "x"}],
)
def test_a_document_that_is_none_is_refused(document: object) -> None:
    with pytest.raises(RequestError):
        parse(json.dumps(document))


def test_by_hand_the_environment_is_the_target_and_nothing_durable_is_written() -> None:
    request = from_environment({"POSTGRES_URL": "postgresql://u:p@db.invalid/x"})

    assert request.database_url == "postgresql://u:p@db.invalid/x"
    assert not request.commit


def test_a_value_of_no_use_is_refused_before_anything_is_dialled() -> None:
    with pytest.raises(SettingsError):
        _ = from_environment({"DATABASE_URL": "undefined"}).settings


def test_the_queue_is_asked_for_only_where_it_is_set() -> None:
    request = from_environment(
        {
            "UPSTASH_REDIS_URL": "redis://:secret@queue.invalid:1",
            "UPSTASH_REDIS_REST_URL": "https://queue.invalid",
            "UPSTASH_REDIS_REST_TOKEN": "token",
        }
    )

    assert request.redis_url == "redis://:secret@queue.invalid:1"
    assert request.rest == ("https://queue.invalid", "token")
