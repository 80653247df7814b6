# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Take one secret of a target from a private file, the environment, or an inline vault value."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

VAULT = "__ansible_vault"
SECRETS = ("token_secret", "password", "totp", "api_key", "secret_key", "token")
PATHS = ("kubeconfig", "client_cert_file", "client_key_file")
PRIVATE_PATHS = ("kubeconfig", "client_key_file")
MAX_SECRET = 64 << 10
MAX_PRIVATE_FILE = 1 << 20

Decrypt = Callable[[str], str]
"""Turn the text of an inline ``!vault`` value into its plain text."""


class Unusable(Exception):
    """Why a secret cannot be used; its text never holds the secret."""


def plain_value(key: str, value: Any, folder: Path, decrypt: Decrypt) -> tuple[str, Any]:
    """Return the name and the plain value of one key of a credential."""
    for name in SECRETS:
        if key == name:
            return name, _vaulted(value[VAULT], decrypt)
        if key == f"{name}_file":
            return name, read_secret(Path(absolute(folder, value)))
        if key == f"{name}_env":
            return name, _from_env(value)
    if key in PATHS:
        path = absolute(folder, value)
        if key in PRIVATE_PATHS:
            read_secret(Path(path), limit=MAX_PRIVATE_FILE)
        return key, path
    return key, value


def read_secret(path: Path, limit: int = MAX_SECRET) -> str:
    """Return the text of a file that only its owner may read; the last line break is dropped.

    What was opened is what is checked, so nothing can be swapped in between.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        if path.is_symlink():
            raise Unusable(f"{path} is a symbolic link; name the file itself") from None
        raise Unusable(f"cannot read {path}: {error.strerror}") from None
    try:
        _only_mine(path, os.fstat(descriptor))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(limit + 1)
    finally:
        os.close(descriptor)
    if len(content) > limit:
        raise Unusable(f"{path} is larger than {limit} bytes; is it the right file?")
    try:
        text = _line(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise Unusable(f"{path} is not UTF-8 text") from None
    if not text:
        raise Unusable(f"{path} is empty")
    return text


def _only_mine(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise Unusable(f"{path} is not a regular file")
    if status.st_uid != os.geteuid():
        raise Unusable(f"{path} belongs to another user; it must be yours")
    if status.st_mode & 0o077:
        mode = f"{stat.S_IMODE(status.st_mode):04o}"
        raise Unusable(f"{path} has mode {mode}; others may use it: run chmod 600 on it")


def _line(text: str) -> str:
    """Return a secret without the line break that editors and `echo` put at its end."""
    return text.removesuffix("\n").removesuffix("\r")


def _from_env(name: str) -> str:
    value = _line(os.environ.get(name, ""))
    if not value:
        state = "empty" if name in os.environ else "not set"
        raise Unusable(f"the environment variable {name} is {state}; export it")
    return value


def _vaulted(ciphertext: str, decrypt: Decrypt) -> str:
    try:
        return decrypt(ciphertext)
    except Exception:  # whatever vault raises may quote what it could not decrypt
        raise Unusable(
            "cannot decrypt this !vault value; give the right password with --vault-password-file "
            "or --vault-id"
        ) from None


def absolute(folder: Path, value: str) -> str:
    """Return a path of targets.yml, which is relative to the folder of that file."""
    return str(folder / Path(value).expanduser())
