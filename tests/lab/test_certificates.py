from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from repro.lab.certificates import TlsFiles, issue


def handshake(server_context: ssl.SSLContext, client_context: ssl.SSLContext, name: str) -> str | None:
    """Shake hands in memory; the TLS version."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    pending = [client, server]
    while pending:
        side = pending.pop(0)
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            pending.append(side)
    return client.version()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_certificate_is_valid_for_the_name_and_for_each_address(tmp_path: Path, name: str) -> None:
    files = issue(["127.0.0.1", "::1"]).write(tmp_path)
    trusting = ssl.create_default_context(cafile=str(files.ca))
    assert handshake(files.server_context(), trusting, name) == "TLSv1.3"


def test_certificate_is_not_valid_for_another_name(tls_files: TlsFiles, trusting: ssl.SSLContext) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match=r"not valid for 'db\.invalid'"):
        handshake(tls_files.server_context(), trusting, "db.invalid")


def test_another_authority_is_not_trusted(tmp_path: Path, tls_files: TlsFiles) -> None:
    other = issue(["127.0.0.1"]).write(tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tls_files.server_context(), ssl.create_default_context(cafile=str(other.ca)), "localhost")


def test_tls_1_1_is_refused(tls_files: TlsFiles) -> None:
    assert tls_files.server_context().minimum_version == ssl.TLSVersion.TLSv1_2


def test_only_the_owner_reads_the_key(tls_files: TlsFiles) -> None:
    modes = [path.stat().st_mode & 0o777 for path in (tls_files.ca, tls_files.certificate, tls_files.key)]
    assert modes == [0o644, 0o644, 0o600]


def test_files_are_never_written_over(tmp_path: Path) -> None:
    certificates = issue(["127.0.0.1"])
    certificates.write(tmp_path)
    with pytest.raises(FileExistsError):
        certificates.write(tmp_path)
