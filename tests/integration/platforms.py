# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the suite of real modules must know of a platform: one row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import virtsim

GUEST_SECRET = "canary Gu3st/s3cret+5150&x=%41"  # nothing of it is the same in its encoded forms
WRONG_SECRET = "canary-Wr0ng/t0ken+7f31d0c2&x=%41"


@dataclass(frozen=True)
class Row:
    """One platform's VM module and what stands in the small seed of its simulator.

    ``logins`` are credentials of a target by name; the value of a secret key is the name of one of
    the simulator's credentials, what is not ``secret`` is given as it is. ``text`` is an option
    that takes any text, ``received`` what the platform got of it in its last write.
    """

    platform: str
    module: str
    path: str
    logins: Mapping[str, Mapping[str, str]]
    secret_keys: frozenset[str]
    stopped: Mapping[str, Any]
    running: Mapping[str, Any]
    new: Mapping[str, Any]
    secret: Mapping[str, Any]
    text: str
    received: Callable[[virtsim.SimServer], Any]
    refuses: frozenset[str] = field(default_factory=frozenset)
    """Texts of the suite that the platform itself does not take."""

    def target(self, sim: virtsim.SimServer, login: str, **more: Any) -> dict[str, Any]:
        """Return a target of targets.yml; each secret is in the file NAME beside it."""
        names = self.logins[login]
        credential = {
            f"{key}_file" if key in self.secret_keys else key: (
                f"{self.platform}-{name}" if key in self.secret_keys else sim.credentials[name]
            )
            for key, name in names.items()
        }
        return {
            "platform": self.platform,
            "url": sim.url + self.path,
            "ca_file": str(sim.ca_file),
            "credential": credential,
            **more,
        }

    def secrets(self, sim: virtsim.SimServer) -> dict[str, str]:
        """Return the secrets that the targets name, by the name of their file."""
        return {
            f"{self.platform}-{name}": sim.credentials[name]
            for login in self.logins.values()
            for key, name in login.items()
            if key in self.secret_keys
        }


def _written(name: str) -> Callable[[virtsim.SimServer], Any]:
    def read(sim: virtsim.SimServer) -> Any:
        rows = [row for row in sim.control.writes() if name in row["params"]]
        return rows[-1]["params"][name] if rows else None

    return read


ROWS = (
    Row(
        platform="proxmox",
        module="proxmox_vm",
        path="",
        logins={
            "token": {"token_id": "token_id", "token_secret": "token_secret"},
            "password": {"username": "username", "password": "password"},
        },
        secret_keys=frozenset({"token_secret", "password"}),
        stopped={"vmid": 101},
        running={"name": "web1"},
        new={
            "name": "fresh",
            "node": "pve1",
            "disks": [{"slot": "scsi0", "storage": "local-lvm", "size_gib": 4}],
        },
        secret={"ci_password": GUEST_SECRET},
        text="description",
        received=_written("description"),
    ),
    Row(
        platform="cloudstack",
        module="cloudstack_instance",
        path="/client/api",
        logins={"keys": {"api_key": "api_key", "secret_key": "secret_key"}},
        secret_keys=frozenset({"api_key", "secret_key"}),
        stopped={"name": "web2"},
        running={"name": "web1"},
        new={
            "name": "fresh",
            "template": "debian-12",
            "service_offering": "small",
            "nics": [{"network": "lab-net"}],
        },
        secret={"user_data": GUEST_SECRET},
        text="display_name",
        received=_written("displayname"),
    ),
)
