"""docs/causes is what the causes say today."""

from __future__ import annotations

from pathlib import Path

from repro.cli.explaining import all_pages
from repro.diagnose.causes import BY_ID, CAUSES
from repro.document import LAYERS
from repro.lab.scenarios import SCENARIOS
from repro.report.cause_pages import pages

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "causes"


def test_the_pages_are_current() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    assert written == all_pages(), "run: repro explain --write docs/causes"


def test_every_cause_has_its_words() -> None:
    assert len(BY_ID) == len(CAUSES)
    for cause in CAUSES:
        assert cause.layer in LAYERS
        assert cause.title
        assert cause.summary.endswith((".", "?", ")"))
        assert cause.fix
        assert cause.id not in cause.apart


def test_a_look_alike_that_is_named_exists() -> None:
    assert [(cause.id, other) for cause in CAUSES for other in cause.apart if other not in BY_ID] == []


def test_every_scenario_has_its_cause_and_its_own_name() -> None:
    assert [each.name for each in SCENARIOS if each.cause is not None and each.cause not in BY_ID] == []
    assert len({each.name for each in SCENARIOS}) == len(SCENARIOS)


def test_what_a_driver_says_is_no_markup() -> None:
    cause = BY_ID["dns-nxdomain"]
    text = pages([cause], {cause.id: ["dns-nxdomain"]})["dns-nxdomain.md"]
    assert "repro lab run dns-nxdomain" in text
    assert text.startswith("# dns-nxdomain\n")
