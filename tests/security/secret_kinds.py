# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Thirty and more secrets of every kind that a bridge meets, each with awkward signs in it."""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.integration.canaries import parts
from virtsim.proxmox.auth import Keyring

MARK = "canary-that-is-no-secret"
"""It is the name of targets and of folders, and so must be found wherever secrets must not."""
_CHANCE = random.Random(20)
# Signs that a header can carry, and signs that only a body can.
_HEADER = "-/+%41\"&'\\<$(~"
_BODY = "-\"/+%41&'\\ {{ä日😀}}<#|"


def _letters(count: int, more: str = "") -> str:
    return "".join(_CHANCE.choices(string.ascii_letters + string.digits + more, k=count))


def awkward(signs: str = _BODY) -> str:
    """Return a secret that no encoding leaves as it is."""
    return f"-{_letters(9)}{signs}{_letters(9)}"


def private_key() -> str:
    """Return a private key, PEM."""
    key = derive_private_key(_CHANCE.getrandbits(240), SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def cloud_init(word: str) -> str:
    """Return user data with a password and a key in it."""
    key = private_key().replace("\n", "\n    ")
    return f"#cloud-config\npassword: {word}\nssh_keys:\n  ecdsa_private: |\n    {key}"


def encoded(text: str) -> str:
    """Return a text as Secrets of a cluster hold it."""
    return base64.b64encode(text.encode()).decode()


PROXMOX = {
    "token of a file": awkward(_HEADER),
    "token of the environment": awkward(_HEADER),
    "token of the vault": awkward(_HEADER),
    "password": awkward(),
    "totp": "".join(_CHANCE.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=32)),
    "ci_password": awkward(),
    "user's password": awkward(),
    "guest's password": awkward(),
    "certificate's key": private_key(),
    "storage's password": awkward(),
    "token that is answered": "0b5c9c1e-7f31-4d0c-a2d5-51509a41feed",
    "ticket of a console": f"PVEVNC:6543ABCD::{_letters(60, '+/')}==",
    "password of a console": _letters(20),
}
CLOUDSTACK = {
    "api key": _letters(80, "-_") + "%41+/",
    "secret key": _letters(80, "-_") + '"\\&=',
    "user data": cloud_init(_letters(20)),
    "password that is made": _letters(16) + "+/=",
    "password that is reset": awkward(),
    "ssh key that is answered": private_key(),
    "key that is answered": _letters(86, "-_"),
    "vpn": awkward(),
    "key of a certificate": private_key(),
}
KUBEVIRT = {
    "token": _letters(40, "-_") + "+/==",
    "token of a kubeconfig": _letters(40, "-_") + "~%41",
    "user data": cloud_init(_letters(20)),
    "Secret that is written": awkward(),
    "Secret that is patched": awkward(),
    "Secret that is read": awkward(),
    "cloud-init of a body": cloud_init(_letters(20)),
    "cloud-init of a body in base64": awkward(),
}
BRIDGE = {
    "vault": awkward(),
    "passphrase": awkward(_HEADER),
    "bearer token": _letters(60, "-_") + "~+/=",
    "bearer token that is refused": _letters(60, "-_") + "~+/=",
    "bearer token in an address": _letters(60, "-_"),
    "introspection": awkward(_HEADER),
}


@dataclass
class Kinds:
    """All secrets by name; some are made only while the bridge runs."""

    made: dict[str, str | bytes] = field(default_factory=dict)

    @property
    def all(self) -> Mapping[str, str | bytes]:
        """Return each secret by its name."""
        found: dict[str, str | bytes] = {}
        for place, kinds in (
            ("proxmox", PROXMOX), ("cloudstack", CLOUDSTACK), ("kubevirt", KUBEVIRT),
            ("bridge", BRIDGE),
        ):  # fmt: skip
            found |= {f"{place}: {name}": secret for name, secret in kinds.items()}
        return found | self.made

    def pieces(self) -> Iterator[tuple[str, str | bytes]]:
        """Yield what is looked for, and of which secret it is."""
        for name, secret in self.all.items():
            for each in parts(secret) if isinstance(secret, str) else (secret,):
                yield name, each


class Recording(Keyring):
    """Signs tickets, and tells the test which."""

    kinds: Kinds

    def ticket(self, user: str, now: float) -> str:
        """Make a ticket."""
        made = super().ticket(user, now)
        self.kinds.made["proxmox: ticket"] = made.partition("::")[2]
        return made

    def csrf(self, user: str, now: float) -> str:
        """Make the token that goes with a ticket."""
        made = super().csrf(user, now)
        self.kinds.made["proxmox: token of a form"] = made.partition(":")[2]
        return made


_SECRET = {
    "kind": "Secret", "apiVersion": "v1", "metadata": {"name": "read", "namespace": "default"},
    "type": "Opaque", "data": {"hello": encoded(KUBEVIRT["Secret that is read"])},
}  # fmt: skip
# What platforms answer that have secrets of their own to give.
ANSWERS: Mapping[str, Mapping[str, object]] = {
    "proxmox": {
        "/access/users/root@pam/token/new": {
            "data": {
                "full-tokenid": "root@pam!new", "info": {"privsep": 1},
                "value": PROXMOX["token that is answered"],
            }
        },
        "/nodes/pve1/qemu/100/vncproxy": {
            "data": {
                "ticket": PROXMOX["ticket of a console"], "port": 5900, "user": "root@pam",
                "upid": "UPID:pve1:0:0:0:x::root@pam:",
                "password": PROXMOX["password of a console"],
            }
        },
    },
    "cloudstack": {
        "createSSHKeyPair": {
            "createsshkeypairresponse": {
                "keypair": {
                    "name": "new", "privatekey": CLOUDSTACK["ssh key that is answered"],
                    "fingerprint": "aa:bb",
                }
            }
        },
        "registerUserKeys": {
            "registeruserkeysresponse": {
                "userkeys": {"apikey": "x", "secretkey": CLOUDSTACK["key that is answered"]}
            }
        },
    },
    "kubevirt": {
        "/secrets/read": _SECRET,
        "/api/v1/secrets": {"kind": "SecretList", "apiVersion": "v1", "items": [_SECRET]},
    },
}  # fmt: skip


def secret_body(**content: object) -> dict[str, object]:
    """Return a Secret with some content."""
    return {"metadata": {"name": "greeting", "namespace": "default"}, **content}


def machine_body(name: str) -> dict[str, object]:
    """Return a machine whose cloud-init is part of its body, as it is and in base64."""
    volumes = [
        {
            "name": "one",
            "cloudInitNoCloud": {"userData": KUBEVIRT["cloud-init of a body"]},
        },
        {
            "name": "two",
            "cloudInitConfigDrive": {
                "userDataBase64": encoded(KUBEVIRT["cloud-init of a body in base64"])
            },
        },
    ]
    disks = [{"name": each["name"], "disk": {"bus": "virtio"}} for each in volumes]
    domain = {"devices": {"disks": disks}, "memory": {"guest": "1Gi"}}
    spec = {"runStrategy": "Halted", "template": {"spec": {"domain": domain, "volumes": volumes}}}
    return {"metadata": {"name": name, "namespace": "default"}, "spec": spec}
