"""The page of a bench: it loads nothing, others write no markup, and it can be read without its drawings."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import pytest

from repro.bench import page
from repro.bench.budget import Budget
from repro.bench.document import BenchDocument
from tests.bench.conftest import MakeDocument, MakeTimed
from tests.report.html.reading import ATTRIBUTES, KNOWN, Page
from tests.report.html.test_page import HOSTILE

PACE = [0.001 * each for each in (1.0, 1.1, 0.9, 1.2, 1.0, 0.8, 1.3, 40.0)] * 3


class Drawn(Page):
    """A page with drawings."""

    known = KNOWN | {"svg", "circle", "line", "text"}
    known_attributes = ATTRIBUTES | {"cx", "cy", "r", "x", "y", "x1", "x2", "y1", "y2"}


@pytest.fixture
def bench(make_timed: MakeTimed, make_document: MakeDocument) -> BenchDocument:
    error = {"failure": "connection_refused", "operation": "connect", "message": "refused", "chain": []}
    return make_document(
        make_timed("tcp.raw", PACE, connects=PACE[:7]),
        make_timed("tcp.asyncpg", [2 * each for each in PACE], connects=PACE[:7]),
        make_timed("ws.neon", status="fail", error=error, failed_at="first"),
        make_timed("push.redis-tcp", PACE),
        make_timed("tcp.psycopg", status="skip", reason="DATABASE_URL is not set"),
        make_timed("tcp.raw", PACE, control=True),
        budgets=[Budget("tcp.asyncpg", 1.5, "ratio")],
    )


def test_each_work_has_its_plot_and_its_numbers(bench: BenchDocument) -> None:
    found = Drawn(page.render(bench))

    assert found.all("h1")[0].text == "3 drivers timed on the lab"
    assert [each.text for each in found.all("h2")] == [
        *("The transaction", "The push", "Connecting", "Budgets", "How it was measured")
    ]
    labels = [each.get("aria-label") for each in found.all("svg") if each.get("role")]
    assert len(labels) == 5
    assert labels[1].startswith("the transaction over tcp.asyncpg: median 2.10 ms of 24, it lies between")
    assert len(found.all("table")) == 2


def test_every_time_is_drawn_or_counted(bench: BenchDocument) -> None:
    text = page.render(bench)

    row = text[text.index("the push over push.redis-tcp") :]
    row = row[: row.index("</svg>")]
    beyond = re.search(r"\+(\d+) →", row)
    assert row.count('class="time"') + (int(beyond[1]) if beyond else 0) == len(PACE)


def test_it_loads_nothing_and_only_its_own_style_and_script_apply(bench: BenchDocument) -> None:
    text = page.render(bench)

    assert not re.findall(r"""(?:src|href)=["'](?!#|data:)[^"']""", text)
    assert "@import" not in text
    assert "url(" not in text
    for tag in ("style", "script"):
        held = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert held is not None
        digest = base64.b64encode(hashlib.sha256(held[1].encode()).digest()).decode()
        assert f"{tag}-src{'-elem' if tag == 'style' else ''} &#x27;sha256-{digest}&#x27;" in text


def test_no_text_of_others_becomes_markup(bench: Any) -> None:
    for probe in bench["probes"]:
        probe["driver"] = {"name": HOSTILE, "version": HOSTILE}
        probe["reason"] = HOSTILE
        probe["notes"] = [HOSTILE]
        if probe["error"] is not None:
            probe["error"] |= {"message": HOSTILE * 1_000, "failure": HOSTILE}

    text = page.render(bench)

    assert Drawn(text).all("table")
    assert "<img" not in text
    assert len(re.findall("<script", text)) == 1
    assert len(text.encode("utf-8", "surrogatepass")) < 500_000


def test_the_same_document_gives_the_same_page(bench: BenchDocument) -> None:
    assert page.render(bench) == page.render(bench)
