"""The picture of the ways."""

from __future__ import annotations

import itertools
from xml.etree import ElementTree as ET

import pytest

from repro.report.deciding import flow, svg
from tests.report.conftest import Run
from tests.report.hostile import TEXTS, with_text

NAMESPACE = "{http://www.w3.org/2000/svg}"


def drawn(run: Run) -> ET.Element:
    return ET.fromstring(svg.render(flow.ways(run.document, run.events), "Which driver goes where"))


def test_each_way_is_a_line_in_the_colour_of_its_end(origin: Run) -> None:
    kinds = [path.get("class") for path in drawn(origin).iter(f"{NAMESPACE}path")]
    assert "way behind" not in kinds
    found = flow.ways(origin.document, origin.events)
    assert kinds == ["way passed" if way.passed else "way failed" for way in found]


def test_the_end_is_told_by_a_sign_and_in_words_not_by_colour_alone(origin: Run) -> None:
    texts = ["".join(each.itertext()) for each in drawn(origin).iter(f"{NAMESPACE}text")]
    assert texts.count("✕ connect: connection refused") == 2
    assert texts.count("✓ passed") == 5


def test_a_server_behind_a_gateway_is_drawn_behind_it(healthy: Run) -> None:
    texts = ["".join(each.itertext()) for each in drawn(healthy).iter(f"{NAMESPACE}text")]
    assert texts.count("PostgreSQL 17.10") == 2
    assert "behind it" in texts


def test_where_nothing_is_behind_there_is_no_room_for_it(origin: Run, healthy: Run) -> None:
    assert float(drawn(origin).get("width", "")) < float(drawn(healthy).get("width", ""))


def test_it_can_be_heard(origin: Run) -> None:
    root = drawn(origin)
    described = root.findtext(f"{NAMESPACE}desc") or ""
    assert root.get("role") == "img"
    assert "ws.neon to 127.0.0.1:443: connect: connection refused" in described


def test_no_two_places_overlap_and_all_is_inside(healthy: Run) -> None:
    root = drawn(healthy)
    height = float(root.get("height", "0"))
    boxes = [each for each in root.iter(f"{NAMESPACE}rect") if each.get("class") == "box"]
    for column in {each.get("x") for each in boxes}:
        tops = sorted(float(each.get("y", "0")) for each in boxes if each.get("x") == column)
        assert all(below - above >= 40 for above, below in itertools.pairwise(tops))
        assert 0 <= tops[0] <= tops[-1] + 40 <= height


@pytest.mark.parametrize("text", TEXTS.values())
def test_no_text_is_more_than_text(text: str, origin: Run) -> None:
    run = with_text(origin, text)
    for each in run.document["probes"]:
        each["name"] = text
    plain, hostile = drawn(origin), drawn(run)
    assert {each.tag for each in hostile.iter()} == {each.tag for each in plain.iter()}
    assert "http" not in "".join(
        value for each in hostile.iter() for name, value in each.attrib.items() if name != "d"
    )
