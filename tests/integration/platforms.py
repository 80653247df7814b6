# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the suite of real modules must know of a platform: one row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import virtsim

GUEST_SECRET = "canary Gu3st/s3cret+5150&x=%41"  # nothing of it is the same in its encoded forms
WRONG_SECRET = "canary-Wr0ng/t0ken+7f31d0c2&x=%41"


@dataclass(frozen=True)
class Row:
    """One platform's VM module and what stands in the small seed of its simulator.

    ``logins`` are credentials of a target by name: each key and which of the simulator's
    credentials it is. Those of ``by_file`` are given as files; they are secrets. ``says`` gives
    the options of the n-th run that hands over any text, ``received`` what the platform got of
    these texts, in order.
    """

    platform: str
    module: str
    path: str
    logins: Mapping[str, Mapping[str, str]]
    by_file: frozenset[str]
    stopped: Mapping[str, Any]
    running: Mapping[str, Any]
    new: Mapping[str, Any]
    secret: Mapping[str, Any]
    change: Mapping[str, Any]
    says: Callable[[int, str], Mapping[str, Any]]
    received: Callable[[virtsim.SimServer], list[Any]]

    def target(self, sim: virtsim.SimServer, login: str, **more: Any) -> dict[str, Any]:
        """Return a target of targets.yml, whose secret files are named as in `files`."""
        credential = {
            f"{key}_file" if key in self.by_file else key: (
                name if key in self.by_file else sim.credentials[name]
            )
            for key, name in self.logins[login].items()
        }
        return {
            "platform": self.platform,
            "url": sim.url + self.path,
            "ca_file": str(sim.ca_file),
            "credential": credential,
            **more,
        }

    def files(self, sim: virtsim.SimServer) -> dict[str, str]:
        """Return what stands in the files that the targets name, by the files' names."""
        pairs = (pair for login in self.logins.values() for pair in login.items())
        return {name: sim.credentials[name] for key, name in pairs if key in self.by_file}

    def secrets(self, sim: virtsim.SimServer) -> set[str]:
        """Return the secrets among them."""
        return set(self.files(sim).values())


def _written(name: str) -> Callable[[virtsim.SimServer], list[Any]]:
    """Return what reads one parameter out of all writes that have it."""

    def read(sim: virtsim.SimServer) -> list[Any]:
        rows = (row["params"] for row in sim.control.writes())
        return [params[name] for params in rows if name in params]

    return read


def _user_data(sim: virtsim.SimServer) -> list[Any]:
    """Return the cloud-init texts of all machines that have one, by the machines' names."""
    machines = sim.control.snapshot()["virtualmachines.kubevirt.io"].values()
    found = {}
    for machine in machines:
        for volume in machine["spec"]["template"]["spec"]["volumes"]:
            if "cloudInitNoCloud" in volume:
                found[machine["metadata"]["name"]] = volume["cloudInitNoCloud"].get("userData")
    return [found[name] for name in sorted(found)]


_IMAGE = [{"name": "root", "container_image": "quay.io/containerdisks/fedora:latest"}]
ROWS = (
    Row(
        platform="proxmox",
        module="proxmox_vm",
        path="",
        logins={
            "token": {"token_id": "token_id", "token_secret": "token_secret"},
            "password": {"username": "username", "password": "password"},
        },
        by_file=frozenset({"token_secret", "password"}),
        stopped={"vmid": 101},
        running={"name": "web1"},
        new={
            "name": "fresh",
            "node": "pve1",
            "disks": [{"slot": "scsi0", "storage": "local-lvm", "size_gib": 4}],
        },
        secret={"ci_password": GUEST_SECRET},
        change={"memory": 4096},
        says=lambda _n, text: {"vmid": 101, "description": text},
        received=_written("description"),
    ),
    Row(
        platform="cloudstack",
        module="cloudstack_instance",
        path="/client/api",
        logins={"keys": {"api_key": "api_key", "secret_key": "secret_key"}},
        by_file=frozenset({"api_key", "secret_key"}),
        stopped={"name": "web2"},
        running={"name": "web1"},
        new={
            "name": "fresh",
            "template": "debian-12",
            "service_offering": "small",
            "nics": [{"network": "lab-net"}],
        },
        secret={"user_data": GUEST_SECRET},
        change={"service_offering": "medium"},
        says=lambda _n, text: {"name": "web2", "display_name": text},
        received=_written("displayname"),
    ),
    Row(
        platform="kubevirt",
        module="kubevirt_vm",
        path="",
        logins={"token": {"token": "token"}},
        by_file=frozenset({"token"}),
        stopped={"name": "web2"},
        running={"name": "web1"},
        new={"name": "fresh", "memory_mib": 1024, "disks": _IMAGE},
        secret={"user_data": GUEST_SECRET},
        change={"memory_mib": 2048},
        says=lambda n, text: {
            "name": f"text{n}",
            "memory_mib": 1024,
            "disks": _IMAGE,
            "user_data": text,
        },
        received=_user_data,
    ),
)
