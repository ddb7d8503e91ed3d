from __future__ import annotations

from typing import Any

from repro.document import ChainLink, Outcome
from repro.report.failure import Room, render, trace
from tests.report.conftest import Run, dialogue, event


def section(run: Any, name: str, room: Room | None = None) -> str:
    outcome: Outcome = next(each for each in run.document["probes"] if each["name"] == name)
    assert outcome["error"] is not None
    return render(outcome, outcome["error"], run.events.get(name, ()), "", room or Room())


def test_what_failed_first_where_and_whether_it_was_predicted(origin: Any) -> None:
    text = section(origin, "ws.neon")

    assert text.startswith("### `ws.neon` failed at `connect`: connection refused\n")
    assert "| first failing operation | `connect` |" in text
    assert "| failure | `connection_refused` `ECONNREFUSED` |" in text
    assert "| predicted before any packet | `wss://localhost/v2` → `localhost:443` |" in text
    assert "| dialled | `127.0.0.1:443` `connection_refused`, where it was predicted |" in text
    assert "| effect applied | no |" in text
    assert "- `channel_binding` was removed for the inner hop" in text


def test_a_surprise_is_said(origin: Any) -> None:
    for outcome in origin.document["probes"]:
        outcome["predicted"] = [{"url": "u", "host": "h", "port": 5433, "protocol": "p"}]

    assert "**not what was predicted**" in section(origin, "ws.neon")


def test_the_whole_chain_outermost_first_each_link_further_in(origin: Any) -> None:
    text = section(origin, "http.neon")

    chain = text.split("```text\n", 1)[1].split("\n```", 1)[0].splitlines()
    assert chain[0].endswith("NeonHttpError: Failed query: begin")
    assert [len(line) - len(line.lstrip()) for line in chain] == [0, 0, 3, 6, 9]
    assert chain[-1].lstrip() == (
        "└─ ConnectionRefusedError [ECONNREFUSED]: [Errno 111] Connect call failed ('127.0.0.1', 443)"
    )


def test_a_long_chain_keeps_its_first_and_its_last_links(origin: Any) -> None:
    for outcome in origin.document["probes"]:
        if outcome["error"]:
            outcome["error"]["chain"] = [ChainLink(type=f"E{n}", message="", code=None) for n in range(30)]

    text = section(origin, "ws.neon", Room(links=5))

    shown = text.split("```text\n", 1)[1].split("\n```", 1)[0].splitlines()
    assert [line.strip("└─ ") for line in shown] == [
        "E0",
        "[… 25 links left out …]",
        "E26",
        "E27",
        "E28",
        "E29",
    ]


def test_a_timeout_says_that_the_effect_is_not_known(mishaps: Any) -> None:
    text = section(mishaps, "tcp.psycopg")

    assert text.startswith("### `tcp.psycopg` timed out at `commit`\n")
    assert "| effect applied | **unknown**: no answer says so |" in text
    assert "repro.observe.Deadline: no outcome within 5.0 s" in text


def test_a_crash_shows_the_end_of_its_log(mishaps: Any) -> None:
    text = section(mishaps, "tcp.asyncpg", Room(log_lines=10))

    assert text.startswith("### `tcp.asyncpg` crashed at `begin`\n")
    assert "<details><summary>The end of its standard error, 200 lines</summary>" in text
    assert "line 199" in text
    assert "[… 190 lines left out …]" in text


def test_a_broken_transaction_shows_its_backends(mishaps: Any) -> None:
    text = section(mishaps, "orm.sqlalchemy-psycopg")

    assert "| atomicity | **broken**: backends `1234, 1250`, transaction ids `754, 755` |" in text


def test_a_probe_that_dialled_nothing(mishaps: Any) -> None:
    mishaps.events.clear()
    for outcome in mishaps.document["probes"]:
        if outcome["error"]:
            outcome["error"]["address"] = None

    assert "| dialled | nothing |" in section(mishaps, "tcp.psycopg")


def test_the_trace_is_folded(origin: Any) -> None:
    text = section(origin, "ws.neon")

    assert "<details><summary>What it did on the network, 2 events</summary>\n\n```text\n" in text
    assert text.endswith("\n```\n\n</details>")


def test_of_a_check_that_failed_the_trace_begins_there(origin: Any) -> None:
    found = next(each for each in origin.document["probes"] if each["name"] == "ws.neon")
    found["error"]["operation"] = "atomicity"
    found["atomicity"] |= {"backends": [1], "xids": ["2"]}
    note = event(3, "note", text="transactions at once") | {"src": "probe"}
    later = event(4, "pg.msg", peer={"address": "127.0.0.1", "port": 1}) | {"pg.name": "Late"}
    text = "".join(trace(found, [*dialogue(1), note, later], Room()))
    assert "What it did on the network in the check that failed, 2 events" in text
    assert "Late" in text
    assert "localhost" not in text


def test_without_room_the_trace_is_named(origin: Any) -> None:
    assert section(origin, "ws.neon", Room(trace_lines=0)).endswith("The trace is in `trace/ws.neon.jsonl`.")


def test_less_room_ends_at_nothing() -> None:
    room = Room()
    for _ in range(12):
        room = room.less()

    assert (room.probes, room.trace_lines, room.log_lines) == (0, 0, 0)


def test_a_transaction_that_is_one_alone_and_split_among_others_is_told_so(mishaps: Run) -> None:
    found = next(each for each in mishaps.document["probes"] if each["atomicity"]["status"] == "broken")
    found["atomicity"]["backends"] = [1234]
    text = section(mishaps, found["name"])
    assert "| atomicity | **broken**: alone on one backend `1234`, and split among others at once |" in text
