# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are this user's alone: opened without following a link, refused when others may."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from .errors import KeyBroken

KEY_BYTES = 32


def open_private(path: Path, flags: int) -> int:
    """Return a descriptor of a regular file of this user with mode 0600, made when flags say so.

    Raises OSError, and ValueError with the reason when somebody else may use the file.
    """
    if flags & os.O_CREAT:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Without O_NONBLOCK a pipe in its place would be waited for.
    every = flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    descriptor = os.open(path, every, 0o600)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            raise ValueError("it is not a regular file of this user")
        if status.st_mode & 0o077:
            raise ValueError("other users may use it; run chmod 600 on it")
    except ValueError:
        os.close(descriptor)
        raise
    return descriptor


def secret_key(path: Path) -> bytes:
    """Return the key that a file holds; it is made at first use, by one of several processes.

    Raises KeyBroken when the file cannot be used.
    """
    try:
        return _read(path) or _made(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise KeyBroken(
            f"The key file {path} cannot be used: {reason}. Check its disk, owner and mode, or "
            "restore it from a backup: without it, what was made with it is lost."
        ) from error


def _read(path: Path) -> bytes | None:
    try:
        descriptor = open_private(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        key = file.read(KEY_BYTES + 1)
    if len(key) != KEY_BYTES:
        raise ValueError(f"it does not hold the {KEY_BYTES} bytes of a key")
    return key


def _made(path: Path) -> bytes:
    """Put a new key in its place whole, or take the one that another process just put there."""
    key = secrets.token_bytes(KEY_BYTES)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = open_private(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(descriptor)
        try:
            os.link(draft, path)
        except FileExistsError:
            return _read(path) or b""
    finally:
        draft.unlink()
    sync_folder(path.parent)
    return key


def sync_folder(folder: Path) -> None:
    """Make the names in a folder reach the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
