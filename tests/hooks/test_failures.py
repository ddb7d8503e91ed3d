from __future__ import annotations

import asyncio
import errno
import socket
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.events import FAILURES
from repro.hooks.failures import CERTIFICATE_FAILURES, failure_of, scrubbed


def verification(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = code
    return error


def wrapped(inner: Exception) -> RuntimeError:
    outer = RuntimeError("outer")
    outer.__cause__ = inner
    return outer


class ReadTimeout(Exception):  # noqa: N818 - a driver's name
    pass


class RemoteProtocolError(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "failure", "name"),
    [
        (OSError(errno.ECONNRESET, "x"), "connection_reset", "ECONNRESET"),
        (wrapped(OSError(errno.ECONNREFUSED, "x")), "connection_refused", "ECONNREFUSED"),
        (OSError(errno.EMFILE, "x"), "unknown_failure: EMFILE", "EMFILE"),
        (TimeoutError("timed out"), "timeout", None),
        (TimeoutError(errno.ETIMEDOUT, "x"), "timeout", "ETIMEDOUT"),
        (ConnectionResetError(), "connection_reset", None),
        (EOFError(), "eof", None),
        (ssl.SSLEOFError(8, "EOF"), "eof", None),
        (ssl.SSLError(1, "WRONG_VERSION_NUMBER"), "tls_protocol", None),
        (verification(10), "tls_expired", None),
        (verification(62), "tls_hostname_mismatch", None),
        (verification(24), "tls_protocol", None),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "dns_failure", None),
        (ReadTimeout(), "timeout", None),
        (RemoteProtocolError("Server disconnected without sending a response."), "eof", None),
        (RemoteProtocolError("illegal status line"), "protocol_mismatch", None),
        (wrapped(KeyError("x")), "unknown_failure: KeyError", None),
    ],
)
def test_an_error_is_judged_by_its_facts(error: Exception, failure: str, name: str | None) -> None:
    assert failure_of(error) == (failure, name)


@pytest.mark.parametrize(("expired", "failure"), [(True, "timeout"), (False, "unknown_failure: abandoned")])
def test_what_is_cancelled_is_judged_by_its_timeout(failure: str, expired: bool) -> None:
    assert failure_of(asyncio.CancelledError(), lambda: expired) == (failure, None)


def test_a_circle_of_causes_ends() -> None:
    one, other = RuntimeError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    assert failure_of(one) == ("unknown_failure: ValueError", None)


def test_every_certificate_failure_is_of_the_vocabulary() -> None:
    assert set(CERTIFICATE_FAILURES.values()) <= FAILURES


@given(st.text(), st.text(alphabet=st.characters(exclude_characters="\"'"), min_size=1))
def test_a_scrubbed_text_is_one_short_line_without_what_was_quoted(text: str, name: str) -> None:
    told = scrubbed(f'user "§{name}§" is {text}')
    assert len(told) <= 120
    assert "\n" not in told
    assert f"§{name}§" not in told or f"§{name}§" in text
