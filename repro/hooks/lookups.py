"""Lookups of names: which addresses the system's resolver gave."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any

from repro.hooks.failures import lookup_failure_of
from repro.hooks.patches import Patches
from repro.hooks.recorder import Recorder


def hook(patches: Patches, recorder: Recorder) -> None:
    """Watch `socket.getaddrinfo`, which asyncio's loop calls too, in a thread."""

    def watching(original: Callable[..., Any]) -> Callable[..., Any]:
        def getaddrinfo(host: Any, port: Any, *args: Any, **options: Any) -> Any:
            lookup = Lookup(recorder, host, port)
            try:
                found = original(host, port, *args, **options)
            except socket.gaierror as error:
                lookup.failed(error)
                raise
            lookup.answered(found)
            return found

        return getaddrinfo

    patches.wrap(socket, "getaddrinfo", watching)


class Lookup:
    """One question to the resolver, from now on.

    Args:
        recorder: where its event goes. host: the name as the program gave it: text, bytes or None. A literal
            address is no lookup and gives no event. port: the port or service as the program gave it.
    """

    def __init__(self, recorder: Recorder, host: object, port: object) -> None:
        self._recorder = recorder
        self._name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        self._port = _port(port)
        self._t0 = time.monotonic()

    def answered(self, found: Iterable[tuple[Any, ...]]) -> None:
        """The resolver gave addresses, in the order in which they are to be tried."""
        if not self._asked:
            return
        answers = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        self._recorder.event(
            "dns", self._t0, dns__name=self._name, dns__port=self._port, dns__answers=answers
        )

    def failed(self, error: socket.gaierror) -> None:
        """The resolver gave none."""
        if not self._asked:
            return
        failure, name = lookup_failure_of(error)
        self._recorder.event(
            "dns",
            self._t0,
            failure=failure,
            dns__name=self._name,
            dns__port=self._port,
            dns__answers=[],
            dns__error=name,
        )

    @property
    def _asked(self) -> bool:
        return isinstance(self._name, str) and self._name != "" and not is_literal(self._name)


def is_literal(host: str) -> bool:
    """True for an address in figures, with or without a scope (``fe80::1%eth0``)."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _port(port: object) -> object:
    text = port.decode("ascii", "replace") if isinstance(port, bytes) else port
    return int(text) if isinstance(text, str) and text.isdecimal() else text
