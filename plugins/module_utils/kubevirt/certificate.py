# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""A client certificate and its key, looked at before they are used, so that errors are clear."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

from ..engine.errors import ValidationFailed


def checked(certificate: str, key: str, fields: Mapping[str, str]) -> tuple[str, str]:
    """Return the two files; ValidationFailed when TLS could not use them.

    ``fields`` says which options they come from, and what to call them in the message.
    """
    why = _trouble(certificate, key)
    if why:
        raise ValidationFailed(
            f"The client certificate of {' and '.join(fields.values())} cannot be used: {why}.",
            fields=dict.fromkeys(fields, "cannot be used"),
        )
    return certificate, key


def _trouble(certificate: str, key: str) -> str:
    for file in (certificate, key):
        try:
            content = Path(file).read_bytes()
        except OSError as error:
            return f"{file} cannot be read ({error.strerror})"
        if b"ENCRYPTED" in content:
            return f"{file} is encrypted; give a key without a passphrase"
    try:
        # With a password, so that OpenSSL never asks for one at the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            return "the key is that of another certificate"
        return "a PEM certificate and its PEM key are expected"
    return ""
