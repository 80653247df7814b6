# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three platforms that know secrets, and a bridge that is given them in every way there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

import virtsim
from tests.contract.kubevirt import kubeconfigs
from tests.integration.platforms import ROWS
from tests.mcp.conftest import Bridge
from tests.security.secret_kinds import (
    BRIDGE,
    CLOUDSTACK,
    KUBEVIRT,
    MARK,
    PROXMOX,
    Kinds,
    Recording,
)
from virtsim.cloudstack import change_api, deploy_api
from virtsim.kubevirt import auth

VARIABLE = "CANARY_OF_THE_ENVIRONMENT"
BACK_ENDS = {"warm": "local", "cold": "local-cold", "worker": "worker"}
_TOKENS = {
    "file": "root@pam!vb", "env": "auditor@pve!read", "vault": "limited@pve!none",
}  # fmt: skip


class Vaulted(yaml.SafeDumper):
    """Writes targets with values that only the vault opens."""


class Closed(str):
    """A value that is encrypted."""


Vaulted.add_representer(
    Closed, lambda dumper, text: dumper.represent_scalar("!vault", str(text), style="|")
)


@dataclass
class World:
    """A bridge with a home of its own, and its platforms."""

    bridge: Bridge
    sims: dict[str, virtsim.SimServer]
    kinds: Kinds
    given: set[Path] = field(default_factory=set)

    @property
    def home(self) -> Path:
        """Return the folder that holds all of it."""
        return self.bridge.folder.parent

    @property
    def environment(self) -> dict[str, str]:
        """Return what the bridge is started with."""
        return self.bridge.environment | {
            VARIABLE: PROXMOX["token of the environment"], "TMPDIR": str(self.home / "tmp")
        }  # fmt: skip

    def file(self, name: str, content: str) -> str:
        """Write a file that holds a secret, as an operator does; return its name."""
        path = self.bridge.folder / name
        path.touch(0o600)
        path.write_text(content)
        self.given.add(path)
        return name

    def targets(self) -> list[str]:
        """Return the names of all targets."""
        return list(self.bridge.targets)

    def _target(self, name: str, platform: str, credential: dict[str, Any]) -> None:
        sim = self.sims[platform]
        path = next(row.path for row in ROWS if row.platform == platform)
        self.bridge.targets[name] = {
            "platform": platform, "url": sim.url + path, "ca_file": str(sim.ca_file),
            "labels": {"note": MARK}, "credential": credential,
        }  # fmt: skip

    def configure(self, back_end: str) -> None:
        """Write all files of the bridge."""
        token = self.file("token", PROXMOX["token of a file"])
        vault = VaultLib([("default", VaultSecret(BRIDGE["vault"].encode()))])
        closed = Closed(vault.encrypt(PROXMOX["token of the vault"]).decode())
        password = self.file("password", PROXMOX["password"])
        totp = self.file("totp", PROXMOX["totp"])
        for name, credential in {
            MARK: {"token_id": _TOKENS["file"], "token_secret_file": token},
            "px-env": {"token_id": _TOKENS["env"], "token_secret_env": VARIABLE},
            "px-vault": {"token_id": _TOKENS["vault"], "token_secret": closed},
            "px-password": {"username": "root@pam", "password_file": password},
            "px-totp": {"username": "careful@pve", "password_file": password, "totp_file": totp},
        }.items():
            self._target(name, "proxmox", credential)
        self._target("cs", "cloudstack", {
            "api_key_file": self.file("api-key", CLOUDSTACK["api key"]),
            "secret_key_file": self.file("secret-key", CLOUDSTACK["secret key"]),
        })  # fmt: skip
        self._target("kv", "kubevirt", {"token_file": self.file("kv", KUBEVIRT["token"])})
        self._certified()
        self.bridge.config |= {
            "runner": {
                "executor": BACK_ENDS[back_end],
                "vault_password_file": self.file("vault", BRIDGE["vault"]),
            },
            "policy": {"rules": [
                {"name": "asks", "match": {"target": "kv", "operation": "kubevirt:create*Secret"},
                 "verdict": "approve", "by": "person"},
                {"name": MARK, "match": {"target": "*"}, "verdict": "allow"},
            ]},
        }  # fmt: skip

    def _certified(self) -> None:
        """Add the clusters into which a certificate and a kubeconfig log in."""
        sim = self.sims["kubevirt"]
        client = kubeconfigs.certificate(sim)
        self.kinds.made["kubevirt: key of a client"] = client.key
        (self.bridge.folder / "client.pem").write_text(client.certificate)
        self._target("kv-cert", "kubevirt", {
            "client_cert_file": "client.pem", "client_key_file": self.file("client.key", client.key)
        })  # fmt: skip
        user = {"token": KUBEVIRT["token of a kubeconfig"]}
        kubeconfig = Path(kubeconfigs.kubeconfig(sim, self.bridge.folder, user))
        kubeconfig.chmod(0o600)
        self.given.add(kubeconfig)
        self._target("kv-config", "kubevirt", {"kubeconfig": "kubeconfig"})
        del self.bridge.targets["kv-config"]["url"], self.bridge.targets["kv-config"]["ca_file"]

    def write(self) -> None:
        """Write targets.yml, in which a secret may be vaulted."""
        targets = yaml.dump({"targets": self.bridge.targets}, Dumper=Vaulted, sort_keys=False)
        (self.bridge.folder / "targets.yml").write_text(targets)
        (self.bridge.folder / "virtbridge.yml").write_text(yaml.safe_dump(self.bridge.config))
        # The file has a tag that its usual writer does not know.
        self.bridge.targets, self.bridge.config = {}, {}


def _secrets(sims: dict[str, virtsim.SimServer], kinds: Kinds, patch: pytest.MonkeyPatch) -> None:
    """Put the secrets into the platforms in the place of those that their seeds have."""
    proxmox: Any = sims["proxmox"].simulator
    access = proxmox.state.access
    for kind, secret in (
        ("file", "token of a file"), ("env", "token of the environment"),
        ("vault", "token of the vault"),
    ):  # fmt: skip
        user, _mark, name = _TOKENS[kind].partition("!")
        access.users[user]["tokens"][name]["secret"] = PROXMOX[secret]
    for user in ("root@pam", "careful@pve"):
        access.users[user]["password"] = PROXMOX["password"]
    access.users["careful@pve"]["totp"] = PROXMOX["totp"]
    proxmox.keys = Recording(proxmox.keys.secret)
    Recording.kinds = kinds
    cloud: Any = sims["cloudstack"].simulator
    admin = next(iter(cloud.state.tables["users"].values()))
    admin |= {"apikey": CLOUDSTACK["api key"], "secretkey": CLOUDSTACK["secret key"]}
    for module in (change_api, deploy_api):
        patch.setattr(module, "GENERATED", CLOUDSTACK["password that is made"])
    for name in ("token", "token of a kubeconfig"):
        patch.setitem(auth._TOKENS, KUBEVIRT[name], auth._TOKENS[auth.TOKEN])


@contextmanager
def world(folder: Path, back_end: str) -> Iterator[World]:
    """Give a bridge over platforms that know the secrets; its files are written by `write`."""
    home = folder / MARK / "virtbridge"
    home.mkdir(mode=0o700, parents=True)
    (home.parent / "tmp").mkdir()
    kinds = Kinds()
    with ExitStack() as running:
        patch = running.enter_context(pytest.MonkeyPatch.context())
        sims = {
            name: running.enter_context(virtsim.start(name, seed="small"))
            for name in virtsim.platforms()
        }
        _secrets(sims, kinds, patch)
        made = World(Bridge(home), sims, kinds)
        made.configure(back_end)
        yield made
