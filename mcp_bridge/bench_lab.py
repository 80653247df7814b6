# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured, and where: two real modules of a platform against its simulator, over TLS."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

import virtsim

from . import policy
from .cli_demo import LOGINS
from .runner.base import Executor, Job, Outcome
from .runner.cold import ColdSettings, LocalCold
from .runner.warm import LocalWarm
from .targets import Target, load

INFO_MODULES = {
    "proxmox": "proxmox_vm_info",
    "cloudstack": "cloudstack_instance_info",
    "kubevirt": "kubevirt_vm_info",
}
VM_MODULES = {
    "proxmox": "proxmox_vm",
    "cloudstack": "cloudstack_instance",
    "kubevirt": "kubevirt_vm",
}
WAYS = ("cold_ansiballz", "cold_direct", "warm_direct")
AT_ONCE = 8
_TARGET = "lab"
# How a machine is named for its module, and something that a second run finds as it is.
_NAMED_BY = {"proxmox": ("vmid",), "cloudstack": ("id",), "kubevirt": ("namespace", "name")}
_WANTED: Mapping[str, Mapping[str, Any]] = {
    "proxmox": {"tags": ["bench"]},
    "cloudstack": {"tags": {"bench": "yes"}},
    "kubevirt": {"labels": {"bench": "yes"}},
}


class BenchFailed(Exception):
    """A run did not do what it should, so that its time says nothing."""


@dataclass(frozen=True)
class Work:
    """One call of a module: what it is called in the figures, and its arguments."""

    name: str
    module: str
    args: Mapping[str, Any] = field(default_factory=dict)
    risk: policy.Risk = "read"


class Lab:
    """One simulator, a target for it, and a back end for each way."""

    def __init__(self, platform: str, running: ExitStack) -> None:
        self.platform = platform
        self.folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        self.sim = running.enter_context(virtsim.start(platform, seed="small"))
        self.targets = self.folder / "targets.yml"
        self._target = self._written()
        settings = ColdSettings(state_dir=self.folder / "state", concurrency=AT_ONCE)
        self.warm = LocalWarm(settings)
        self._ways: Mapping[str, Executor] = {
            "cold_ansiballz": LocalCold(replace(settings, direct=False)),
            "cold_direct": LocalCold(settings),
            "warm_direct": self.warm,
        }
        for executor in self._ways.values():
            running.callback(executor.close)

    def works(self) -> tuple[Work, Work]:
        """Return a read, and a write of a machine that is as it should be already."""
        info = Work("info", f"virtbridge.core.{INFO_MODULES[self.platform]}", {"limit": 5})
        found = self.run("warm_direct", info).hosts[_TARGET]["objects"][0]
        named = {part: found[part] for part in _NAMED_BY[self.platform]}
        args = {**named, **_WANTED[self.platform], "existing": "required"}
        vm = Work("vm", f"virtbridge.core.{VM_MODULES[self.platform]}", args, "write")
        self.run("warm_direct", vm, changes=True)
        return info, vm

    def run(
        self,
        way: str,
        work: Work,
        cancelled: threading.Event | None = None,
        *,
        changes: bool = False,
    ) -> Outcome:
        """Run it once; BenchFailed when it does not succeed, or does not change what it should."""
        job = Job(module=work.module, args=work.args, targets=(self._target,))
        facts = (policy.TargetFacts(_TARGET),)
        call = policy.Call("bench", job.module, work.risk, facts, job.identity)
        permit = policy.decide(call, (), policy.Flags()).permit
        if permit is None:
            raise BenchFailed(f"policy refuses a {work.risk}")
        outcome = self._ways[way].run(job, permit, cancelled=cancelled)
        as_wished = outcome.hosts[_TARGET].get("changed", False) is changes
        if cancelled is None and not (outcome.status == "successful" and as_wished):
            raise BenchFailed(f"{way}: {outcome.status}: {dict(outcome.hosts)}"[:500])
        return outcome

    def _written(self) -> Target:
        target: dict[str, Any] = {"platform": self.platform}
        if self.platform == "kubevirt":
            target["credential"] = {"kubeconfig": str(self._kubeconfig())}
        else:
            address, names = LOGINS[self.platform]
            target |= {"url": self.sim.url + address, "ca_file": str(self.sim.ca_file)}
            target["credential"] = dict(map(self._secret, names))
        self._write(self.targets, {"targets": {_TARGET: target}})
        return load(self.targets)[_TARGET]

    def _secret(self, name: str) -> tuple[str, str]:
        if name == "token_id":
            return name, self.sim.credentials[name]
        file = self.folder / name
        file.touch(mode=0o600)
        file.write_text(self.sim.credentials[name], encoding="utf-8")
        return f"{name}_file", str(file)

    def _kubeconfig(self) -> Path:
        """Return the file that most users of KubeVirt log in with; a library has to read it."""
        cluster = {"server": self.sim.url, "certificate-authority": str(self.sim.ca_file)}
        user = {"token": self.sim.credentials["token"]}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "lab",
            "clusters": [{"name": "lab", "cluster": cluster}],
            "users": [{"name": "me", "user": user}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "me"}}],
        }
        file = self.folder / "kubeconfig"
        self._write(file, content)
        return file

    @staticmethod
    def _write(file: Path, content: Mapping[str, Any]) -> None:
        file.touch(mode=0o600)
        file.write_text(yaml.safe_dump(content), encoding="utf-8")
