"""TLS: a certificate authority of one's own for loopback servers, and the contexts that every door and client uses.

A server certificate names localhost, 127.0.0.1 and ::1, as official SDKs need it to reach a local server over https.
"""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from vedette.core.clock import Clock, SystemClock
from vedette.core.errors import InvalidInput, Unavailable
from vedette.core.files import make_private_directory, no_file, readable_by_others, write_private

LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_AUTHORITY_LIFE: Final = timedelta(days=3650)
_SERVER_LIFE: Final = timedelta(days=397)  # clients of Apple refuse a longer one
_SKEW: Final = timedelta(days=1)  # for clients whose clock is behind


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """A certificate with its key, as PEM files: the chain (server, then authority), the key (0600), the authority."""

    chain_file: Path
    key_file: Path
    authority_file: Path


class LocalAuthority:
    """A certificate authority that signs server certificates of this machine. Its key is never sent anywhere."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey, clock: Clock) -> None:
        self._certificate = certificate
        self._key = key
        self._clock = clock

    @classmethod
    def create(cls, clock: Clock | None = None, name: str = "Vedette local authority") -> LocalAuthority:
        """A new authority (P-256, ten years); it may sign servers, and no other authorities."""
        clock = clock or SystemClock()
        key = ec.generate_private_key(ec.SECP256R1())
        now = clock.now()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            _builder(subject, subject, key, now, _AUTHORITY_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key, clock)

    @classmethod
    def open(cls, folder: Path, clock: Clock | None = None) -> LocalAuthority:
        """The authority whose files are in the folder; made there if there is none, or it has less than a year left."""
        clock = clock or SystemClock()
        certificate_file, key_file = folder / "ca.pem", folder / "ca.key"
        try:
            if certificate_file.exists() and key_file.exists():
                found = cls._read(certificate_file, key_file, clock)
                if found._certificate.not_valid_after_utc - clock.now() > timedelta(days=365):
                    return found
            made = cls.create(clock)
            make_private_directory(folder)
            write_private(key_file, _key_pem(made._key))
            write_private(certificate_file, made.pem)
        except OSError as error:
            message = f"The certificates in {folder} cannot be used: {error.strerror}."
            raise Unavailable(message, code="VDT0530") from error
        return made

    @property
    def pem(self) -> bytes:
        """The authority's certificate, for clients that shall trust it."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, folder: Path, names: Sequence[str] = LOOPBACK, *, stem: str = "server") -> ServerCertificate:
        """Write a new certificate for the names and addresses, its key and the authority's certificate to a folder.

        The key file has mode 0600 where the operating system has modes.
        """
        if not names:
            raise InvalidInput("A server certificate needs at least one name.", code="VDT0531")
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
        authority_id = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
            self._certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        )
        certificate = (
            _builder(subject, self._certificate.subject, key, self._clock.now(), _SERVER_LIFE)
            .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(authority_id, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        issued = ServerCertificate(folder / f"{stem}.pem", folder / f"{stem}.key", folder / "ca.pem")
        try:
            make_private_directory(folder)
            write_private(issued.key_file, _key_pem(key))
            write_private(issued.chain_file, certificate.public_bytes(serialization.Encoding.PEM) + self.pem)
            write_private(issued.authority_file, self.pem)
        except OSError as error:
            message = f"A certificate cannot be written to {folder}: {error.strerror}."
            raise Unavailable(message, code="VDT0530") from error
        return issued

    def server_context(self, names: Sequence[str] = LOOPBACK) -> ssl.SSLContext:
        """A context for a server with a new certificate, of which no file stays."""
        with tempfile.TemporaryDirectory(prefix="vedette-tls-") as folder:
            return server_context(self.issue(Path(folder), names))

    @classmethod
    def _read(cls, certificate_file: Path, key_file: Path, clock: Clock) -> LocalAuthority:
        if readable_by_others(key_file):
            raise Unavailable(
                f"The key file {key_file} can be read by other users of this machine.",
                code="VDT0532",
                hint=f"Delete {key_file}, and a new authority is made.",
            )
        try:
            certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
            key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        except ValueError as error:
            raise _unreadable(certificate_file.parent) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise _unreadable(certificate_file.parent)
        return cls(certificate, key, clock)


def server_context(certificate: ServerCertificate) -> ssl.SSLContext:
    """A context for a server: TLS 1.2 or newer, with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate.chain_file, certificate.key_file)
    return context


def client_context(authority: Path | bytes | None = None) -> ssl.SSLContext:
    """A context for a client: TLS 1.2 or newer, names and certificates checked.

    The authorities of the system are trusted, and the one of the PEM file (or PEM text) that is given.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if authority is None:
        return context
    try:
        if isinstance(authority, bytes):
            context.load_verify_locations(cadata=authority.decode("ascii"))
        elif no_file(authority) is None:
            context.load_verify_locations(cafile=authority)
        else:
            raise ValueError("a device or a pipe has no end")
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        where = "that was given" if isinstance(authority, bytes) else str(authority)
        raise InvalidInput(f"The certificate authority {where} cannot be read as PEM.", code="VDT0533") from error
    return context


def pinned_context(certificate: str) -> ssl.SSLContext:
    """A context for a client that trusts one server's certificate (PEM) and no other, whatever name that has."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False  # it is the certificate itself that is known
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    leaf = certificate[: certificate.find("-----END CERTIFICATE-----")] + "-----END CERTIFICATE-----\n"
    try:
        context.load_verify_locations(cadata=leaf)
    except (OSError, ValueError) as error:
        raise InvalidInput("The server's certificate cannot be read as PEM.", code="VDT0533") from error
    return context


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now - _SKEW + life)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        return x509.DNSName(name)
    except ValueError:
        raise InvalidInput(
            f"'{name}' is not a host name or an address.", code="VDT0531", hint="Write a name in its ASCII (xn--) form."
        ) from None


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _unreadable(folder: Path) -> Unavailable:
    return Unavailable(
        f"The certificates in {folder} cannot be read.",
        code="VDT0532",
        hint="Delete ca.pem and ca.key there, and a new authority is made.",
    )
