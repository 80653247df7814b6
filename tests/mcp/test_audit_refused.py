# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that cannot be audited reach no platform, whatever keeps the audit from being written."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mcp_bridge.cli import cli
from tests.faults.served import Served
from virtsim import SimServer

_CALL = json.dumps({"operation": "proxmox_vm", "target": "lab", "args": {"vmid": 101}})


class Broken:
    """A system call that fails with an error that no disk of a test machine gives."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __call__(self, *_arguments: Any) -> Any:
        raise OSError(self.number, os.strerror(self.number))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return the folder of a file system of its own that holds a mebibyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "none", folder],
        check=False, capture_output=True,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip("only root may mount a file system")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


class Lab:
    """A bridge with one target, whose commands run in this process."""

    def __init__(self, bridge: Any, sim: SimServer, patch: pytest.MonkeyPatch) -> None:
        self.bridge, self.sim = bridge, sim
        for name, value in bridge.environment.items():
            patch.setenv(name, value)
        self.place(bridge.folder.parent / "audit/audit.jsonl")

    def place(self, path: Path, **more: Any) -> None:
        self.path = path
        self.bridge.config["audit"] = {"path": str(path), **more}
        self.bridge.command()

    def call(self, *words: str) -> dict[str, Any]:
        result = CliRunner().invoke(cli, ["call", "--json", *words])
        body: dict[str, Any] = json.loads(result.stdout)
        return body

    def refused(self) -> None:
        """Check that neither a read nor a write gets to the platform, nor even a login."""
        self.sim.control.clear_journal()
        for words in (
            ("vm_list",),
            ("vm_power", "ref=lab/-/101", "state=started"),
            ("tool_read", "operation=proxmox:GET /nodes", "target=lab"),
            ("tool_call", "--json-args", _CALL),
        ):
            body = self.call(*words)
            assert body["error"]["code"] == "audit_failed", (words, body)
            assert body["error"]["next"] and "run_id" not in body
        assert self.sim.control.journal() == []


@pytest.fixture
def lab_here(lab: Any, monkeypatch: pytest.MonkeyPatch) -> Lab:
    return Lab(*lab, monkeypatch)


def test_a_full_disk_refuses_every_call(lab_here: Lab, small_disk: Path) -> None:
    """Red when the line before a run is written after it, or its failure is passed over."""
    lab_here.place(small_disk / "audit.jsonl")
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "filler").write_bytes(b"x" * (2 << 20))
    lab_here.refused()
    assert not lab_here.path.exists() or lab_here.path.read_bytes() == b""


def test_a_read_only_disk_refuses_every_call(lab_here: Lab, small_disk: Path) -> None:
    lab_here.place(small_disk / "audit.jsonl")
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    lab_here.refused()


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("write", "EIO"),
        ("write", "EDQUOT"),
        ("fdatasync", "EIO"),
        ("open", "EIO"),
        ("open", "EACCES"),
    ],
)
def test_an_error_of_the_disk_refuses_every_call(
    lab_here: Lab, monkeypatch: pytest.MonkeyPatch, call: str, name: str
) -> None:
    real: Any = getattr(os, call)
    broken = Broken(getattr(errno, name))

    def some(*arguments: Any, **more: Any) -> Any:
        first = arguments[0]
        path = Path(f"/proc/self/fd/{first}").readlink() if isinstance(first, int) else Path(first)
        return broken() if "audit.jsonl" in path.name else real(*arguments, **more)

    monkeypatch.setattr(os, call, some)
    lab_here.refused()
    monkeypatch.setattr(os, call, real)
    assert lab_here.call("vm_list")["ok"]


class Lasting:
    """A bridge that is served while the place of its audit changes under it."""

    def __init__(self, bridge: Any, sim: SimServer, path: Path) -> None:
        self.sim, self.path = sim, path
        bridge.config["audit"] = {"path": str(path)}
        self.served = Served(bridge, "warm")
        assert self.served.asked("vm_list")["ok"]

    def refused(self, reason: str) -> None:
        """Check that no call gets to the platform, and that its answer says why."""
        self.sim.control.clear_journal()
        call = json.loads(_CALL)
        for tool, arguments in (
            ("vm_list", {}),
            ("vm_power", {"ref": "lab/-/101", "state": "started"}),
            ("tool_read", {"operation": "proxmox:GET /nodes", "target": "lab"}),
            ("tool_call", call),
            ("vm_delete", {"ref": "lab/-/101"}),
        ):
            body = self.served.asked(tool, **arguments)
            assert body["error"]["code"] == "audit_failed", (tool, body)
            assert reason in body["error"]["message"], body
        assert self.sim.control.journal() == []


@pytest.mark.timeout(300)
def test_a_served_bridge_whose_audit_may_grow_no_more_refuses_every_call(
    lab: tuple[Any, SimServer], tmp_path: Path
) -> None:
    """Red when a line that cannot be written whole is passed over."""
    bridge, sim = lab
    lasting = Lasting(bridge, sim, tmp_path / "audit/audit.jsonl")
    with closing(lasting.served) as served:
        # The audit becomes the largest file, so that the limit meets no other.
        absent = {"vmid": 101, "state": "absent", "description": "x" * 14_000}
        for _turn in range(60):
            denied = served.asked("tool_call", operation="proxmox_vm", target="lab", args=absent)
            assert denied["status"] == "denied", denied
        before = resource.prlimit(served.pid, resource.RLIMIT_FSIZE)
        largest = lasting.path.stat().st_size + 10
        resource.prlimit(served.pid, resource.RLIMIT_FSIZE, (largest, before[1]))
        lasting.refused("File too large")
        resource.prlimit(served.pid, resource.RLIMIT_FSIZE, before)
        assert served.asked("vm_list")["ok"]
    proven = subprocess.run(
        bridge.command("audit", "verify"), env=bridge.environment, cwd=bridge.folder,
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert proven.returncode == 0, proven.stdout + proven.stderr


@pytest.mark.timeout(300)
def test_a_served_bridge_whose_disk_fills_or_turns_read_only_refuses_every_call(
    lab: tuple[Any, SimServer], small_disk: Path
) -> None:
    bridge, sim = lab
    lasting = Lasting(bridge, sim, small_disk / "audit.jsonl")
    with closing(lasting.served) as served:
        filler = small_disk / "filler"
        with pytest.raises(OSError, match="No space left"):
            filler.write_bytes(b"x" * (2 << 20))
        # What is left of the last block of the file takes some lines more.
        for _turn in range(60):
            body = served.asked("vm_list")
            if not body["ok"]:
                break
        lasting.refused("No space left on device")
        filler.unlink()
        assert served.asked("vm_list")["ok"]
        # The bridge holds no file of it open between its calls, which would keep the disk from it.
        subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
        lasting.refused("Read-only file system")


def _linked(path: Path) -> None:
    path.symlink_to(path.parent / "elsewhere")


def _readable(path: Path) -> None:
    path.touch(0o640)
    path.chmod(0o640)


def _of_another(path: Path) -> None:
    path.touch(0o600)
    os.chown(path, 65_534, 65_534)


@pytest.mark.parametrize(
    ("part", "plant"),
    [
        *(("jsonl", plant) for plant in (_linked, _readable, _of_another, Path.mkdir, os.mkfifo)),
        *((part, plant) for part in ("head", "key") for plant in (_linked, _readable)),
    ],
)
def test_a_part_that_is_not_this_users_alone_refuses_every_call(
    lab_here: Lab, part: str, plant: Any
) -> None:
    if plant is _of_another and os.geteuid():
        pytest.skip("only root may give files away")
    folder = lab_here.path.parent
    if part == "key":
        folder = lab_here.bridge.folder.parent / "state/virtbridge"
    folder.mkdir(parents=True, exist_ok=True)
    plant(folder / f"audit.{part}")
    lab_here.refused()
    assert not (folder / "elsewhere").exists()


def test_an_audit_that_was_cut_refuses_every_call(lab_here: Lab) -> None:
    assert lab_here.call("vm_list")["ok"]
    lines = lab_here.path.read_bytes().splitlines(keepends=True)
    lab_here.path.write_bytes(b"".join(lines[:-1]))
    lab_here.refused()


def test_a_checkpoint_that_cannot_be_written_refuses_every_call(lab_here: Lab) -> None:
    checkpoints = lab_here.path.parent / "elsewhere"
    lab_here.place(lab_here.path, checkpoint_path=str(checkpoints), checkpoint_every=1)
    assert lab_here.call("vm_list")["ok"]
    checkpoints.unlink()
    lab_here.place(lab_here.path, checkpoint_path="/proc/none/checkpoints", checkpoint_every=1)
    # The lines before were signed; the first line after them is the one that is due.
    lab_here.call("vm_list")
    lab_here.refused()
