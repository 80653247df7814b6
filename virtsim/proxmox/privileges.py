# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Privileges, and the roles the product ships with."""

from __future__ import annotations

VM_CONFIG = ["CDROM", "CPU", "Cloudinit", "Disk", "HWType", "Memory", "Network", "Options"]
VM_AGENT = ["Audit", "FileRead", "FileSystemMgmt", "FileWrite", "Unrestricted"]

VM = frozenset(
    [f"VM.{p}" for p in ("Allocate", "Audit", "Backup", "Clone", "Console", "Migrate")]
    + [f"VM.{p}" for p in ("PowerMgmt", "Replicate", "Snapshot", "Snapshot.Rollback")]
    + [f"VM.Config.{p}" for p in VM_CONFIG]
    + [f"VM.GuestAgent.{p}" for p in VM_AGENT]
)
DATASTORE = frozenset(
    f"Datastore.{p}" for p in ("Allocate", "AllocateSpace", "AllocateTemplate", "Audit")
)
MAPPING = frozenset({"Mapping.Audit", "Mapping.Modify", "Mapping.Use"})
SDN = frozenset({"SDN.Allocate", "SDN.Audit", "SDN.Use"})
POOL = frozenset({"Pool.Allocate", "Pool.Audit"})
SYS = frozenset({"Sys.Audit", "Sys.Console", "Sys.Syslog"})
ACCESS = frozenset({"Group.Allocate", "Realm.AllocateUser", "User.Modify"})
ROOT = frozenset(
    [
        "Permissions.Modify",
        "Realm.Allocate",
        "Sys.AccessNetwork",
        "Sys.Incoming",
        "Sys.Modify",
        "Sys.PowerMgmt",
        "Mapping.Modify",
    ]
)
PRIVILEGES = VM | DATASTORE | MAPPING | SDN | POOL | SYS | ACCESS | ROOT

ROLES: dict[str, frozenset[str]] = {
    "Administrator": PRIVILEGES,
    "NoAccess": frozenset(),
    "PVEAdmin": PRIVILEGES - ROOT,
    "PVEAuditor": frozenset(
        [
            "Datastore.Audit",
            "Mapping.Audit",
            "Pool.Audit",
            "SDN.Audit",
            "Sys.Audit",
            "VM.Audit",
            "VM.GuestAgent.Audit",
        ]
    ),
    "PVEDatastoreAdmin": DATASTORE,
    "PVEDatastoreUser": frozenset({"Datastore.AllocateSpace", "Datastore.Audit"}),
    "PVEMappingAdmin": MAPPING,
    "PVEMappingUser": frozenset({"Mapping.Audit", "Mapping.Use"}),
    "PVEPoolAdmin": POOL,
    "PVEPoolUser": frozenset({"Pool.Audit"}),
    "PVESDNAdmin": SDN,
    "PVESDNUser": frozenset({"SDN.Audit", "SDN.Use"}),
    "PVESysAdmin": SYS,
    "PVETemplateUser": frozenset({"VM.Audit", "VM.Clone"}),
    "PVEUserAdmin": ACCESS,
    "PVEVMAdmin": VM,
    "PVEVMUser": frozenset(
        [
            "VM.Audit",
            "VM.Backup",
            "VM.Config.CDROM",
            "VM.Config.Cloudinit",
            "VM.Console",
            "VM.GuestAgent.Audit",
            "VM.GuestAgent.FileRead",
            "VM.GuestAgent.FileSystemMgmt",
            "VM.GuestAgent.FileWrite",
            "VM.PowerMgmt",
        ]
    ),
}
