"""Answers the kernel's notifications: carries out each connect on the program's own socket.

Doing it here is what shows the result: a blocking connect answers with it, and of a non-blocking one it is
read later, when the program asks for ``SO_ERROR``. All else is let through unseen.
"""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from repro.events import Event, Peer
from repro.trace.kernel import abi, tracee
from repro.trace.kernel.attempts import Attempt, Tell
from repro.trace.kernel.questions import question_in

_GLANCE_S = 0.02
"""How often a pending attempt is looked at: a program that gives one up by ``close`` does not tell us."""

_MAX_ADDRESS = 128
_MAX_QUESTIONS = 4
_MAX_PACKET = 512
_DNS_PORT = 53

Detour = Callable[[Attempt, socket.socket], Peer | None]
"""Where an attempt is led instead: given the attempt and its socket; another address, or None."""


@dataclass(frozen=True, slots=True)
class Notification:
    """One system call that waits for our answer."""

    id: int
    thread: int
    number: int
    arguments: tuple[int, ...]


class Supervisor:
    """Serves one listener until no process uses the filter any more.

    Args:
        listener: its descriptor; closed at the end.
        machine: the machine's numbers.
        tell: is given each event, from one thread or another.
        detour: leads attempts through a tap; None lets them go where they want.
    """

    def __init__(
        self, listener: int, machine: abi.Machine, tell: Tell, *, detour: Detour | None = None
    ) -> None:
        self._listener = listener
        self._machine = machine
        self._tell = tell
        self._detour = detour
        self._numbers = itertools.count(1)
        self._pending: dict[tuple[int, int], Attempt] = {}
        self._blocking: dict[int, tuple[Notification, Attempt, socket.socket]] = {}
        self._blind = False
        self._listening = threading.Lock()
        self._closed = False
        self._stop, self._wake = socket.socketpair()

    @property
    def blind(self) -> bool:
        """Whether results are hidden: this system does not let us borrow sockets of other processes."""
        return self._blind

    def serve(self) -> None:
        """Answer until the last traced process has ended, or `stop` is called; then tell what is pending."""
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        poll.register(self._stop, select.POLLIN)
        try:
            while True:
                ready = dict(poll.poll(_GLANCE_S * 1000 if self._pending or self._blocking else None))
                if self._stop.fileno() in ready:
                    return
                happened = ready.get(self._listener, 0)
                if happened & select.POLLIN:
                    self._receive()
                elif happened:  # POLLHUP: nobody uses the filter any more
                    return
                self._glance()
        finally:
            self._end()

    def stop(self) -> None:
        """End `serve`, from any thread. A traced process that lives on can connect no more (ENOSYS)."""
        with suppress(OSError):
            self._wake.send(b"x")

    def _end(self) -> None:
        now = time.monotonic()
        for attempt in (*self._pending.values(), *(each for _, each, _ in self._blocking.values())):
            self._tell_once(attempt, attempt.abandoned(now))
        self._pending.clear()
        with self._listening:  # a thread that still waits must not answer through another file
            self._closed = True
            os.close(self._listener)
        self._stop.close()
        self._wake.close()

    def _receive(self) -> None:
        buffer = bytearray(abi.NOTIFICATION.size)
        try:
            fcntl.ioctl(self._listener, abi.IOCTL_NOTIF_RECV, buffer, True)  # noqa: FBT003 - fcntl's own flag
        except OSError as error:
            if error.errno in {errno.EINTR, errno.ENOENT}:  # who asked is gone already
                return
            raise
        number, thread, _, call, _, _, *arguments = abi.NOTIFICATION.unpack(buffer)
        notification = Notification(number, thread, call, tuple(arguments))
        try:
            self._handle(notification)
        except OSError:  # it has gone on, or is gone: let the kernel see to it
            self._let_through(notification)
        except BaseException:
            self._let_through(notification)
            raise

    def _handle(self, notification: Notification) -> None:
        if notification.number == self._machine.connect:
            self._connect(notification)
        elif notification.number == self._machine.getsockopt:
            self._verdict(notification)
        else:
            self._tell_questions(notification)
            self._let_through(notification)

    def _connect(self, notification: Notification) -> None:
        descriptor, where, length, *_ = notification.arguments
        t0 = time.monotonic()
        address = tracee.read_memory(notification.thread, where, min(length, _MAX_ADDRESS))
        peer = tracee.peer_in(address)
        if peer is None:
            self._let_through(notification)
            return
        process = tracee.process_of(notification.thread)
        try:
            sock = tracee.borrow(self._machine, process, descriptor)
        except PermissionError:
            self._not_shown(notification, process, peer, t0)
            return
        if sock.type != socket.SOCK_STREAM or not self._still_waits(notification):
            sock.close()
            self._let_through(notification)
            return
        self._given_up(process, descriptor)
        name = tracee.socket_name(process, descriptor)
        attempt = self._resumed(name, peer) or Attempt(
            process, descriptor, name, peer, t0, next(self._numbers)
        )
        blocking = not fcntl.fcntl(sock, fcntl.F_GETFL) & os.O_NONBLOCK
        if blocking or self._detour is not None:  # it may take minutes, and others must not wait for it
            self._blocking[notification.id] = notification, attempt, sock
            work = notification, attempt, sock, address
            threading.Thread(target=self._carry_out, args=work, daemon=True).start()
        else:
            self._carry_out(notification, attempt, sock, address)

    def _resumed(self, name: str | None, peer: Peer) -> Attempt | None:
        """A blocking attempt that a signal had interrupted, and that the kernel begins again."""
        for notification, attempt, _ in self._blocking.values():
            same = name is not None and (attempt.socket, attempt.peer) == (name, peer)
            if same and not attempt.told and not self._still_waits(notification):
                return attempt
        return None

    def _carry_out(
        self, notification: Notification, attempt: Attempt, sock: socket.socket, address: bytes
    ) -> None:
        with sock:
            where = self._where(attempt, sock)
            number = tracee.connect(sock.fileno(), address if where is None else _as_bytes(where, sock))
        self._blocking.pop(notification.id, None)
        if number == errno.EINPROGRESS:
            self._pending[attempt.process, attempt.descriptor] = attempt
        elif number not in {errno.EISCONN, errno.EALREADY, errno.EINTR}:
            self._tell_once(attempt, attempt.ended(time.monotonic(), number))
        self._answer(notification, errno_=number)

    def _where(self, attempt: Attempt, sock: socket.socket) -> Peer | None:
        if self._detour is None:
            return None
        attempt.tapped_as = self._detour(attempt, sock)
        return attempt.tapped_as

    def _not_shown(self, notification: Notification, process: int, peer: Peer, t0: float) -> None:
        """Where sockets may not be borrowed the attempt is seen and its result is not."""
        self._blind = True
        descriptor = notification.arguments[0]
        attempt = Attempt(process, descriptor, None, peer, t0, next(self._numbers))
        if peer.port not in {0, _DNS_PORT}:  # most likely a resolver's datagram
            self._tell(process, attempt.unseen(t0))
        self._let_through(notification)

    def _verdict(self, notification: Notification) -> None:
        """The program asks for SO_ERROR, which can be read once only: read it, tell it, hand it on."""
        descriptor, _, _, value_at, length_at, _ = notification.arguments
        process = tracee.process_of(notification.thread)
        attempt = self._pending.get((process, descriptor))
        if attempt is None:
            self._let_through(notification)
            return
        (room,) = struct.unpack("=I", tracee.read_memory(notification.thread, length_at, 4))
        with tracee.borrow(self._machine, process, descriptor) as sock:
            state = tracee.tcp_state(sock)
            number = sock.getsockopt(abi.SOL_SOCKET, abi.SO_ERROR)
        answer = struct.pack("=i", number)[:room]
        tracee.write_memory(notification.thread, value_at, answer)
        tracee.write_memory(notification.thread, length_at, struct.pack("=I", len(answer)))
        if number or state != abi.TCP_SYN_SENT:  # else it was asked too early
            self._pending.pop((process, descriptor), None)
            self._tell(process, attempt.ended(time.monotonic(), number))
        self._answer(notification)

    def _glance(self) -> None:
        """Tell of attempts that have ended without a question for their result."""
        now = time.monotonic()
        for attempt in list(self._pending.values()):
            if now - attempt.t0 < _GLANCE_S:
                continue
            if tracee.socket_name(attempt.process, attempt.descriptor) != attempt.socket:
                self._given_up(attempt.process, attempt.descriptor)
            elif self._is_established(attempt):
                self._pending.pop((attempt.process, attempt.descriptor), None)
                self._tell(attempt.process, attempt.ended(now, 0))
        for notification, attempt, sock in list(self._blocking.values()):
            if self._still_waits(notification):
                continue
            if tracee.socket_name(attempt.process, attempt.descriptor) != attempt.socket:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)  # ends the thread that waits for it
                self._tell_once(attempt, attempt.abandoned(now))

    def _tell_once(self, attempt: Attempt, event: Event) -> None:
        if not attempt.told:
            attempt.told = True
            self._tell(attempt.process, event)

    def _is_established(self, attempt: Attempt) -> bool:
        try:
            with tracee.borrow(self._machine, attempt.process, attempt.descriptor) as sock:
                return tracee.tcp_state(sock) == abi.TCP_ESTABLISHED
        except OSError:
            return False

    def _given_up(self, process: int, descriptor: int) -> None:
        """The program uses the descriptor for something else, or for nothing."""
        attempt = self._pending.pop((process, descriptor), None)
        if attempt is not None:
            self._tell(process, attempt.abandoned(time.monotonic()))

    def _tell_questions(self, notification: Notification) -> None:
        """The names in a resolver's datagrams: glibc sends those for A and AAAA in one call."""
        _, vector, count, *_ = notification.arguments
        now = time.monotonic()
        process = tracee.process_of(notification.thread)
        for index in range(min(count, _MAX_QUESTIONS)):
            at = vector + index * abi.MMSGHDR_BYTES + 16  # msg_iov, behind msg_name and msg_namelen
            (pieces,) = struct.unpack("=Q", tracee.read_memory(notification.thread, at, 8))
            base, length = struct.unpack("=QQ", tracee.read_memory(notification.thread, pieces, 16))
            packet = tracee.read_memory(notification.thread, base, min(length, _MAX_PACKET))
            question = question_in(packet)
            if question is not None:
                fields = {"dns.name": question.name, "dns.type": question.kind}
                self._tell(process, Event("dns.query", now, now, "kernel", fields=fields))

    def _still_waits(self, notification: Notification) -> bool:
        """Whether what we have read is the caller's own: it may have died, and its number be another's."""
        try:
            fcntl.ioctl(self._listener, abi.IOCTL_NOTIF_ID_VALID, struct.pack("=Q", notification.id))
        except OSError:
            return False
        return True

    def _answer(self, notification: Notification, *, errno_: int = 0, flags: int = 0) -> None:
        answer = abi.ANSWER.pack(notification.id, 0, -errno_, flags)
        with self._listening:
            if self._closed:
                return
            try:
                fcntl.ioctl(self._listener, abi.IOCTL_NOTIF_SEND, answer)
            except OSError as error:
                if error.errno != errno.ENOENT:  # interrupted by a signal, or gone
                    raise

    def _let_through(self, notification: Notification) -> None:
        self._answer(notification, flags=abi.NOTIF_CONTINUE)


def _as_bytes(peer: Peer, sock: socket.socket) -> bytes:
    """A ``struct sockaddr`` of the socket's own family."""
    family = sock.family
    packed = struct.pack("=H", family) + struct.pack(">H", peer.port or 0)
    if family == socket.AF_INET6:
        address = peer.address if ":" in peer.address else f"::ffff:{peer.address}"
        return packed + bytes(4) + socket.inet_pton(family, address) + bytes(4)
    return packed + socket.inet_pton(family, peer.address) + bytes(8)


if sys.byteorder != "little":  # pragma: no cover - no such machine is in `abi`
    raise ImportError("the kernel's notifications are read on little-endian machines only")
