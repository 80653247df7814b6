# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What proves an audit file: its key, and the signed records that stand beside it.

A head says what the last line is, and is written anew with each line. A checkpoint says what the
last line was at a time; checkpoints are only added, each names the one before it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .private import KEY_BYTES, secret_key

SLOT = 512
Kind = Literal["head", "checkpoint"]


@dataclass(frozen=True)
class Mark:
    """A checkpoint in short: its number, the line it speaks of, its digest and its time."""

    number: int
    seq: int
    sha256: str
    time: str


@dataclass(frozen=True)
class Head:
    """The last line of the audit file ``file`` (its random id), and its last checkpoint."""

    file: str
    seq: int
    sha256: str
    checkpoint: Mark


class Witness:
    """Tells what was signed with a key, by its public half alone."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._public = key

    @classmethod
    def of_pem(cls, pem: bytes) -> Witness:
        """Return the witness of a public key in PEM. Raises ValueError when it is none."""
        key = serialization.load_pem_public_key(pem)
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError("it is not an Ed25519 key")
        return cls(key)

    @property
    def pem(self) -> str:
        """Return the public key as people pass it on."""
        kind = serialization.PublicFormat.SubjectPublicKeyInfo
        return self._public.public_bytes(serialization.Encoding.PEM, kind).decode()

    @property
    def name(self) -> str:
        """Return a short digest by which records name the key."""
        kind = serialization.PublicFormat.Raw
        raw = self._public.public_bytes(serialization.Encoding.Raw, kind)
        return hashlib.sha256(raw).hexdigest()[:16]

    def knows(self, kind: Kind, row: Mapping[str, Any]) -> bool:
        """Whether a record was signed with the key as it is."""
        try:
            signature = base64.b64decode(str(row.get("signature")), validate=True)
            self._public.verify(signature, _signed_text(kind, row))
        except (InvalidSignature, ValueError):
            return False
        # Several texts decode to the same bytes; one of them was signed.
        return bool(row["signature"] == base64.b64encode(signature).decode())


class Signer(Witness):
    """Signs the records of an audit file, and marks its lines, with the key of one file."""

    def __init__(self, key: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(key)
        super().__init__(self._private.public_key())
        self._lines, self._arguments = (_derived(key, use) for use in ("lines", "arguments"))

    @classmethod
    def of_file(cls, path: Path) -> Signer:
        """Return the signer of a key file, made at first use. Raises KeyBroken."""
        return cls(secret_key(path))

    def signed(self, kind: Kind, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the record with the name of the key and the signature."""
        named = {**row, "key": self.name}
        signature = self._private.sign(_signed_text(kind, named))
        return named | {"signature": base64.b64encode(signature).decode()}

    def line(self, row: Mapping[str, Any]) -> str:
        """Return the mark of a line, which only the holder of the key can make."""
        return hmac.new(self._lines, _content(row), hashlib.sha256).hexdigest()

    def arguments(self, value: Any) -> str:
        """Return a digest of arguments that tells equal ones and nothing else about them."""
        return hmac.new(self._arguments, canonical(value), hashlib.sha256).hexdigest()


def heads_of(content: bytes, witness: Witness) -> tuple[Head, ...]:
    """Return the two heads of a head file, none when it is empty.

    Each is in a sector of its own: a power cut may leave one of them older, but none half written.
    Raises ValueError when one is not what the key has signed.
    """
    if not content:
        return ()
    heads = []
    for slot in (content[:SLOT], content[SLOT:]):
        row = parsed(slot)
        if row is None or slot != _slot(row) or not witness.knows("head", row):
            raise ValueError("the head was changed, or was signed with another key")
        heads.append(_head_of(row))
    return tuple(sorted(heads, key=_age))


def head_file(head: Head, signer: Signer) -> bytes:
    """Return what a head file with this head holds."""
    return _slot(signer.signed("head", asdict(head))) * 2


def _head_of(row: Mapping[str, Any]) -> Head:
    return Head(row["file"], row["seq"], row["sha256"], Mark(**row["checkpoint"]))


def _slot(row: Mapping[str, Any]) -> bytes:
    return canonical(row).ljust(SLOT - 1) + b"\n"


def _age(head: Head) -> tuple[int, int]:
    return head.seq, head.checkpoint.number


def mark_of(row: Mapping[str, Any]) -> Mark:
    """Return a checkpoint in short."""
    return Mark(row["number"], row["seq"], digest(row), row["time"])


def line_digest(row: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a line, by which the next one names it; it covers the mark too."""
    return hashlib.sha256(_content(row) + str(row.get("mac")).encode()).hexdigest()


def digest(value: Any) -> str:
    """Return the SHA-256 of a value; equal for equal values only."""
    return hashlib.sha256(canonical(value)).hexdigest()


def canonical(value: Any) -> bytes:
    """Return a value as the one JSON text that stands for it."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
    return text.encode()


def written(row: Mapping[str, Any]) -> bytes:
    """Return a record as the line that holds it, its parts in their order."""
    return json.dumps(row, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"


def parsed(line: bytes) -> dict[str, Any] | None:
    """Return the JSON object of a line, or None when it holds none."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _content(row: Mapping[str, Any]) -> bytes:
    return canonical({key: each for key, each in row.items() if key not in ("mac", "sha256")})


def _signed_text(kind: Kind, row: Mapping[str, Any]) -> bytes:
    content = {key: value for key, value in row.items() if key != "signature"}
    return f"virtbridge audit {kind}\n".encode() + canonical(content)


def _derived(key: bytes, use: str) -> bytes:
    info = f"virtbridge audit {use}".encode()
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=info).derive(key)
