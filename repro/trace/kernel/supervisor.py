"""Answers the kernel's notifications until no process uses the filter any more.

What goes wrong with one notification is that one's only: the call is let through, and the next one is served.
"""

from __future__ import annotations

import select
import socket
import sys
import time
from contextlib import suppress

from repro.events import Event
from repro.trace.kernel import abi, tracee
from repro.trace.kernel.attempts import Tell
from repro.trace.kernel.connections import GLANCE_S, Connections, Detour
from repro.trace.kernel.listener import Listener, Notification
from repro.trace.kernel.questions import question_in

__all__ = ["Detour", "Supervisor"]

_MAX_QUESTIONS = 4
_MAX_PACKET = 512


class Supervisor:
    """Serves one listener.

    Args:
        listener: its descriptor; closed at the end.
        machine: the machine's numbers.
        tell: is given each event, from one thread or another; what it raises is swallowed and counted.
        detour: leads attempts through a tap; None lets them go where they want.
    """

    def __init__(
        self, listener: int, machine: abi.Machine, tell: Tell, *, detour: Detour | None = None
    ) -> None:
        self._listener = Listener(listener)
        self._machine = machine
        self._told = tell
        self._connections = Connections(self._listener, machine, self._tell, detour)
        self._stop, self._wake = socket.socketpair()
        self.lost = 0
        """Events that nobody took."""

    @property
    def blind(self) -> bool:
        """Whether results are hidden: this system does not let us borrow sockets of other processes."""
        return self._connections.blind

    def serve(self) -> None:
        """Answer until the last traced process has ended, or `stop` is called; then tell what is pending."""
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        poll.register(self._stop, select.POLLIN)
        try:
            while True:
                ready = dict(poll.poll(GLANCE_S * 1000 if self._connections.waiting else None))
                if self._stop.fileno() in ready:
                    return
                happened = ready.get(self._listener.fileno(), 0)
                if happened & select.POLLIN:
                    self._serve_one()
                elif happened:  # POLLHUP: nobody uses the filter any more
                    return
                self._connections.glance()
        finally:
            self._connections.end()
            self._listener.close()
            self._stop.close()
            self._wake.close()

    def stop(self) -> None:
        """End `serve`, from any thread. A traced process that lives on is let through by its keeper."""
        with suppress(OSError):
            self._wake.send(b"x")

    def _serve_one(self) -> None:
        notification = self._listener.receive()
        if notification is None:
            return
        try:
            self._handle(notification)
        except Exception:  # noqa: BLE001 - a bad pointer, a process that is gone: let the kernel see to it
            self._listener.let_through(notification)

    def _handle(self, notification: Notification) -> None:
        if notification.number == self._machine.connect:
            self._connections.connect(notification)
        elif notification.number == self._machine.getsockopt:
            self._connections.asked_for_the_result(notification)
        else:
            self._tell_questions(notification)
            self._listener.let_through(notification)

    def _tell_questions(self, notification: Notification) -> None:
        """The names in a resolver's datagrams: glibc sends those for A and AAAA in one call."""
        _, vector, count, *_ = notification.arguments
        now = time.monotonic()
        process = tracee.process_of(notification.thread)
        for index in range(min(count, _MAX_QUESTIONS)):
            at = vector + index * abi.MMSGHDR_BYTES + 16  # msg_iov, behind msg_name and msg_namelen
            pieces = tracee.read_number(notification.thread, at, 8)
            base = tracee.read_number(notification.thread, pieces, 8)
            length = tracee.read_number(notification.thread, pieces + 8, 8)
            packet = tracee.read_memory(notification.thread, base, min(length, _MAX_PACKET))
            question = question_in(packet)
            if question is not None:
                fields = {"dns.name": question.name, "dns.type": question.kind}
                self._tell(process, Event("dns.query", now, now, "kernel", fields=fields))

    def _tell(self, process: int, event: Event) -> None:
        try:
            self._told(process, event)
        except Exception:  # noqa: BLE001 - the program must not hang because nobody takes its events
            self.lost += 1


if sys.byteorder != "little":  # pragma: no cover - no such machine is in `abi`
    raise ImportError("the kernel's notifications are read on little-endian machines only")
