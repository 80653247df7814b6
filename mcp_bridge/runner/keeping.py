# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run leaves behind: the secrets that it must not, and artifacts that were asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from ..redact import Redactor, decoded, is_secret_key

_LONGEST_SECRET = 65_536
_TAIL = 65_536
_KEPT = ("stdout", "stderr", "rc", "status", "command")


def known_secrets(targets_file: Path) -> list[str]:
    """Return the secret values that a run's targets file refers to, to mask them in its outcome."""
    values: list[str] = []
    content = json.loads(targets_file.read_text(encoding="utf-8"))
    for target in content["targets"].values():
        for key, value in target.get("credential", {}).items():
            kubeconfig = key == "kubeconfig"
            if not (kubeconfig or key.endswith("_file")) or not isinstance(value, str):
                continue
            try:
                with Path(value).open("rb") as file:
                    text = file.read(_LONGEST_SECRET).decode("utf-8", "replace").strip()
            except OSError:
                # The module will say so, in words for its reader.
                continue
            if kubeconfig:
                values += _of_kubeconfig(text)
            else:
                values += [text, *_lines(text)]
    return values


def _of_kubeconfig(text: str) -> list[str]:
    """Return the secrets of a kubeconfig, and the keys that they encode."""
    try:
        found = list(_named_secret(yaml.safe_load(text)))
    except (yaml.YAMLError, ValueError, RecursionError):
        # Its reader in the run says what is wrong with it.
        return []
    keys = [line for each in found for plain in decoded(each) for line in (plain, *_lines(plain))]
    return [*found, *keys]


def _named_secret(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _named_secret(each)
    elif isinstance(value, dict):
        for key, part in value.items():
            if isinstance(part, str) and is_secret_key(str(key)):
                yield part
            else:
                yield from _named_secret(part)


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if "-----" not in line]


def tail(path: Path) -> str:
    """Return the end of a text file; nothing when there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def retain(artifacts: Path, to: Path, redactor: Redactor) -> Path:
    """Copy a run's artifacts for a later look, private and without known secrets."""
    to.mkdir(mode=0o700, parents=True)
    (to / "job_events").mkdir(mode=0o700)
    names = [artifacts / name for name in _KEPT]
    for source in (*names, *sorted((artifacts / "job_events").glob("*.json"))):
        if source.is_file():
            text = source.read_text(encoding="utf-8", errors="replace")
            target = to / source.relative_to(artifacts)
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(redactor.known(text))
    return to
