"""docs/origin.md: its versions are the locked ones, its tables and pictures are of what there is today."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from repro.cli.duplicates import CASES
from repro.observe.catalog import NODE
from repro.resources import probes_folder
from tests.end_to_end.test_node import ARRIVED, SERVERLESS

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "origin.md").read_text("utf-8")
BLOCKS = [each[1] for each in re.finditer(r"^```(?:\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)]

DATABASE = [entry.name for entry in NODE if entry.needs[0] == "DATABASE_URL"]


def block(head: str) -> str:
    (found,) = [each for each in BLOCKS if each.startswith(head)]
    return found


def test_its_versions_are_the_locked_ones() -> None:
    lock = json.loads((probes_folder() / "node" / "package-lock.json").read_text("utf-8"))["packages"]
    for name, nested in {
        "drizzle-orm": "drizzle-orm",
        "@vercel/postgres": "@vercel/postgres",
        "@neondatabase/serverless": "@vercel/postgres/node_modules/@neondatabase/serverless",
        "pg": "pg",
    }.items():
        assert f"{name} {lock[f'node_modules/{nested}']['version']}" in PAGE


@pytest.mark.parametrize(
    ("act", "failing"), [("1. ", SERVERLESS), ("2. ", []), ("3. ", ["node.drizzle-vercel-sql"])]
)
def test_each_act_has_all_database_probes_and_fails_the_true_ones(act: str, failing: list[str]) -> None:
    told = re.findall(r"^   (pass|fail)  (\S+)", block(act), re.MULTILINE)
    assert [name for _, name in told] == DATABASE
    assert [name for status, name in told if status == "fail"] == failing


def test_how_often_a_push_arrives_is_what_the_tests_measure() -> None:
    rows = [re.split(r"\s{2,}", line) for line in block("client ").splitlines()[1:]]
    settings = [(client, "" if said == "defaults" else said) for client, said, *_ in rows]
    assert settings == [(case.client, case.settings) for case in CASES]
    told = {key: int(arrived) for key, (_, _, arrived, *_) in zip(settings, rows, strict=True)}
    assert {key: told[key] for key in ARRIVED} == ARRIVED


def test_the_picture_of_the_push_ends_as_the_diagram_does() -> None:
    picture = " ".join(ET.parse(DOCS / "origin-push.svg").getroot().itertext())
    ends = set(re.findall(r"\[([^]]+)\]", block("flowchart")))
    assert {"COMMIT", "push over Redis TCP", "push over REST", "pushed twice", "queued once"} <= ends
    assert [each for each in sorted(ends) if each not in picture and "unknown" not in each] == []
