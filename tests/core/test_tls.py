"""TLS: certificates that official clients accept, and contexts that refuse what they should."""

from __future__ import annotations

import os
import socket
import ssl
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from vedette.core.clock import SystemClock, VirtualClock
from vedette.core.errors import InvalidInput, Unavailable
from vedette.core.tls import LocalAuthority, client_context, server_context


@contextmanager
def serving(context: ssl.SSLContext, address: str = "127.0.0.1") -> Iterator[int]:
    """A server that greets whoever completes a handshake."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as listener:
        listener.bind((address, 0))
        listener.listen()
        listener.settimeout(60)

        def serve() -> None:
            try:
                connection, _ = listener.accept()
                with connection, context.wrap_socket(connection, server_side=True) as secured:
                    secured.sendall(b"hello")
            except OSError:
                pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(60)


def greet(context: ssl.SSLContext, port: int, name: str, address: str = "127.0.0.1") -> tuple[bytes, str | None]:
    plain = socket.create_connection((address, port), timeout=60)
    with plain, context.wrap_socket(plain, server_hostname=name) as secured:
        return secured.recv(5), secured.version()


@pytest.fixture(scope="module")
def authority() -> LocalAuthority:
    return LocalAuthority.create()


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_a_client_that_trusts_the_authority_connects(authority: LocalAuthority, name: str) -> None:
    address = "::1" if name == "::1" and has_ipv6() else "127.0.0.1"
    with serving(authority.server_context(), address) as port:
        assert greet(client_context(authority.pem), port, name, address) == (b"hello", "TLSv1.3")


def test_a_client_that_does_not_trust_it_refuses(authority: LocalAuthority) -> None:
    with serving(authority.server_context()) as port, pytest.raises(ssl.SSLCertVerificationError):
        greet(client_context(), port, "localhost")
    with serving(authority.server_context()) as port, pytest.raises(ssl.SSLCertVerificationError):
        greet(client_context(LocalAuthority.create().pem), port, "localhost")


def test_a_name_that_is_not_in_the_certificate_is_refused(authority: LocalAuthority) -> None:
    for name in ("example.com", "127.0.0.2"):
        with serving(authority.server_context()) as port, pytest.raises(ssl.SSLCertVerificationError):
            greet(client_context(authority.pem), port, name)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1:DeprecationWarning")
def test_nothing_older_than_tls_1_2(authority: LocalAuthority) -> None:
    server = authority.server_context()
    assert server.minimum_version == client_context().minimum_version == ssl.TLSVersion.TLSv1_2
    old = client_context(authority.pem)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with serving(server) as port:
        assert greet(old, port, "localhost")[1] == "TLSv1.2"
    ancient = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ancient.set_ciphers("ALL:@SECLEVEL=0")
    ancient.minimum_version = ancient.maximum_version = ssl.TLSVersion.TLSv1_1
    ancient.check_hostname = False
    ancient.verify_mode = ssl.CERT_NONE
    with serving(server) as port, pytest.raises((ssl.SSLError, OSError)):
        greet(ancient, port, "localhost")


def test_what_the_certificates_say(authority: LocalAuthority, tmp_path: Path) -> None:
    issued = authority.issue(tmp_path, ["localhost", "siem.example", "127.0.0.1", "::1"])
    server, ca = x509.load_pem_x509_certificates(issued.chain_file.read_bytes())
    assert ca == x509.load_pem_x509_certificate(authority.pem)
    constraints = ca.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (constraints.critical, constraints.value.ca, constraints.value.path_length) == (True, True, 0)
    assert ca.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    assert not server.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not server.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "siem.example"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    usage = server.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert server.not_valid_after_utc - server.not_valid_before_utc <= timedelta(days=398)
    assert server.not_valid_before_utc <= SystemClock().now() < server.not_valid_after_utc
    server.verify_directly_issued_by(ca)
    server_context(issued)


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_keys_are_their_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    LocalAuthority.open(folder).issue(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("ca.key", "server.key"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    (folder / "ca.key").chmod(0o644)
    with pytest.raises(Unavailable, match="can be read by other users"):
        LocalAuthority.open(folder)


def test_a_contexts_certificate_leaves_no_file(
    authority: LocalAuthority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    authority.server_context()
    assert list(tmp_path.iterdir()) == []


def test_an_authority_is_opened_again_until_its_last_year(tmp_path: Path, clock: VirtualClock) -> None:
    first = LocalAuthority.open(tmp_path, clock)
    assert LocalAuthority.open(tmp_path, clock).pem == first.pem
    clock.advance(timedelta(days=3650 - 367))
    assert LocalAuthority.open(tmp_path, clock).pem == first.pem
    clock.advance(timedelta(days=2))
    assert LocalAuthority.open(tmp_path, clock).pem != first.pem


def test_an_authority_that_cannot_be_read(tmp_path: Path) -> None:
    first = LocalAuthority.open(tmp_path / "one")
    LocalAuthority.open(tmp_path / "two")
    (tmp_path / "two" / "ca.pem").write_bytes(first.pem)
    with pytest.raises(Unavailable, match="cannot be read"):
        LocalAuthority.open(tmp_path / "two")
    (tmp_path / "two" / "ca.key").write_text("nothing")
    with pytest.raises(Unavailable, match="cannot be read"):
        LocalAuthority.open(tmp_path / "two")


def test_a_server_key_belongs_to_its_certificate(authority: LocalAuthority, tmp_path: Path) -> None:
    issued = authority.issue(tmp_path)
    key = serialization.load_pem_private_key(issued.key_file.read_bytes(), password=None)
    certificate = x509.load_pem_x509_certificate(issued.chain_file.read_bytes())
    assert key.public_key() == certificate.public_key()


@pytest.mark.parametrize("names", [[], ["ä.example"]])
def test_names_that_no_certificate_can_have(authority: LocalAuthority, tmp_path: Path, names: list[str]) -> None:
    with pytest.raises(InvalidInput):
        authority.issue(tmp_path, names)


def test_an_authority_file_for_a_client(authority: LocalAuthority, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(authority.pem)
    with serving(authority.server_context()) as port:
        assert greet(client_context(path), port, "localhost")[0] == b"hello"
    path.write_text("nothing")
    for wrong in (path, tmp_path / "absent.pem", b"nothing", b"\xff"):
        with pytest.raises(InvalidInput, match="certificate authority"):
            client_context(wrong)
