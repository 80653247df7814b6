# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates for simulators: a good one, and the bad ones that clients must refuse."""

from __future__ import annotations

import hashlib
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import trustme

KINDS = ("valid", "expired", "wrong_name", "foreign_ca")
CLIENT_KINDS = ("valid", "expired", "foreign_ca")
_NAMES = ("127.0.0.1", "localhost", "::1")
_CLIENTS = "virtsim clients"
_NO_CHECK_TIME = ssl.VerifyFlags(0x200000)  # X509_V_FLAG_NO_CHECK_TIME, which ssl does not name


@dataclass(frozen=True)
class Subject:
    """Whom a client certificate names: common name (may be empty) and organization."""

    name: str
    organization: str = "virtsim"


@dataclass(frozen=True)
class ClientCertificate:
    """A client certificate and its key, both as PEM."""

    certificate: str
    key: str


class Certificates:
    """Certificate authorities in a directory; what is already there is used again.

    ``ca_file`` is what clients trust. The keys are kept beside it only when ``keep`` is set, so
    that a later start in the same directory has the same authorities and fingerprint. Client
    certificates have an authority of their own.
    """

    def __init__(self, directory: Path, *, keep: bool = False) -> None:
        self.directory = directory
        self.ca_file = directory / "ca.pem"
        self._keep = keep
        self._ca = self._authority("virtsim", self.ca_file)
        self._clients = self._authority(_CLIENTS, directory / "clients-ca.pem")
        self._foreign = trustme.CA(organization_name="somebody else")

    def server(self, kind: str = "valid") -> Path:
        """Return the file with key and chain of a server certificate of ``kind``."""
        if kind not in KINDS:
            raise ValueError(f"certificate must be one of {', '.join(KINDS)}, not {kind!r}")
        path = self.directory / f"server-{kind}.pem"
        if not (self._keep and path.exists()):
            _write(path, _pem(self._issue(kind)))
        return path

    def client(self, subject: Subject, kind: str = "valid") -> ClientCertificate:
        """Return a new client certificate of ``kind``: valid, expired or foreign_ca."""
        if kind not in CLIENT_KINDS:
            raise ValueError(f"kind must be one of {', '.join(CLIENT_KINDS)}, not {kind!r}")
        authority = self._foreign if kind == "foreign_ca" else self._clients
        begin, end = _past() if kind == "expired" else (None, None)
        leaf = authority.issue_cert(
            "client.invalid",
            common_name=subject.name or None,
            organization_name=subject.organization,
            not_before=begin,
            not_after=end,
        )
        return ClientCertificate(
            leaf.cert_chain_pems[0].bytes().decode(), leaf.private_key_pem.bytes().decode()
        )

    @property
    def client_authorities(self) -> str:
        """The authorities whose client certificates get through the handshake, as PEM."""
        return "".join(ca.cert_pem.bytes().decode() for ca in (self._clients, self._foreign))

    def _authority(self, name: str, file: Path) -> trustme.CA:
        key_file = file.with_name(f"{file.stem}-key.pem")
        if self._keep and file.exists() and key_file.exists():
            return trustme.CA.from_pem(file.read_bytes(), key_file.read_bytes())
        authority = trustme.CA(organization_name=name)
        _write(file, authority.cert_pem.bytes())
        if self._keep:
            _write(key_file, authority.private_key_pem.bytes())
        return authority

    def _issue(self, kind: str) -> trustme.LeafCert:
        if kind == "foreign_ca":
            return self._foreign.issue_cert(*_NAMES)
        if kind == "wrong_name":
            return self._ca.issue_cert("elsewhere.invalid")
        if kind == "expired":
            begin, end = _past()
            return self._ca.issue_cert(*_NAMES, not_before=begin, not_after=end)
        return self._ca.issue_cert(*_NAMES)


def server_context(
    chain: Path, alert: Callable[[], bool], *, clients: str | None = None
) -> ssl.SSLContext:
    """Return the server's TLS context.

    ``alert`` is asked at each handshake; when it says True the handshake fails. ``clients``, the
    authorities of client certificates, lets the server ask for one without requiring it. As an
    API server does it, the handshake does not judge the certificate: see ``trusted``.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(chain)
    if clients is not None:
        context.load_verify_locations(cadata=clients)
        context.verify_mode = ssl.CERT_OPTIONAL
        context.verify_flags |= _NO_CHECK_TIME

    def on_hello(_tls: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> int | None:
        return int(ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE) if alert() else None

    context.sni_callback = on_hello
    return context


def trusted(certificate: Mapping[str, Any]) -> bool:
    """Whether a client certificate is of the simulator's own authority, and valid now."""
    issuers = [
        value
        for pairs in certificate["issuer"]
        for key, value in pairs
        if key == "organizationName"
    ]
    begin, end = (ssl.cert_time_to_seconds(certificate[name]) for name in ("notBefore", "notAfter"))
    return _CLIENTS in issuers and begin <= time.time() <= end


def fingerprint(chain: Path) -> str:
    """Return the SHA-256 of the first certificate in ``chain``, as colon-separated hex."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    body = chain.read_text().partition(begin)[2].partition(end)[0]
    return colon_hex(ssl.PEM_cert_to_DER_cert(f"{begin}{body}{end}\n"))


def colon_hex(der: bytes) -> str:
    """Return the SHA-256 of a certificate in upper case hex with colons."""
    return hashlib.sha256(der).digest().hex(":").upper()


def _past() -> tuple[datetime, datetime]:
    now, day = datetime.now(UTC), timedelta(days=1)
    return now - 2 * day, now - day


def _pem(leaf: trustme.LeafCert) -> bytes:
    return leaf.private_key_and_cert_chain_pem.bytes()


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
