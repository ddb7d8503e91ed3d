"""What a probe has seen is told at once, and its stages know what is running."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from repro.events import Event, Peer
from repro.probe.channel import Channel
from repro.probe.recorder import Recorder
from repro.redaction import Redactor

Told = tuple[Channel, Callable[[], list[dict[str, Any]]]]


def test_a_stage_is_told_when_it_begins_and_when_it_ends(recorder: Recorder, channel: Told) -> None:
    recorder.begin("connect")
    assert recorder.running() == "connect"
    recorder.end("connect", detail={"address": "127.0.0.1:1"})

    lines = channel[1]()
    assert [(line["line"], line["name"], line["status"]) for line in lines] == [
        ("stage", "connect", "running"),
        ("stage", "connect", "pass"),
    ]
    assert lines[1]["detail"] == {"address": "127.0.0.1:1"}
    assert recorder.running() is None
    assert recorder.passed("connect")


def test_a_stage_that_runs_begins_once_and_may_have_ended_earlier(recorder: Recorder, channel: Told) -> None:
    recorder.begin("insert")
    recorder.begin("insert")
    recorder.end("insert", t=recorder.stages["insert"]["t0"])

    assert [line["status"] for line in channel[1]()] == ["running", "pass"]
    assert recorder.stages["insert"]["t"] == recorder.stages["insert"]["t0"]


def test_events_are_numbered_and_told(recorder: Recorder, channel: Told) -> None:
    recorder.event(Event("connect", 1.0, 2.0, peer=Peer("127.0.0.1", 5432)))
    recorder.note("the reader should know")

    first, second = channel[1]()
    assert (first["seq"], first["op"], first["peer"]["port"]) == (1, "connect", 5432)
    assert (second["seq"], second["op"], second["text"]) == (2, "note", "the reader should know")


def test_no_secret_passes_the_channel(recorder: Recorder, channel: Told) -> None:
    channel[0].conceal(Redactor(["correct horse battery"]))

    recorder.end("connect", "fail", failure="auth_failed", detail={"said": "no: correct horse battery"})

    assert "horse" not in str(channel[1]())


def test_half_a_character_breaks_no_line(recorder: Recorder, channel: Told) -> None:
    recorder.note("half \ud800 a pair")

    (line,) = channel[1]()
    assert line["text"].startswith("half ")


def test_messages_are_told_and_not_kept(recorder: Recorder, channel: Told) -> None:
    for _ in range(3):
        recorder.event(Event("connect", 1.0, 2.0, peer=Peer("127.0.0.1", 5432)))
        recorder.event(Event("postgres", 2.0, 2.0, fields={"sender": "backend"}))

    assert [line["seq"] for line in channel[1]()] == [1, 2, 3, 4, 5, 6]
    assert [event.op for event in recorder.events] == ["connect"] * 3
