from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from typing import Any

import pytest

from repro.lab import listeners
from repro.lab.errors import LabError
from repro.lab.listeners import Port, localhost_addresses


def has_ipv6_loopback() -> bool:
    with socket.socket(socket.AF_INET6) as trial:
        try:
            trial.bind(("::1", 0))
        except OSError:
            return False
    return True


BOTH = ("127.0.0.1", "::1") if has_ipv6_loopback() else ("127.0.0.1", "127.0.0.2")


def answering(*literals: str) -> Callable[..., list[Any]]:
    def getaddrinfo(*_: object, **__: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (literal, 0)) for literal in literals]

    return getaddrinfo


def test_localhost_is_what_the_system_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answering(BOTH[1], "127.0.0.1", BOTH[1]))
    assert localhost_addresses() == (BOTH[1], "127.0.0.1")


def test_addresses_elsewhere_and_addresses_that_are_not_here_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answering("192.0.2.1", "127.0.0.1", "fe80::1%lo0"))
    assert localhost_addresses() == ("127.0.0.1",)


def test_a_localhost_that_leads_elsewhere_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answering("192.0.2.1"))
    with pytest.raises(LabError, match=r"no loopback address.*192\.0\.2\.1"):
        localhost_addresses()


def test_a_localhost_that_does_not_resolve_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(LabError, match="does not resolve"):
        localhost_addresses()


def test_one_number_answers_on_every_address() -> None:
    port = Port.reserve(BOTH)
    sockets = port.listen()
    try:
        for address in BOTH:
            socket.create_connection((address, port.number), timeout=5).close()
    finally:
        for each in sockets:
            each.close()
        port.close()


def test_another_number_is_tried_when_the_second_address_has_it_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[socket.socket] = []
    bind = listeners._bind

    def bind_after_a_stranger(address: str, port: int) -> socket.socket:
        if address == BOTH[1] and not taken:
            stranger = bind(address, port)
            stranger.listen()
            taken.append(stranger)
        return bind(address, port)

    monkeypatch.setattr(listeners, "_bind", bind_after_a_stranger)
    port = Port.reserve(BOTH)
    try:
        assert port.number != taken[0].getsockname()[1]
    finally:
        port.close()
        taken[0].close()


def test_an_address_that_cannot_be_bound_is_an_error() -> None:
    with pytest.raises(LabError, match=r"192\.0\.2\.77 cannot be bound"):
        Port.reserve(["192.0.2.77"])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a port be held")
def test_a_number_is_held_refused_and_kept_while_nobody_listens() -> None:
    port = Port.reserve(["127.0.0.1"])
    try:
        for _ in range(2):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(port.endpoint, timeout=5)
            with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
                stranger.bind(port.endpoint)
            (listening,) = port.listen()
            socket.create_connection(port.endpoint, timeout=5).close()
            listening.close()
    finally:
        port.close()


def test_a_number_that_was_taken_is_said_and_nothing_stays_open() -> None:
    port = Port.reserve(["127.0.0.1"])
    (first,) = port.listen()
    try:
        with pytest.raises(OSError, match="in use"):
            port.listen()
    finally:
        first.close()
        port.close()
