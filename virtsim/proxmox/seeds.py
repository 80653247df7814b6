# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Seeded clusters: a small hand-made one with every state, and large counted ones."""

from __future__ import annotations

from typing import Any

from ..core.seeds import Seed
from ..core.seeds import guests as counted
from .config_text import parse
from .model import Cluster, Guest
from .usercfg import parse as parse_users

GIB = 1 << 30
HOUR = 3600
PASSWORD = "virtsim-root-password"  # noqa: S105  (made up, opens only the simulator)
LIMITED_PASSWORD = "virtsim-limited-password"  # noqa: S105
SECRET = "11111111-2222-4333-8444-555555555555"  # noqa: S105
LIMITED_SECRET = "22222222-2222-4333-8444-555555555555"  # noqa: S105
EXPIRED_SECRET = "33333333-2222-4333-8444-555555555555"  # noqa: S105
SEPARATED_SECRET = "44444444-2222-4333-8444-555555555555"  # noqa: S105

TOTP_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # noqa: S105

CREDENTIALS = {
    "username": "root@pam",
    "password": PASSWORD,
    "token_id": "root@pam!vb",
    "token_secret": SECRET,
    "limited_username": "limited@pve",
    "limited_password": LIMITED_PASSWORD,
    "limited_token_id": "limited@pve!none",
    "limited_token_secret": LIMITED_SECRET,
    "auditor_token_id": "auditor@pve!read",
    "auditor_token_secret": SEPARATED_SECRET,
    "expired_token_id": "root@pam!expired",
    "expired_token_secret": EXPIRED_SECRET,
    "totp_username": "careful@pve",
    "totp_password": LIMITED_PASSWORD,
    "totp_secret": TOTP_SECRET,
    "disabled_username": "disabled@pve",
    "disabled_password": LIMITED_PASSWORD,
}
USERS = """
user:root@pam:1:0:::root@example.com::
user:limited@pve:1:0:::::
user:auditor@pve:1:0:::::
user:careful@pve:1:0:::::
user:disabled@pve:0:0:::::
token:root@pam!vb:0:0::
token:root@pam!expired:100:0::
token:limited@pve!none:0:1::
token:auditor@pve!read:0:0::
group:ops:auditor@pve::
pool:dev:development:104,105:local-lvm:
acl:1:/:@ops:PVEAuditor:
acl:1:/:careful@pve:PVEAdmin:
acl:1:/vms/101:limited@pve:PVEVMUser:
"""
SECRETS = {
    "root@pam!vb": SECRET,
    "root@pam!expired": EXPIRED_SECRET,
    "limited@pve!none": LIMITED_SECRET,
    "auditor@pve!read": SEPARATED_SECRET,
}
PASSWORDS = {
    "root@pam": PASSWORD,
    "limited@pve": LIMITED_PASSWORD,
    "disabled@pve": LIMITED_PASSWORD,
    "careful@pve": LIMITED_PASSWORD,
}
STORAGES: dict[str, dict[str, Any]] = {
    "local": {
        "type": "dir",
        "path": "/var/lib/vz",
        "content": ["iso", "vztmpl", "backup", "snippets", "import", "images"],
        "total": 500 * GIB,
    },
    "local-lvm": {
        "type": "lvmthin",
        "vgname": "pve",
        "thinpool": "data",
        "content": ["images", "rootdir"],
        "total": 4000 * GIB,
    },
    "nas": {
        "type": "nfs",
        "server": "192.168.1.5",
        "export": "/srv/pve",
        "path": "/mnt/pve/nas",
        "content": ["images", "iso", "backup", "import"],
        "shared": 1,
        "total": 8000 * GIB,
    },
}
FILES = {
    "local:iso/debian-12.iso": ("iso", 660 << 20, "iso"),
    "nas:iso/virtio-win.iso": ("iso", 700 << 20, "iso"),
    "local:import/debian-12-genericcloud-amd64.qcow2": ("import", 2 * GIB, "qcow2"),
    "nas:import/ubuntu-24.04-server-cloudimg-amd64.qcow2": ("import", 3 * GIB, "qcow2"),
    "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst": ("vztmpl", 120 << 20, "tzst"),
    "local:snippets/user.yaml": ("snippets", 512, "snippet"),
}
# vmid, node, name, state, further settings
SMALL: list[tuple[int, int, str | None, str, str]] = [
    (100, 1, "web1", "running", "agent: 1\ntags: prod;web\nonboot: 1\n"),
    (101, 1, "web2", "stopped", "tags: prod;web\n"),
    (102, 2, "db1", "running", "agent: 1\ntags: db;prod\n\n[PENDING]\nmemory: 4096\n"),
    (103, 2, "db2", "paused", "tags: db;test\n"),
    (104, 1, "app", "running", "agent: 1\n"),
    (105, 3, "app", "stopped", ""),
    (106, 3, "backup-target", "stopped", "lock: backup\n"),
    (107, 2, "protected", "running", "protection: 1\n"),
    (108, 3, "asleep", "stopped", "lock: suspended\nvmstate: local-lvm:vm-108-state-suspend\n"),
    (109, 3, "deaf", "running", ""),
    (110, 1, "history", "stopped", "parent: after\n"),
    (111, 2, None, "stopped", ""),
    (9000, 1, "debian-12-template", "template", "agent: 1\nciuser: debian\n"),
    (9001, 2, "ubuntu-24-template", "shared-template", "agent: 1\n"),
]


def build(seed: Seed, now: float) -> Cluster:
    """Build the cluster of a seed."""
    state = Cluster("virtsim")
    state.access = parse_users(USERS)
    for user, password in PASSWORDS.items():
        state.access.users[user]["password"] = password
    state.access.users["careful@pve"]["totp"] = TOTP_SECRET
    for tokenid, secret in SECRETS.items():
        token = state.access.token(tokenid)
        if token is not None:
            token["secret"] = secret
    for number in range(1, seed.hosts + 1):
        state.nodes[f"pve{number}"] = {
            "online": True,
            "cpus": 32,
            "memory": 256 * GIB,
            "started": now - 24 * HOUR,
            "fingerprint": ":".join(["%02X" % (number * 7 % 256)] * 32),
        }
    for name, row in STORAGES.items():
        state.storages[name] = dict(row)
    for volume, (content, size, form) in FILES.items():
        state.volumes[volume] = {"content": content, "size": size, "format": form, "vmid": None}
    if seed.name == "small":
        for entry in SMALL:
            _small(state, now, entry)
    else:
        state.access.pools["dev"]["vms"].clear()
        for guest in counted(seed):
            _counted(state, now, guest)
    return state


def _small(state: Cluster, now: float, entry: tuple[int, int, str | None, str, str]) -> None:
    vmid, node, name, status, extra = entry
    stem = "base" if status.endswith("template") else "vm"
    volume = f"local-lvm:{stem}-{vmid}-disk-0"
    if status == "shared-template":
        volume = f"nas:{vmid}/base-{vmid}-disk-0.qcow2"
    text = (
        f"boot: order=scsi0;net0\ncores: 2\nmemory: 2048\n{f'name: {name}' if name else ''}\n"
        f"net0: virtio=BC:24:11:01:{vmid % 10000 // 100:02d}:{vmid % 100:02d},bridge=vmbr0\n"
        f"ostype: l26\nscsi0: {volume},size=8G\nscsihw: virtio-scsi-single\n"
        f"smbios1: uuid=00000000-0000-4000-8000-{vmid:012d}\n"
        f"vmgenid: 00000000-0000-4000-9000-{vmid:012d}\n"
        f"meta: creation-qemu=9.2.0,ctime=1735689600\n{extra}"
    )
    guest = parse(vmid, f"pve{node}", text)
    state.guests[vmid] = guest
    state.volumes[volume] = {"size": 8 * GIB, "vmid": vmid, "content": "images", "format": "raw"}
    if status.endswith("template"):
        guest.conf["template"] = "1"
    if status in {"running", "paused"}:
        guest.status, guest.paused, guest.started = "running", status == "paused", now - HOUR
    if name == "deaf":
        guest.agent = {"deaf": True}
    if "agent" in guest.conf and guest.running:
        guest.agent = agent(guest, f"192.168.1.{vmid}")
    if name == "history":
        _snapshots(guest)


def _snapshots(guest: Guest) -> None:
    kept = {k: v for k, v in guest.conf.items() if k != "parent"}
    guest.snapshots["before"] = {
        **kept,
        "memory": "1024",
        "snaptime": "1735689700",
        "description": "before the upgrade\n",
    }
    guest.snapshots["after"] = {**kept, "snaptime": "1735689800", "parent": "before"}


def agent(guest: Guest, address: str) -> dict[str, Any]:
    """Make up what the agent inside a guest answers."""
    hardware = guest.conf["net0"].partition("=")[2].partition(",")[0].lower()
    return {
        "interfaces": [
            {
                "name": "lo",
                "hardware-address": "00:00:00:00:00:00",
                "ip-addresses": [
                    {"ip-address": "127.0.0.1", "ip-address-type": "ipv4", "prefix": 8}
                ],
            },
            {
                "name": "eth0",
                "hardware-address": hardware,
                "ip-addresses": [{"ip-address": address, "ip-address-type": "ipv4", "prefix": 24}],
            },
        ],
        "os": {"id": "debian", "name": "Debian GNU/Linux", "version-id": "12"},
    }


def _counted(state: Cluster, now: float, entry: Any) -> None:
    vmid = 1000 + entry.n
    volume = f"local-lvm:vm-{vmid}-disk-0"
    conf = {
        "boot": "order=scsi0;net0",
        "cores": str(entry.cpus),
        "memory": str(entry.memory_mib),
        "name": entry.name,
        "net0": f"virtio={entry.mac},bridge=vmbr0",
        "ostype": "l26",
        "scsi0": f"{volume},size={entry.disk_gib}G",
        "scsihw": "virtio-scsi-single",
        "tags": ";".join(sorted(entry.tags)),
    }
    guest = Guest(vmid, f"pve{entry.host}", conf)
    if entry.running:
        guest.status, guest.started = "running", now - HOUR
    state.guests[vmid] = guest
    state.volumes[volume] = {
        "size": entry.disk_gib * GIB,
        "vmid": vmid,
        "content": "images",
        "format": "raw",
    }
