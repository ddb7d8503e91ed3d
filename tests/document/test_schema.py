from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from repro import document as contract
from repro.document import InvalidDocument, Outcome, RunDocument, shape, validate, validate_event
from repro.document.schema import validator
from repro.events import FAILURES, Event, Peer

Change = Callable[[Any], object]


@pytest.mark.parametrize("name", ["run-1.json", "event-1.json", "matrix-1.json"])
def test_the_schemas_are_schemas(name: str) -> None:
    Draft202012Validator.check_schema(validator(name).schema)


def test_a_whole_document_is_valid(document: RunDocument) -> None:
    validate(document)


def test_the_optional_keys_of_an_outcome_may_be_missing(document: RunDocument) -> None:
    del document["probes"][0]["versions"]
    del document["probes"][0]["notes"]

    validate(document)


ACCEPTED: dict[str, Change] = {
    "an undiagnosed finding": lambda d: d["findings"][0].update(cause=None, experiment=None),
    "a failure in words": lambda d: d["probes"][1]["error"].update(failure="unknown_failure: odd thing"),
    "no driver yet": lambda d: d["probes"][0].update(
        driver={"name": None, "version": None},
        transport=None,
        status="skip",
        reason="DATABASE_URL is not set",
    ),
    "new facts": lambda d: d["environment"].update(anything={"at": ["all"]}),
    "a new detail": lambda d: d["probes"][0]["stages"][0]["detail"].update(x=1),
    "a log": lambda d: d["probes"][1].update(log=["Fatal Python error"]),
}


@pytest.mark.parametrize("what", ACCEPTED)
def test_accepted(document: RunDocument, what: str) -> None:
    ACCEPTED[what](document)

    validate(document)


REJECTED: dict[str, tuple[Change, str]] = {
    "another schema": (lambda d: d.update(schema="txrepro/run/2"), "/schema"),
    "an unknown key at the top": (lambda d: d.update(extra=1), "/"),
    "a missing key": (lambda d: d.pop("findings"), "/"),
    "an unknown verdict": (lambda d: d.update(verdict="ok"), "/verdict"),
    "a local time": (lambda d: d.update(started_at="2026-01-31T23:59:59+01:00"), "/started_at"),
    "an unknown key of a probe": (lambda d: d["probes"][0].update(extra=1), "/probes/0"),
    "a trace elsewhere": (lambda d: d["probes"][0].update(events="../x.jsonl"), "/probes/0/events"),
    "a name that is a path": (lambda d: d["probes"][0].update(name="a/b"), "/probes/0/name"),
    "a failing probe without error": (lambda d: d["probes"][1].update(error=None), "/probes/1/error"),
    "a passing probe with an error": (
        lambda d: d["probes"][0].update(error=d["probes"][1]["error"]),
        "/probes/0/error",
    ),
    "a skip without reason": (lambda d: d["probes"][0].update(status="skip"), "/probes/0/reason"),
    "a stage still running": (
        lambda d: d["probes"][0]["stages"][0].update(status="running"),
        "/probes/0/stages/0",
    ),
    "a failed stage without failure": (
        lambda d: d["probes"][1]["stages"][0].update(failure=None),
        "/probes/1/stages/0/failure",
    ),
    "a failure outside the vocabulary": (
        lambda d: d["probes"][1]["error"].update(failure="refused"),
        "/probes/1/error",
    ),
    "an unknown failure without words": (
        lambda d: d["probes"][1]["error"].update(failure="unknown_failure: "),
        "/probes/1/error",
    ),
    "an errno as a number": (lambda d: d["probes"][1]["error"].update(errno=111), "/probes/1/error"),
    "an unknown operation": (lambda d: d["findings"][0].update(operation="dial"), "/findings/0/operation"),
    "an unknown layer": (lambda d: d["findings"][0].update(layer="http"), "/findings/0/layer"),
    "a finding of no probe": (lambda d: d["findings"][0].update(probes=[]), "/findings/0/probes"),
    "a proof of another kind": (lambda d: d["findings"][0].update(proof="likely"), "/findings/0/proof"),
}


@pytest.mark.parametrize("what", REJECTED)
def test_rejected_with_the_place(document: RunDocument, what: str) -> None:
    change, place = REJECTED[what]
    change(document)

    with pytest.raises(InvalidDocument) as caught:
        validate(document)

    assert f": {place}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_complaint_never_quotes_the_value(document: RunDocument) -> None:
    document["probes"][1]["error"]["failure"] = "a-very-private-word"  # type: ignore[index]

    with pytest.raises(InvalidDocument) as caught:
        validate(document)

    assert "private" not in str(caught.value)


def test_the_schema_and_the_types_agree(document: RunDocument) -> None:
    schema = validator("run-1.json").schema
    definitions = schema["$defs"]
    outcome = definitions["outcome"]["properties"]

    assert set(outcome) == set(Outcome.__annotations__)
    assert set(definitions["finding"]["properties"]) == set(shape.Finding.__annotations__)
    assert set(definitions["error"]["properties"]) == set(shape.ErrorRecord.__annotations__)
    assert set(definitions["stage"]["properties"]) == set(shape.Stage.__annotations__)
    assert set(schema["properties"]) == set(RunDocument.__annotations__)
    assert set(outcome["status"]["enum"]) == set(get_args(shape.ProbeStatus))
    assert set(outcome["applied"]["enum"]) == set(get_args(shape.Applied))
    assert set(definitions["failure"]["anyOf"][0]["enum"]) == FAILURES
    assert definitions["operation"]["enum"] == list(contract.STAGES)
    assert (
        definitions["finding"]["properties"]["layer"]["enum"]
        == list(contract.LAYERS)
        == list(get_args(shape.Layer))
    )
    assert len(contract.LAYERS) == 15


def test_a_trace_line_is_valid(line: dict[str, Any]) -> None:
    validate_event(line)


def test_what_an_event_becomes_is_valid() -> None:
    event = Event(
        "tls.handshake", 1.0, 2.0, peer=Peer("::1", 443), fields={"tls.version": "TLSv1.3", "via": "ssl"}
    )

    validate_event(event.as_json(seq=1, pid=4711, origin=0.5))


BAD_LINES: dict[str, Change] = {
    "no time": lambda line: line.pop("t0"),
    "an errno as a number": lambda line: line.update(errno=111),
    "a failure outside the vocabulary": lambda line: line.update(failure="refused"),
    "a peer with more": lambda line: line["peer"].update(name="x"),
    "a field that is no name": lambda line: line.update({"Bad Field": 1}),
    "a head without its facts": lambda line: line.update(op="visibility"),
}


@pytest.mark.parametrize("what", BAD_LINES)
def test_a_bad_trace_line_is_rejected(line: dict[str, Any], what: str) -> None:
    changed = copy.deepcopy(line)
    BAD_LINES[what](changed)

    with pytest.raises(InvalidDocument):
        validate_event(changed)
