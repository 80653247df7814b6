# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sealed can be read with its key and in its place only; keys are one user's alone."""

from __future__ import annotations

import multiprocessing
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from mcp_bridge.errors import KeyBroken, SealBroken
from mcp_bridge.private import secret_key
from mcp_bridge.sealed import Sealer

SECRET = b'{"password": "hunter2hunter2"}'


def test_what_is_sealed_comes_back_and_is_not_readable(tmp_path: Path) -> None:
    key_file = tmp_path / "new" / "seal.key"
    sealed = Sealer(key_file).seal(SECRET, b"plan-1")
    assert b"hunter2" not in sealed
    assert Sealer(key_file).open(sealed, b"plan-1") == SECRET
    assert Sealer(key_file).seal(SECRET, b"plan-1") != sealed
    assert Sealer(key_file).open(Sealer(key_file).seal(b"", b""), b"") == b""
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(key_file.parent.stat().st_mode) == 0o700
    assert [each.name for each in key_file.parent.iterdir()] == ["seal.key"]


def test_it_opens_neither_elsewhere_nor_changed_nor_with_another_key(tmp_path: Path) -> None:
    """Red when the context is not bound (``_VERSION + context`` without ``context``)."""
    sealer = Sealer(tmp_path / "a.key")
    sealed = sealer.seal(SECRET, b"plan-1")
    with pytest.raises(SealBroken, match="cannot be opened"):
        sealer.open(sealed, b"plan-2")
    with pytest.raises(SealBroken):
        Sealer(tmp_path / "b.key").open(sealed, b"plan-1")
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(SealBroken):
            sealer.open(bytes(changed), b"plan-1")
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            sealer.open(sealed[:length], b"plan-1")


def test_a_key_that_others_may_use_is_refused(tmp_path: Path) -> None:
    good = tmp_path / "good"
    secret_key(good)
    readable, short, long = tmp_path / "readable", tmp_path / "short", tmp_path / "long"
    for path, content in ((readable, b"k" * 32), (short, b"k" * 31), (long, b"k" * 33)):
        path.touch(0o600)
        path.write_bytes(content)
    readable.chmod(0o640)
    link, pipe, folder = tmp_path / "link", tmp_path / "pipe", tmp_path / "folder"
    link.symlink_to(good)
    os.mkfifo(pipe, 0o600)
    folder.mkdir()
    for path in (readable, short, long, link, pipe, folder, Path("/proc/none/key")):
        with pytest.raises(KeyBroken, match=f"The key file {path} cannot be used"):
            secret_key(path)


def _read_key(path: Path, answers: Any) -> None:
    answers.put(secret_key(path))


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    path = tmp_path / "key"
    processes = [context.Process(target=_read_key, args=(path, answers)) for _ in range(4)]
    for process in processes:
        process.start()
    keys = {answers.get(timeout=120) for _ in processes}
    for process in processes:
        process.join(120)
    assert keys == {path.read_bytes()}
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


def test_a_key_that_another_process_made_meanwhile_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, link = tmp_path / "key", os.link

    def late(draft: Path, place: Path) -> None:
        secret = os.open(place, os.O_CREAT | os.O_WRONLY, 0o600)
        os.write(secret, b"o" * 32)
        os.close(secret)
        link(draft, place)

    monkeypatch.setattr(os, "link", late)
    assert secret_key(path) == b"o" * 32
