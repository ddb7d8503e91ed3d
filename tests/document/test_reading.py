from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from repro.document import (
    RunDocument,
    RunError,
    find_run,
    open_traces,
    read_events,
    read_excerpts,
    read_run,
    write_run,
)
from repro.redaction import Redactor


@pytest.fixture
def reports(tmp_path: Path, document: RunDocument, line: dict[str, Any]) -> Path:
    for age, name in enumerate(("b-newer", "a-older")):
        write_run(
            tmp_path / name, {**document, "run_id": name}, {"ws.neon": [line]}, Redactor(()), lambda *_: {}
        )
        os.utime(tmp_path / name / "run.json", (1_000_000 - age, 1_000_000 - age))
    return tmp_path


def test_a_run_is_found_by_folder_file_id_and_latest(reports: Path) -> None:
    file = reports / "a-older" / "run.json"

    assert find_run(reports / "a-older", reports) == file
    assert find_run(str(file), reports) == file
    assert find_run("a-older", reports) == file
    assert find_run("latest", reports) == reports / "b-newer" / "run.json"
    assert read_run("latest", reports)["run_id"] == "b-newer"


@pytest.mark.parametrize("run", ["nothing-here", "", "a\0b", "../..", "x" * 5000])
def test_no_such_run_is_one_clear_line(reports: Path, run: str) -> None:
    with pytest.raises(RunError) as caught:
        find_run(run, reports)

    assert "\n" not in str(caught.value)


def test_no_run_yet(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"no run in .* yet"):
        read_run("latest", tmp_path / "missing")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"{", "no JSON"),
        (b"\xff\xfe", "no UTF-8"),
        (b"[]", "no txrepro/run/1 document"),
        (b'{"schema": "txrepro/run/9"}', "no txrepro/run/1 document"),
        (b'{"schema": "txrepro/run/1"}', "lacks a required key"),
    ],
)
def test_what_is_no_run_document_is_one_clear_line(tmp_path: Path, content: bytes, complaint: str) -> None:
    (tmp_path / "run.json").write_bytes(content)

    with pytest.raises(RunError, match=complaint) as caught:
        read_run(tmp_path)

    assert "\n" not in str(caught.value)


def test_a_run_json_alone_has_no_events(tmp_path: Path, document: RunDocument) -> None:
    (tmp_path / "run.json").write_text(json.dumps(document), "utf-8")

    assert read_events(tmp_path, read_run(tmp_path)) == {}


def test_a_broken_trace_names_its_line(reports: Path, document: RunDocument) -> None:
    trace = reports / "a-older" / "trace" / "ws.neon.jsonl"
    trace.write_text(trace.read_text("utf-8") + "{\n", "utf-8")

    with pytest.raises(RunError, match=r"ws\.neon\.jsonl, line 3"):
        read_events(reports / "a-older", document)


def test_a_line_separator_inside_a_line_does_not_end_it(
    tmp_path: Path, document: RunDocument, line: dict[str, Any]
) -> None:
    write_run(
        tmp_path / "run", document, {"ws.neon": [{**line, "host": "a\u2028b"}]}, Redactor(()), lambda *_: {}
    )

    assert read_events(tmp_path / "run", document)["ws.neon"][1]["host"] == "a\u2028b"


def test_a_trace_is_read_anew_each_time(reports: Path, document: RunDocument) -> None:
    trace = open_traces(reports / "a-older", document)["ws.neon"]

    assert list(trace) == list(trace) == read_events(reports / "a-older", document)["ws.neon"]
    assert list(read_excerpts(reports / "a-older", document)["ws.neon"]) == list(trace)


@pytest.mark.parametrize(
    ("added", "words"),
    [
        (b"\xff\n", "no UTF-8 text"),
        (b"[" * 200_000 + b"\n", "line 3"),
        (b'"' + b"x" * (16 << 20) + b'"\n', "line 3: is longer than 16,777,216 bytes"),
        (b'\r\n\n{"op": "connect"}\n', "line 5: trace line"),
    ],
)
def test_what_is_no_line_is_told_by_its_number(
    added: bytes, words: str, reports: Path, document: RunDocument
) -> None:
    file = reports / "a-older" / "trace" / "ws.neon.jsonl"
    file.write_bytes(file.read_bytes() + added)

    with pytest.raises(RunError, match=words):
        read_excerpts(reports / "a-older", document)
