from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvloop

from repro.events import Event
from repro.hooks import install
from repro.hooks.lookups import is_literal

Resolver = Callable[[BaseException | list[str]], list[Event]]
RUNNERS = {"asyncio": asyncio.run, "uvloop": uvloop.run}


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    """Sets what the system's resolver answers, then installs the hooks; gives their events."""
    uninstalls: list[Callable[[], None]] = []

    def answering(answer: BaseException | list[str]) -> list[Event]:
        def getaddrinfo(host: Any, port: Any, *args: Any, **options: Any) -> Any:
            if isinstance(answer, BaseException):
                raise answer
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 1)) for address in answer]

        async def loop_getaddrinfo(loop: Any, host: Any, port: Any, **options: Any) -> Any:
            return getaddrinfo(host, port)

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        monkeypatch.setattr(uvloop.Loop, "getaddrinfo", loop_getaddrinfo)
        told: list[Event] = []
        uninstalls.append(install(told.append))
        return told

    yield answering
    for uninstall in uninstalls:
        uninstall()


def test_answers_are_unique_and_in_order(resolver: Resolver) -> None:
    told = resolver(["192.0.2.2", "192.0.2.1", "192.0.2.2"])
    found = socket.getaddrinfo("name.test", "5432", 0, socket.SOCK_STREAM)
    assert len(found) == 3
    (event,) = told
    assert (event.op, event.failure, event.errno, event.peer, event.conn) == ("dns", None, None, None, None)
    assert event.fields == {
        "dns.name": "name.test",
        "dns.port": 5432,
        "dns.answers": ["192.0.2.2", "192.0.2.1"],
    }
    assert event.t0 <= event.t


@pytest.mark.parametrize(
    ("number", "name", "failure"),
    [
        (socket.EAI_NONAME, "EAI_NONAME", "dns_nxdomain"),
        (socket.EAI_AGAIN, "EAI_AGAIN", "dns_failure"),
        (socket.EAI_FAIL, "EAI_FAIL", "dns_failure"),
        (4711, None, "dns_failure"),
    ],
)
@pytest.mark.parametrize("loop", [None, "asyncio", "uvloop"])
def test_a_failure_has_its_class_and_its_name(
    resolver: Resolver, loop: str | None, number: int, name: str | None, failure: str
) -> None:
    error = socket.gaierror(number, "not today")
    told = resolver(error)

    async def main() -> None:
        await asyncio.get_running_loop().getaddrinfo("name.test", 1)

    with pytest.raises(socket.gaierror) as caught:
        RUNNERS[loop](main()) if loop else socket.getaddrinfo("name.test", 1)
    assert caught.value is error
    (event,) = told
    assert (event.op, event.failure) == ("dns", failure)
    assert event.fields == {"dns.name": "name.test", "dns.port": 1, "dns.answers": [], "dns.error": name}


@pytest.mark.parametrize("loop", RUNNERS)
def test_the_lookups_of_a_loop_are_seen_once(resolver: Resolver, loop: str) -> None:
    told = resolver(["192.0.2.1"])

    async def main() -> Any:
        return await asyncio.get_running_loop().getaddrinfo("name.test", 1, type=socket.SOCK_STREAM)

    assert RUNNERS[loop](main())[0][4] == ("192.0.2.1", 1)
    assert [event.fields["dns.name"] for event in told] == ["name.test"]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "fe80::1%1", b"127.0.0.1", None, ""])
def test_what_names_nothing_is_no_lookup(resolver: Resolver, host: Any) -> None:
    told = resolver(["192.0.2.1"])
    socket.getaddrinfo(host, 1)
    assert told == []


def test_a_name_in_bytes_and_a_service_are_told_as_text(resolver: Resolver) -> None:
    told = resolver(["192.0.2.1"])
    socket.getaddrinfo(host=b"name.test", port=b"http")
    assert told[0].fields["dns.name"] == "name.test"
    assert told[0].fields["dns.port"] == "http"


def test_literals_are_told_from_names() -> None:
    assert is_literal("::ffff:192.0.2.1")
    assert not is_literal("127.1.example.test")
