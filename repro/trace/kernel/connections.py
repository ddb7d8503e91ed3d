"""Carries out each connect on the program's own socket, which is what shows its result.

A non-blocking connect answers at once, and its result is read later, when the program asks for ``SO_ERROR``.
A blocking one is waited for in a thread, so that others need not wait for it. A signal ends the program's
wait and not the attempt, as in the kernel: the same socket then gets the result of the one attempt that was
made.
"""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from repro.events import Event, Peer
from repro.trace.kernel import abi, tracee
from repro.trace.kernel.attempts import Attempt, Tell
from repro.trace.kernel.listener import Listener, Notification

GLANCE_S = 0.02
"""How often an attempt is looked at: a program that gives one up by ``close`` does not tell us."""

_MAX_ADDRESS = 128
_DNS_PORT = 53
_NOT_ENDED = frozenset({errno.EISCONN, errno.EALREADY, errno.EINTR})

Detour = Callable[[Attempt, socket.socket], Peer | None]
"""Where an attempt is led instead: given the attempt and its socket; another address, or None."""


@dataclass(frozen=True, slots=True)
class _Call:
    """One ``connect`` that waits for us: who, on which socket, and the address as the program gave it."""

    notification: Notification
    process: int
    descriptor: int
    name: str
    sock: socket.socket
    address: bytes


@dataclass(slots=True, eq=False)
class _Worker:
    """An attempt that is carried out in a thread, and the call that waits for it; None once interrupted."""

    attempt: Attempt
    sock: socket.socket
    notification: Notification | None


class Connections:
    """The attempts of all traced processes.

    Args:
        listener: answers their calls.
        machine: the machine's numbers.
        tell: is given each event.
        detour: leads attempts through a tap, or None.
    """

    def __init__(self, listener: Listener, machine: abi.Machine, tell: Tell, detour: Detour | None) -> None:
        self._listener = listener
        self._machine = machine
        self._tell = tell
        self._detour = detour
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()
        self._pending: dict[tuple[int, int], Attempt] = {}
        self._workers: dict[str, _Worker] = {}
        self._unclaimed: dict[str, int] = {}
        self.blind = False

    @property
    def waiting(self) -> bool:
        """Whether there is anything to `glance` at."""
        return bool(self._pending or self._workers)

    def connect(self, notification: Notification) -> None:
        """Serve one ``connect``."""
        descriptor, where, length, *_ = notification.arguments
        t0 = time.monotonic()
        address = tracee.read_memory(notification.thread, where, min(length, _MAX_ADDRESS))
        peer = tracee.peer_in(address)
        if peer is None:
            self._listener.let_through(notification)
            return
        process = tracee.process_of(notification.thread)
        try:
            sock = tracee.borrow(self._machine, process, descriptor)
        except PermissionError:
            self._not_shown(notification, process, peer, t0)
            return
        name = tracee.socket_name(process, descriptor)
        if sock.type != socket.SOCK_STREAM or name is None or not self._listener.waits(notification):
            sock.close()
            self._listener.let_through(notification)
            return
        call = _Call(notification, process, descriptor, name, sock, address)
        with self._lock:
            if self._is_the_same_again(call):
                return
            self._given_up(process, descriptor)
        self._begin(call, Attempt(process, descriptor, name, peer, t0, next(self._numbers)))

    def _is_the_same_again(self, call: _Call) -> bool:
        """Whether this call asks for the result of an attempt that was made already; then it is served."""
        worker = self._workers.get(call.name)
        if worker is not None:
            worker.notification = call.notification  # after a signal the kernel begins the call again
            call.sock.close()
            return True
        if call.name in self._unclaimed:
            number = self._unclaimed.pop(call.name)
            call.sock.close()
            self._listener.answer(call.notification, number or errno.EISCONN)
            return True
        pending = self._pending.get((call.process, call.descriptor))
        if pending is None or pending.socket != call.name:
            return False
        with call.sock:
            number = tracee.connect(call.sock.fileno(), call.address)
        if number in {0, errno.EISCONN}:
            self._end_pending(pending, 0)
        elif number not in {errno.EALREADY, errno.EINPROGRESS, errno.EINTR}:
            self._end_pending(pending, number)
        self._listener.answer(call.notification, number)
        return True

    def _begin(self, call: _Call, attempt: Attempt) -> None:
        blocking = not fcntl.fcntl(call.sock, fcntl.F_GETFL) & os.O_NONBLOCK
        worker = _Worker(attempt, call.sock, call.notification)
        if not blocking and self._detour is None:
            self._finished(worker, tracee.connect(call.sock.fileno(), call.address))
            return
        with self._lock:
            self._workers[call.name] = worker
        try:
            threading.Thread(target=self._work, args=(worker, call.address), daemon=True).start()
        except RuntimeError:  # no more threads are to be had: the program waits by itself, unseen
            with self._lock:
                del self._workers[call.name]
            call.sock.close()
            raise

    def _work(self, worker: _Worker, address: bytes) -> None:
        where = None
        if self._detour is not None:
            with suppress(Exception):  # the tap's troubles are not the program's
                where = self._detour(worker.attempt, worker.sock)
        worker.attempt.tapped_as = where
        target = address if where is None else _as_bytes(where, worker.sock)
        self._finished(worker, tracee.connect(worker.sock.fileno(), target))

    def _finished(self, worker: _Worker, number: int) -> None:
        """The attempt has a result, or goes on in the kernel: hand it on."""
        attempt = worker.attempt
        worker.sock.close()
        with self._lock:
            self._workers.pop(attempt.socket or "", None)
            notification = worker.notification
            if number == errno.EINPROGRESS:
                self._pending[attempt.process, attempt.descriptor] = attempt
            elif notification is None and attempt.socket is not None and not attempt.told:
                self._unclaimed[attempt.socket] = number
        if notification is not None:
            self._listener.answer(notification, number)
        if number != errno.EINPROGRESS and number not in _NOT_ENDED:
            self._tell_once(attempt, attempt.ended(time.monotonic(), number))

    def _not_shown(self, notification: Notification, process: int, peer: Peer, t0: float) -> None:
        """Where sockets may not be borrowed the attempt is seen and its result is not."""
        self.blind = True
        self._listener.let_through(notification)
        if peer.port not in {0, _DNS_PORT}:  # most likely a resolver's datagram
            descriptor = notification.arguments[0]
            attempt = Attempt(process, descriptor, None, peer, t0, next(self._numbers))
            self._tell(process, attempt.unseen(t0))

    def asked_for_the_result(self, notification: Notification) -> None:
        """Serve ``getsockopt(SO_ERROR)``, which can be read once only: read it, hand it on, tell it."""
        descriptor, _, _, value_at, length_at, _ = notification.arguments
        process = tracee.process_of(notification.thread)
        with self._lock:
            attempt = self._pending.get((process, descriptor))
            unclaimed = self._unclaimed.pop(tracee.socket_name(process, descriptor) or "", None)
        if attempt is None and unclaimed is None:
            self._listener.let_through(notification)
            return
        room = tracee.read_number(notification.thread, length_at, 4)
        tracee.read_memory(notification.thread, value_at, min(room, 4))  # a bad pointer fails here, unchanged
        asked_too_early = False
        number = unclaimed or 0
        if attempt is not None:
            with tracee.borrow(self._machine, process, descriptor) as sock:
                state = tracee.tcp_state(sock)
                number = sock.getsockopt(abi.SOL_SOCKET, abi.SO_ERROR)
            asked_too_early = number == 0 and state == abi.TCP_SYN_SENT
        answer = struct.pack("=i", number)[:room]
        tracee.write_memory(notification.thread, value_at, answer)
        tracee.write_memory(notification.thread, length_at, struct.pack("=I", len(answer)))
        self._listener.answer(notification)
        if attempt is not None and not asked_too_early:
            self._end_pending(attempt, number)

    def glance(self) -> None:
        """Tell of attempts that have ended without a question for their result; let signals through."""
        now = time.monotonic()
        with self._lock:
            pending, workers = list(self._pending.values()), list(self._workers.values())
        for attempt in pending:
            if now - attempt.t0 < GLANCE_S:
                continue
            if tracee.socket_name(attempt.process, attempt.descriptor) != attempt.socket:
                self._given_up(attempt.process, attempt.descriptor)
            elif self._is_established(attempt):
                self._end_pending(attempt, 0)
        for worker in workers:
            self._look_at(worker, now)

    def _look_at(self, worker: _Worker, now: float) -> None:
        with self._lock:
            notification = worker.notification
            if notification is not None:
                if not self._listener.waits(notification):
                    worker.notification = None
                elif tracee.has_signal(notification.thread):
                    worker.notification = None
                    self._listener.answer(notification, abi.ERESTARTSYS)
                return
        attempt = worker.attempt
        if tracee.socket_name(attempt.process, attempt.descriptor) != attempt.socket:
            self._tell_once(attempt, attempt.abandoned(now))
            with suppress(OSError):
                worker.sock.shutdown(socket.SHUT_RDWR)  # ends the thread that waits for it

    def end(self) -> None:
        """No more notifications come: tell what is pending."""
        now = time.monotonic()
        with self._lock:
            open_ = [*self._pending.values(), *(worker.attempt for worker in self._workers.values())]
            self._pending.clear()
            for worker in self._workers.values():
                if worker.notification is not None:  # it is begun again, and waits by itself
                    self._listener.answer(worker.notification, abi.ERESTARTSYS)
                    worker.notification = None
        for attempt in open_:
            self._tell_once(attempt, attempt.abandoned(now))

    def _end_pending(self, attempt: Attempt, number: int) -> None:
        with self._lock:
            self._pending.pop((attempt.process, attempt.descriptor), None)
        self._tell_once(attempt, attempt.ended(time.monotonic(), number))

    def _given_up(self, process: int, descriptor: int) -> None:
        """The program uses the descriptor for something else, or for nothing."""
        with self._lock:
            attempt = self._pending.pop((process, descriptor), None)
        if attempt is not None:
            self._tell_once(attempt, attempt.abandoned(time.monotonic()))

    def _tell_once(self, attempt: Attempt, event: Event) -> None:
        with self._lock:
            if attempt.told:
                return
            attempt.told = True
        self._tell(attempt.process, event)

    def _is_established(self, attempt: Attempt) -> bool:
        try:
            with tracee.borrow(self._machine, attempt.process, attempt.descriptor) as sock:
                return tracee.tcp_state(sock) == abi.TCP_ESTABLISHED
        except OSError:
            return False


def _as_bytes(peer: Peer, sock: socket.socket) -> bytes:
    """A ``struct sockaddr`` of the socket's own family."""
    family = sock.family
    packed = struct.pack("=H", family) + struct.pack(">H", peer.port or 0)
    if family == socket.AF_INET6:
        address = peer.address if ":" in peer.address else f"::ffff:{peer.address}"
        return packed + bytes(4) + socket.inet_pton(family, address) + bytes(4)
    return packed + socket.inet_pton(family, peer.address) + bytes(8)
