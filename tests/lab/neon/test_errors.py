from __future__ import annotations

import pytest

from repro.lab.neon.errors import database_error, login_error, own_error
from repro.lab.neon.messages import Message, fatal_error


def response(code: str) -> Message:
    return Message(b"E", fatal_error(code, "no")[5:])


@pytest.mark.parametrize(
    ("code", "status"), [("28P01", 400), ("28000", 400), ("3D000", 400), ("53300", 500), ("57P03", 500)]
)
def test_a_refused_login(code: str, status: int) -> None:
    error = login_error(response(code))
    assert (error.status, error.body["code"], error.body["severity"]) == (status, code, "FATAL")


def test_every_error_has_the_same_fields_in_the_same_order() -> None:
    bodies = [own_error(400, "no").body, database_error(response("42601")).body]
    assert list(bodies[0]) == list(bodies[1])
    assert [bodies[0][name] for name in ("code", "severity", "detail")] == ["", "", None]
    assert [bodies[1][name] for name in ("code", "severity", "detail")] == ["42601", "FATAL", None]
