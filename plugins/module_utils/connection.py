# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""The connection options that say whom to trust and how long to wait, the same on each platform."""

from __future__ import annotations

from .engine.field import Field


def trust_fields(
    prefix: str, ca: str = "File with the CA certificate to trust."
) -> tuple[Field, ...]:
    """Return them; their environment variables begin with ``prefix``."""
    return (
        Field(
            "validate_certs",
            bool,
            role="option",
            env=(f"{prefix}_VALIDATE_CERTS",),
            doc="Whether the server's certificate must be trusted. On unless set to false. Use "
            "O(ca_path) or O(fingerprint) for a self-signed one instead of switching it off.",
        ),
        Field("ca_path", "path", role="option", env=(f"{prefix}_CA_PATH",), doc=ca),
        Field(
            "fingerprint",
            str,
            role="option",
            pattern=r"(?:[0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}",
            env=(f"{prefix}_FINGERPRINT",),
            doc="SHA-256 fingerprint of the server's certificate. When set, exactly this "
            "certificate is trusted, and it is compared before a credential is sent.",
        ),
        Field("proxy", str, role="option", doc="HTTP proxy to go through, as a URL."),
        Field(
            "timeout",
            int,
            role="option",
            min=1,
            unit="seconds",
            doc="Longest time to wait for one answer. 60 unless set.",
        ),
    )
