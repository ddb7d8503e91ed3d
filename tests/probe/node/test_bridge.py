"""The line to a Node process, with scripts that need no package."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from repro.probe.chain import walk
from repro.probe.node.bridge import Bridge
from repro.resources import probes_folder

pytestmark = pytest.mark.node

SCRIPT = """
import { serve } from './bridge.mjs';
const thrown = () => setImmediate(() => { throw new Error('thrown elsewhere'); });
serve(async () => ({
  fine: async () => 'answer',
  lost: () => new Promise(thrown),
  late: () => new Promise((resolve) => { thrown(); setTimeout(resolve, 50); }),
}));
"""


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[Bridge]:
    if shutil.which("node") is None:
        if os.environ.get("TXREPRO_REQUIRE_NODE") == "1":
            pytest.fail("Node is missing")
        pytest.skip("Node is missing")
    for name in ("bridge.mjs", "trace.cjs"):
        shutil.copy(probes_folder() / "node" / name, tmp_path / name)
    (tmp_path / "script.mjs").write_text(SCRIPT, encoding="utf-8")
    made = Bridge(tmp_path, "script.mjs", {})
    try:
        made.open()
        yield made
    finally:
        made.close()


def test_what_is_answered_is_returned(bridge: Bridge) -> None:
    assert bridge.ask("fine") == "answer"


def test_a_promise_that_never_settles_is_told_apart_from_what_was_thrown_beside_it(bridge: Bridge) -> None:
    with pytest.raises(Exception, match="had not settled 1 s later") as caught:
        bridge.ask("lost")
    assert [str(each) for each in walk(caught.value)][-1] == "thrown elsewhere"


def test_what_nobody_caught_is_the_error_even_where_the_promise_settles(bridge: Bridge) -> None:
    with pytest.raises(Exception, match="thrown elsewhere"):
        bridge.ask("late")
