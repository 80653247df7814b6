# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Encryption at rest for what must be stored and must not be read, such as secret arguments.

AES-256-GCM with a key file of mode 0600. What is sealed is bound to a context (for example the id
of the plan it belongs to), so that one row's content cannot be put into another.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .errors import SealBroken
from .private import secret_key

_VERSION = b"\x01"
_NONCE = 12


class Sealer:
    """Seals and opens bytes with the key of one file, made at first use."""

    def __init__(self, key_file: Path) -> None:
        """Read or make the key. Raises KeyBroken when the file cannot be used."""
        self._cipher = AESGCM(secret_key(key_file))

    def seal(self, content: bytes, context: bytes) -> bytes:
        """Return the content encrypted; the same content never gives the same bytes twice."""
        nonce = secrets.token_bytes(_NONCE)
        return _VERSION + nonce + self._cipher.encrypt(nonce, content, _VERSION + context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Return what was sealed for this context.

        Raises SealBroken when a byte of it was changed, or the key or the context is another.
        """
        version, nonce, rest = sealed[:1], sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        try:
            if version != _VERSION:
                raise InvalidTag
            return self._cipher.decrypt(nonce, rest, version + context)
        except (InvalidTag, ValueError):
            raise SealBroken(
                "What was stored encrypted cannot be opened: it was changed, belongs elsewhere, "
                "or its key was replaced."
            ) from None
