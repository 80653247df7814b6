# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates for simulators: a good one, and the bad ones that clients must refuse."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

KINDS = ("valid", "expired", "wrong_name", "foreign_ca")
_NAMES = ("127.0.0.1", "localhost", "::1")


class Certificates:
    """A certificate authority in a directory; what is already there is used again.

    ``ca_file`` is what clients trust. The authority's key is kept beside it only when ``keep``
    is set, so that a later start in the same directory has the same authority and fingerprint.
    """

    def __init__(self, directory: Path, *, keep: bool = False) -> None:
        self.directory = directory
        self.ca_file = directory / "ca.pem"
        self._keep = keep
        key_file = directory / "ca-key.pem"
        if keep and self.ca_file.exists() and key_file.exists():
            self._ca = trustme.CA.from_pem(self.ca_file.read_bytes(), key_file.read_bytes())
        else:
            self._ca = trustme.CA(organization_name="virtsim")
            _write(self.ca_file, self._ca.cert_pem.bytes())
            if keep:
                _write(key_file, self._ca.private_key_pem.bytes())

    def server(self, kind: str = "valid") -> Path:
        """Return the file with key and chain of a server certificate of ``kind``."""
        if kind not in KINDS:
            raise ValueError(f"certificate must be one of {', '.join(KINDS)}, not {kind!r}")
        path = self.directory / f"server-{kind}.pem"
        if not (self._keep and path.exists()):
            _write(path, _pem(self._issue(kind)))
        return path

    def client(self, name: str) -> Path:
        """Return the file with key and chain of a client certificate for ``name``."""
        path = self.directory / "client.pem"
        _write(path, _pem(self._ca.issue_cert(f"{name}@virtsim.invalid", common_name=name)))
        return path

    def _issue(self, kind: str) -> trustme.LeafCert:
        if kind == "foreign_ca":
            return trustme.CA(organization_name="somebody else").issue_cert(*_NAMES)
        if kind == "wrong_name":
            return self._ca.issue_cert("elsewhere.invalid")
        if kind == "expired":
            day = timedelta(days=1)
            now = datetime.now(UTC)
            return self._ca.issue_cert(*_NAMES, not_before=now - 2 * day, not_after=now - day)
        return self._ca.issue_cert(*_NAMES)


def server_context(chain: Path, ca_file: Path, alert: Callable[[], bool]) -> ssl.SSLContext:
    """Return the server's TLS context; client certificates are welcome, not required.

    ``alert`` is asked at each handshake; when it says True the handshake fails.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(chain)
    context.load_verify_locations(ca_file)
    context.verify_mode = ssl.CERT_OPTIONAL

    def on_hello(_tls: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> int | None:
        return int(ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE) if alert() else None

    context.sni_callback = on_hello
    return context


def fingerprint(chain: Path) -> str:
    """Return the SHA-256 of the first certificate in ``chain``, as colon-separated hex."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    body = chain.read_text().partition(begin)[2].partition(end)[0]
    return colon_hex(ssl.PEM_cert_to_DER_cert(f"{begin}{body}{end}\n"))


def colon_hex(der: bytes) -> str:
    """Return the SHA-256 of a certificate in upper case hex with colons."""
    return hashlib.sha256(der).digest().hex(":").upper()


def _pem(leaf: trustme.LeafCert) -> bytes:
    return leaf.private_key_and_cert_chain_pem.bytes()


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
