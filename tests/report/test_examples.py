"""The examples are what the program writes today of the runs that are kept beside them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from repro.document import read_events, read_run
from repro.report.checking.check import problems

EXAMPLES = Path(__file__).parents[2] / "reports" / "examples"


def _rebuild() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rebuild", EXAMPLES / "rebuild.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


rebuild = _rebuild()
NAMES = [each.name for each in rebuild.EXAMPLES]


@pytest.mark.parametrize("example", rebuild.EXAMPLES, ids=NAMES)
def test_its_reports_are_current(example: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = EXAMPLES / example.name  # type: ignore[attr-defined]
    for file in rebuild.write_reports(example, tmp_path):
        kept = (folder / file.name).read_text("utf-8")
        assert file.read_text("utf-8") == kept, f"run python {EXAMPLES.parent.name}/examples/rebuild.py"


@pytest.mark.parametrize("name", NAMES)
def test_its_run_is_valid_and_whole(name: str) -> None:
    document = read_run(EXAMPLES / name)
    events = read_events(EXAMPLES / name, document)
    assert set(events) == {each["name"] for each in document["probes"] if each["events"] is not None}


@pytest.mark.parametrize(
    "file", sorted(EXAMPLES.glob("*/*.md")), ids=lambda file: f"{file.parent.name}/{file.name}"
)
def test_only_what_a_person_writes_is_left_to_do(file: Path) -> None:
    left = {each.what for each in problems(file.read_text("utf-8"))}
    marks = ("the summary is not written", "the place for ", "nothing is written below")
    assert [each for each in left if not each.startswith(marks)] == []


def test_the_origin_is_found_and_proved() -> None:
    (finding,) = read_run(EXAMPLES / "origin")["findings"]
    assert (finding["cause"], finding["proof"]) == ("sl-localhost-443", "confirmed")
    said = (EXAMPLES / "origin" / "report.md").read_text("utf-8")
    assert "DrizzleQueryError: Failed query: begin" in said
