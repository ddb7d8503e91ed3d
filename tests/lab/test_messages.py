from __future__ import annotations

from pathlib import Path

import pytest

from repro.lab.messages import Failed, LabConfig, as_line, read_answer


def test_a_configuration_survives_its_line() -> None:
    for config in (LabConfig(), LabConfig(postgres_bindir=Path("/a b/bin"), redis_server=Path("/ü"))):
        line = config.as_line()
        assert line.count(b"\n") == 1
        assert LabConfig.from_line(line) == config


@pytest.mark.parametrize("line", [b"", b"nonsense\n", b'{"other": "x"}\n', b'{"redis_server": 3}\n'])
def test_another_line_is_refused(line: bytes) -> None:
    with pytest.raises((ValueError, TypeError)):
        LabConfig.from_line(line)


def test_an_answer_survives_its_line() -> None:
    assert read_answer(as_line(Failed(error="no\nroom"))) == {"error": "no\nroom"}
    with pytest.raises(ValueError, match="not an object"):
        read_answer(b"[]\n")
