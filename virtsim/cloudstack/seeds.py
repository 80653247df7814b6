# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Seeded clouds: a small hand-made one with every state, and large counted ones."""

from __future__ import annotations

from ..core.seeds import Seed
from ..core.seeds import guests as counted
from .furniture import furnish
from .model import Cloud, Row, stamp
from .rows import DAY, GIB, machine, named

CREDENTIALS = {
    "api_key": "virtsim-admin-api-key-00000000000000000000",
    "secret_key": "virtsim~admin*secret-key 00000000000000000",
    "user_api_key": "virtsim-user-api-key-000000000000000000000",
    "user_secret_key": "virtsim-user-secret-key-0000000000000000000",
    "disabled_api_key": "virtsim-disabled-api-key-00000000000000000",
    "disabled_secret_key": "virtsim-disabled-secret-key-00000000000000",
}


def build(seed: Seed, now: float) -> Cloud:
    """Return the cloud of a seed."""
    cloud = Cloud()
    _owners(cloud, now)
    furnish(cloud, seed.hosts, now)
    if seed.name == "small":
        _small(cloud, now)
    for guest in counted(seed) if seed.name != "small" else ():
        row = machine(cloud, guest.name, running=guest.running, now=now, host=guest.host)
        row["cpunumber"], row["memory"] = guest.cpus, guest.memory_mib
        row["tags"] = dict.fromkeys(guest.tags, "yes")
        row["nics"][0]["macaddress"] = guest.mac.lower()
        row["nics"][0]["ipaddress"] = guest.address
        _root_of(cloud, row)["size"] = guest.disk_gib * GIB
    return cloud


def _root_of(cloud: Cloud, row: Row) -> Row:
    last = next(reversed(cloud.tables["volumes"].values()))
    found: Row = last
    return found


def _owners(cloud: Cloud, now: float) -> None:
    root = cloud.add("domains", {"name": "ROOT", "path": "ROOT", "parentdomainid": None})
    lab = cloud.add("domains", {"name": "lab", "path": "ROOT/lab", "parentdomainid": root["id"]})
    admin = cloud.add("accounts", {"name": "admin", "domainid": root["id"], "role": "Admin"})
    user = cloud.add("accounts", {"name": "lab", "domainid": lab["id"], "role": "User"})
    keys = (
        ("admin", admin, "", "enabled"),
        ("lab", user, "user_", "enabled"),
        ("gone", user, "disabled_", "disabled"),
    )
    for name, account, prefix, state in keys:
        cloud.add(
            "users",
            {
                "username": name,
                "accountid": account["id"],
                "role": account["role"],
                "state": state,
                "apikey": CREDENTIALS[f"{prefix}api_key"],
                "secretkey": CREDENTIALS[f"{prefix}secret_key"],
                "created": stamp(now - DAY),
            },
        )
    # A project is an account of its own, to which the rows in it belong.
    holder = cloud.add(
        "accounts", {"name": "PrjAcct-shop-1", "domainid": root["id"], "role": "Project"}
    )
    cloud.add(
        "projects",
        {
            "name": "shop",
            "displaytext": "The shop",
            "domainid": root["id"],
            "ownerid": holder["id"],
            "accountids": [admin["id"]],
            "state": "Active",
            "created": stamp(now - DAY),
        },
    )


def _small(cloud: Cloud, now: float) -> None:
    admin = named(cloud, "accounts", "admin")["id"]
    lab = {"accountid": named(cloud, "accounts", "lab")["id"], "projectid": None}
    shop = named(cloud, "projects", "shop")
    project = {"accountid": shop["ownerid"], "projectid": shop["id"]}
    web1 = machine(cloud, "web1", running=True, now=now)
    web1["tags"] = {"env": "prod", "tier": "web"}
    web1["group"] = "web"
    machine(cloud, "web2", running=False, now=now, host=2)
    machine(cloud, "db1", running=True, now=now, host=2)
    machine(cloud, "db2", running=False, now=now, host=3)
    machine(cloud, "app", running=False, now=now)
    machine(cloud, "app", running=False, now=now, owner=lab, network="user-net")
    machine(cloud, "shop1", running=True, now=now, owner=project, host=3, network="shop-net")
    machine(cloud, "broken", running=False, now=now)["state"] = "Error"
    machine(cloud, "old", running=False, now=now)["state"] = "Destroyed"
    cloud.add(
        "ssh_keys",
        {
            "name": "ops",
            "accountid": admin,
            "projectid": None,
            "fingerprint": "aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99",
        },
    )
    cloud.add(
        "affinity_groups",
        {
            "name": "spread",
            "type": "host anti-affinity",
            "accountid": admin,
            "projectid": None,
            "description": "apart",
        },
    )
