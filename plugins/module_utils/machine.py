# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""The VM object that every platform returns, as fields: for ``returns`` of a declaration."""

from __future__ import annotations

from .engine.field import Field

STATES = (
    "running",
    "stopped",
    "starting",
    "stopping",
    "paused",
    "migrating",
    "provisioning",
    "error",
    "unknown",
)
_DISK = (
    Field("name", doc="Slot or name of the disk."),
    Field("size_gib", float, doc="Size in GiB."),
    Field("storage", doc="Where it is stored."),
    Field("boot", bool, doc="Whether the machine boots from it."),
)
_NIC = (
    Field("name", doc="Slot or name of the card."),
    Field("mac", doc="Hardware address."),
    Field("network", doc="Bridge or network it is connected to."),
    Field("addresses", list, elements=str, doc="Addresses, where the platform knows them."),
)
MACHINE = (
    Field("platform", doc="Platform it lives on."),
    Field("name", doc="Its name; not unique on every platform."),
    Field("state", choices=STATES, doc="Its power state.", samples=("running",)),
    Field("cpus", int, doc="Virtual processors in total."),
    Field("memory_mib", int, doc="Memory in MiB."),
    Field("disks", list, elements=dict, doc="Its disks, where asked for.", fields=_DISK),
    Field("nics", list, elements=dict, doc="Its network cards, where asked for.", fields=_NIC),
    Field("host", doc="Node that runs it or would run it."),
    Field("tags", list, elements=str, doc="Its tags or labels."),
    Field("os", doc="Operating system as the platform names it."),
)
"""What a platform module returns; the platform's own id comes before these."""

FLEET_MACHINE = (
    Field("ref", doc="Names this machine for good."),
    Field("target", doc="Target it lives on."),
    *MACHINE,
    Field("raw", dict, doc="What only this platform knows, on request."),
)
"""What a facade module returns."""
