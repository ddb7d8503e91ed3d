"""A file in memory that is to grow no more."""

from __future__ import annotations

import os
import sys

import pytest

from repro.hooks.payload import in_memory, seal

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memfd_create")


def test_a_sealed_file_refuses_what_comes_and_gives_what_it_holds() -> None:
    descriptor = in_memory("test")
    try:
        os.write(descriptor, b"before")
        seal(descriptor)

        with pytest.raises(PermissionError):
            os.write(descriptor, b"after")
        assert os.pread(descriptor, 100, 0) == b"before"
        os.ftruncate(descriptor, 0)
        with pytest.raises(PermissionError):
            os.write(descriptor, b"again")
    finally:
        os.close(descriptor)
