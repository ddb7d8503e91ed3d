from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from repro.document import (
    InvalidDocument,
    OutputError,
    RunDocument,
    read_events,
    read_run,
    redact_run,
    write_run,
)
from repro.redaction import Redactor, SecretFound

SECRET = 'p@ss w"rd/+é'


def write(
    folder: Path, document: RunDocument, lines: list[dict[str, Any]], secrets: tuple[str, ...] = ()
) -> RunDocument:
    return write_run(
        folder,
        document,
        {"ws.neon": lines},
        Redactor(secrets, salt=b"s"),
        lambda *_: {"report.md": "# report\n"},
    )


def test_a_run_is_written_and_read_again(tmp_path: Path, document: RunDocument, line: dict[str, Any]) -> None:
    folder = tmp_path / "reports" / "one"

    written = write(folder, document, [line])

    assert read_run(folder) == written == document
    assert (folder / "report.md").read_text("utf-8") == "# report\n"
    assert sorted(path.name for path in folder.iterdir()) == ["report.md", "run.json", "trace"]
    events = read_events(folder, document)
    assert [each["op"] for each in events["ws.neon"]] == ["visibility", "connect"]
    assert [each["op"] for each in events["tcp.psycopg"]] == ["visibility"]


def test_a_probe_without_a_trace_has_no_file(tmp_path: Path, document: RunDocument) -> None:
    document["probes"][0]["events"] = None

    write(tmp_path / "run", document, [])

    assert [path.name for path in (tmp_path / "run" / "trace").iterdir()] == ["ws.neon.jsonl"]


def test_no_secret_reaches_a_file(tmp_path: Path, document: RunDocument, line: dict[str, Any]) -> None:
    document["target"]["url"] = f"postgresql://u:{SECRET}@h/d"
    document["probes"][1]["notes"] = [f"the password was {SECRET!r}"]
    line["http.path"] = f"/x/{SECRET}"
    redactor = Redactor([SECRET])

    write_run(
        tmp_path / "run",
        document,
        {"ws.neon": [line]},
        redactor,
        lambda *_: {"report.md": f"it was {SECRET}\n"},
    )

    for path in (tmp_path / "run").rglob("*.*"):
        if path.is_file():
            redactor.check(path.read_bytes(), path.name)
            assert "rd/" not in path.read_text("utf-8")
    assert sum(redactor.manifest().values()) >= 4


def test_a_report_can_be_rendered_from_the_redacted_run(document: RunDocument, line: dict[str, Any]) -> None:
    document["target"]["url"] = SECRET

    redacted, events = redact_run(document, {"ws.neon": [{**line, "host": SECRET}]}, Redactor([SECRET]))

    assert redacted["target"]["url"] == events["ws.neon"][0]["host"]
    assert document["target"]["url"] == SECRET


class Blind(Redactor):
    """Replaces nothing, as if a form had been forgotten."""

    def value(self, value: Any) -> Any:
        return value

    def text(self, text: str) -> str:
        return text


def test_the_last_search_stops_what_redaction_missed(tmp_path: Path, document: RunDocument) -> None:
    document["target"]["url"] = SECRET

    with pytest.raises(SecretFound, match=r"run\.json"):
        write_run(tmp_path / "run", document, {}, Blind([SECRET]), lambda *_: {})

    assert list(tmp_path.iterdir()) == []


def test_an_invalid_document_is_not_written(tmp_path: Path, document: RunDocument) -> None:
    document["verdict"] = "maybe"  # type: ignore[typeddict-item]

    with pytest.raises(InvalidDocument):
        write(tmp_path / "run", document, [])

    assert list(tmp_path.iterdir()) == []


def test_an_invalid_trace_line_is_not_written(
    tmp_path: Path, document: RunDocument, line: dict[str, Any]
) -> None:
    with pytest.raises(InvalidDocument):
        write(tmp_path / "run", document, [{**line, "failure": "odd"}])

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("failing", ["trace", "report.md", "run.json"])
@pytest.mark.parametrize("made", [False, True])
def test_a_failure_in_the_middle_leaves_nothing(
    tmp_path: Path, document: RunDocument, monkeypatch: pytest.MonkeyPatch, failing: str, *, made: bool
) -> None:
    folder = tmp_path / "run"
    if made:
        folder.mkdir()
    rename = os.rename

    def break_down(source: Path, place: Path) -> None:
        assert not (folder / "run.json").exists()
        if place.name == failing:
            raise OSError(28, "No space left on device")
        rename(source, place)

    monkeypatch.setattr(os, "rename", break_down)

    with pytest.raises(OutputError, match="No space left on device") as caught:
        write(folder, document, [])

    assert "\n" not in str(caught.value)
    assert list(tmp_path.rglob("*")) == ([folder] if made else [])


def test_an_interruption_in_the_middle_leaves_nothing(
    tmp_path: Path, document: RunDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "rename", interrupt)

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "run", document, [])

    assert list(tmp_path.iterdir()) == []


def test_run_json_comes_last(tmp_path: Path, document: RunDocument, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    rename = os.rename

    def watch(source: Path, place: Path) -> None:
        order.append(place.name)
        rename(source, place)

    monkeypatch.setattr(os, "rename", watch)

    write(tmp_path / "run", document, [])

    assert order == ["trace", "report.md", "run.json"]


def test_what_stands_in_the_folder_already_stays(tmp_path: Path, document: RunDocument) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    write(tmp_path, document, [])

    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert (tmp_path / "run.json").is_file()


def test_another_run_is_never_overwritten(tmp_path: Path, document: RunDocument) -> None:
    write(tmp_path, document, [])
    before = (tmp_path / "run.json").read_bytes()

    with pytest.raises(OutputError, match="another run"):
        write(tmp_path, {**document, "run_id": "other"}, [])

    assert (tmp_path / "run.json").read_bytes() == before


def test_a_place_that_is_a_file_is_one_clear_line(tmp_path: Path, document: RunDocument) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(OutputError, match="cannot be written to") as caught:
        write(tmp_path / "file" / "run", document, [])

    assert "\n" not in str(caught.value)


def test_half_a_surrogate_pair_can_be_written(tmp_path: Path, document: RunDocument) -> None:
    document["probes"][1]["notes"] = ["odd \udcff byte"]

    write(tmp_path / "run", document, [])

    text = (tmp_path / "run" / "run.json").read_text("utf-8")
    assert json.loads(text)["probes"][1]["notes"] == ["odd \udcff byte"]
