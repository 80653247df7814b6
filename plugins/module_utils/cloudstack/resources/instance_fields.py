# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""The options of a CloudStack instance."""

from __future__ import annotations

from ...engine.compare import as_set, as_text, subset
from ...engine.field import Field
from ...engine.resource import Raise, Risk
from ...machine import MACHINE
from ..named import same_object
from ..scope import FIELDS as SCOPE

RISK = Risk(
    "write",
    (
        Raise("state", "destructive", ("absent",)),
        Raise("state", "disruptive", ("stopped",)),
        Raise("restart", "disruptive", ("if_needed",)),
        Raise("exact", "destructive", (True,)),
        Raise("force", "destructive", (True,)),
        Raise("expunge", "destructive", (True,)),
    ),
)
ID = Field(
    "id",
    role="option",
    pattern=r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    doc="Id of the instance.",
)
RETURNED = (
    Field("id", doc="Id of the instance."),
    Field("project", doc="Project that it belongs to, if it does."),
    Field("account", doc="Account that it belongs to, if to no project."),
    Field("domain", doc="Path of the domain."),
    Field("zone", doc="Zone that it is in."),
    Field("display_name", doc="Name that is shown to people."),
    Field("service_offering", doc="Offering that sizes it."),
    Field("template", doc="Template that it was made of."),
    *MACHINE,
)
_NIC = (
    Field("network", doc="Name or id of the network."),
    Field(
        "ip_address",
        role="create_only",
        doc="Address to take in the network; one is chosen unless given.",
    ),
)
FIELDS = (
    ID,
    Field(
        "name",
        pattern=r"[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?",
        restart=True,
        doc="Host name: a letter, then letters, digits and hyphens, at most 63. With O(id) a "
        "different one renames the instance.",
    ),
    *SCOPE,
    Field(
        "template",
        role="create_only",
        doc="Name or id of the template to make the root disk of.",
    ),
    Field(
        "service_offering",
        compare=same_object,
        offline=True,
        doc="Name or id of the offering that sizes the instance.",
        samples=("small", "medium"),
    ),
    Field(
        "cpus",
        int,
        min=1,
        offline=True,
        doc="Virtual processors, with an offering that leaves them open.",
    ),
    Field(
        "memory_mib",
        int,
        min=32,
        unit="MiB",
        offline=True,
        doc="Memory, with an offering that leaves it open.",
    ),
    Field(
        "root_disk_gib",
        int,
        min=1,
        unit="GiB",
        doc="Size of the root disk; that of the template unless given. It only grows.",
        samples=(10, 12),
    ),
    Field(
        "disk_offering",
        role="create_only",
        doc="Name or id of the offering of a data disk to create with the instance.",
    ),
    Field(
        "disk_gib",
        int,
        role="create_only",
        min=1,
        unit="GiB",
        doc="Size of that disk, with an offering that leaves it open.",
    ),
    Field(
        "nics",
        list,
        elements=dict,
        key="network",
        fields=_NIC,
        doc="Networks that the instance is in. The first is its default network when it is "
        "created. Needed in a zone with advanced networking.",
    ),
    Field(
        "display_name",
        compare=as_text,
        doc="Name that is shown to people; the host name unless given.",
        samples=("Web server", "Web server 2"),
    ),
    Field("group", doc="Instance group.", compare=as_text, samples=("web", "front")),
    Field(
        "user_data",
        secret=True,
        restart=True,
        compare=as_text,
        doc="Text for cloud-init, not encoded. It may hold secrets, and is never shown.",
        samples=("#cloud-config\npackages: [htop]\n", "#cloud-config\npackages: [mc]\n"),
    ),
    Field(
        "ssh_keys",
        list,
        elements=str,
        role="create_only",
        doc="Names of registered SSH key pairs to put into the instance.",
    ),
    Field(
        "affinity_groups",
        list,
        elements=str,
        compare=as_set,
        offline=True,
        doc="Names of the affinity groups that it is in.",
    ),
    Field(
        "tags",
        dict,
        compare=subset,
        doc="Resource tags.",
        samples=({"env": "lab"}, {"env": "test", "tier": "web"}),
    ),
    Field(
        "ha_enabled",
        bool,
        absent_as=False,
        doc="Start it elsewhere when its host fails.",
        samples=(False, True),
    ),
    Field(
        "dynamic_scaling",
        bool,
        absent_as=False,
        doc="Whether its size may change while it runs, where the offering and the guest allow.",
        samples=(False, True),
    ),
    Field(
        "delete_protection",
        bool,
        absent_as=False,
        doc="Refuse to delete it; from CloudStack 4.20 on.",
    ),
    Field(
        "host", role="create_only", doc="Name or id of the host to start on; for the root admin."
    ),
    Field(
        "force",
        bool,
        default=False,
        role="option",
        doc="Switch off instead of asking the guest to shut down, also to delete it while it runs. "
        "Unsaved work in it is lost.",
    ),
    Field(
        "expunge",
        bool,
        default=False,
        role="option",
        doc="With O(state=absent), also remove what is kept for recovery (a day unless the "
        "operator changed that).",
    ),
)
