"""What a text and an event mean where tokens stand in them: each run salts them anew."""

from __future__ import annotations

from typing import Any

import pytest

from repro.report.difference.meaning import Meaning
from tests.report.conftest import Run, event


def meaning(run: Run, host: str) -> Meaning:
    urls = {"endpoints": [f"postgresql://{host}:6543"], "neon_websocket": [f"wss://{host}/v2"]}
    document: Any = {**run.document, "target": {"kind": "env", "database": urls}}
    return Meaning(document)


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("[redacted:0a1b2c]", "[redacted:ffffff]"),
        ("[user:0a1b2c]", "[user:ffffff]"),
        ("lookup [host:0a1b2c]-pooler.neon.tech", "lookup [host:ffffff]-pooler.neon.tech"),
        ("[ipv6:0a1b2c]:443", "[ipv6:ffffff]:443"),
    ],
)
def test_a_token_is_the_same_whatever_its_salt(here: str, there: str, origin: Run) -> None:
    told = Meaning(origin.document)
    assert told.of_fact(here) == told.of_fact(there)


def test_a_token_of_another_kind_is_another_thing(origin: Run) -> None:
    told = Meaning(origin.document)
    assert (
        len({told.of_fact(f"[{kind}:0a1b2c]") for kind in ("redacted", "host", "user", "ipv4", "ipv6")}) == 5
    )


def test_a_host_that_is_a_token_plays_its_part_as_one_that_is_told(origin: Run) -> None:
    hosts = ("[host:0a1b2c]-pooler.neon.tech", "[host:ffffff]", "[ipv4:0a1b2c]", "localhost")
    events = [
        meaning(origin, host).of_event(event(1, "dns") | {"dns.name": host, "port": "6543"}) for host in hosts
    ]
    assert {dict(each)["dns.name"] for each in events} == {"<host of database>"}
    assert {dict(each)["port"] for each in events} == {"<port of database>"}


def test_the_family_of_an_address_that_is_a_token_is_known(origin: Run) -> None:
    told = Meaning(origin.document)
    lines = [
        event(1, "connect", peer={"address": address, "port": 443}) | {"dns.answers": [address]}
        for address in ("[ipv4:0a1b2c]", "127.0.0.1", "[ipv6:0a1b2c]", "::1")
    ]
    four, also_four, six, also_six = map(told.of_event, lines)
    assert four == also_four
    assert six == also_six
    assert four != six
