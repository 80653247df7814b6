# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that Ansible or Python would load from a working directory or a home: each tells of it."""

from __future__ import annotations

import sys
from pathlib import Path

_PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
_KINDS = (
    "action", "cache", "callback", "connection", "filter", "inventory", "lookup", "modules",
    "module_utils", "shell", "strategy", "test", "vars",
)  # fmt: skip
# What Ansible looks for beside a playbook or in the folder it is started in.
_BESIDE = {
    "action_plugins": "vm_info", "callback_plugins": "spy", "connection_plugins": "local",
    "filter_plugins": "core", "library": "vm_info", "lookup_plugins": "file",
    "module_utils": "basic", "strategy_plugins": "linear", "vars_plugins": "host_group_vars",
}  # fmt: skip
_NAMES = ("vm_info", "spy", "proxmox_vm_info", "local", "linear", "memory", "sh", "basic")
_FOLDERS = ("ansible_collections/virtbridge/core", ".ansible/collections")


class Traps:
    """A folder full of them, and where they write that they were sprung."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.told = folder, folder.parent / "told"
        folder.mkdir()
        self.told.mkdir()
        self._python()
        self._settings()
        for place, name in _BESIDE.items():
            self._code(f"{place}/{name}.py")
        for kind in _KINDS:
            for name in _NAMES:
                self._code(f".ansible/plugins/{kind}/{name}.py")
                self._collection(kind, name)

    @property
    def sprung(self) -> list[str]:
        """Return the files that were loaded."""
        return sorted(file.name for file in self.told.iterdir())

    def _collection(self, kind: str, name: str) -> None:
        for root in ("collections/", ".ansible/collections/", ""):
            core = f"{root}ansible_collections/virtbridge/core"
            self._code(f"{core}/plugins/{kind}/{name}.py")
            (self.folder / core / "galaxy.yml").write_text(
                "namespace: virtbridge\nname: core\nversion: 99.0.0\n"
            )

    def _python(self) -> None:
        site = f".local/lib/{_PYTHON}/site-packages"
        for name in ("sitecustomize", "usercustomize"):
            self._code(f"{name}.py")
            self._code(f"{site}/{name}.py")
        # Names that are imported late, and so would be found here before the real ones.
        for name in ("ansible", "ansible_runner", "proxmoxer", "kubernetes", "yaml", "pexpect"):
            self._code(f"{name}.py")
        told = self.told / "pth"
        (self.folder / site / "trap.pth").write_text(f"import os; open({str(told)!r}, 'w')\n")

    def _settings(self) -> None:
        folder = self.folder
        lines = [
            "[defaults]", f"library = {folder}/library", f"log_path = {self.told}/log",
            f"collections_path = {folder}/collections", "callbacks_enabled = spy",
            *(f"{place} = {folder}/{place}" for place in _BESIDE if place.endswith("_plugins")),
            f"interpreter_python = {folder}/evil-python",
        ]  # fmt: skip
        for name in ("ansible.cfg", ".ansible.cfg"):
            (folder / name).write_text("\n".join(lines) + "\n")
        self._script("evil-python")
        for place in ("group_vars/all.yml", "host_vars/lab.yml"):
            path = folder / place
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"ansible_python_interpreter: {folder}/evil-python\n")
        netrc = folder / ".netrc"
        netrc.write_text("default login planted password planted\n")
        netrc.chmod(0o600)

    def _code(self, name: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        told = self.told / name.replace("/", "_")
        path.write_text(f"open({str(told)!r}, 'w').close()\n")

    def _script(self, name: str) -> None:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\ntouch {self.told}/{name}\n")
        path.chmod(0o755)
