# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""A CloudStack instance: how it is found, created, changed and deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...engine.errors import AlreadyExists, NotFound, ValidationFailed
from ...engine.plan import Plan
from ...engine.resource import Resource, Wait
from .. import machines, named
from ..client import Client
from ..deployment import Deployment, decoded, details, encoded
from ..jobs import Jobs
from ..platform import PLATFORM
from ..scope import Scope
from ..wire import Pairs
from . import instance_fields
from .instance_power import INSTANCE_POWER, InstancePower

_UPDATED: Mapping[str, str] = {
    "name": "name",
    "display_name": "displayname",
    "group": "group",
    "ha_enabled": "haenable",
    "dynamic_scaling": "isdynamicallyscalable",
    "delete_protection": "deleteprotection",
}
_SIZE = ("service_offering", "cpus", "memory_mib")
_TAGGED = "UserVm"


class Instance:
    """Finds, creates, changes and deletes one instance."""

    def __init__(self, client: Client, desired: Mapping[str, Any], wait: Wait) -> None:
        self._client, self._desired, self._wait = client, desired, wait
        self._scope = Scope(client, desired)
        self._jobs = Jobs(client, wait)
        self._deployment = Deployment(client, self._scope)

    def find(self) -> Sequence[Mapping[str, Any]]:
        """Return what id or name identifies, with its volumes where they are asked for."""
        absent = self._desired.get("state") == "absent"
        more = {"userdata": True} if self._desired.get("user_data") else {}
        rows = machines.found_rows(self._client, self._scope, self._desired, **more)
        # A destroyed instance is gone, unless what is kept of it is to be removed as well.
        if not (absent and self._desired.get("expunge")):
            rows = machines.present(rows)
        found = [self._actual(row) for row in rows]
        for actual in found if len(found) == 1 else ():
            if absent:
                self._refuse_running(actual)
            else:
                machines.refuse_error(actual["_row"])
                self._refuse_shrinking(actual)
        return found

    def _actual(self, row: Mapping[str, Any]) -> dict[str, Any]:
        asked = {str(nic.get("network")) for nic in self._desired.get("nics") or ()}
        tags = {tag["key"]: tag.get("value") for tag in row.get("tags") or ()}
        actual: dict[str, Any] = {
            "name": row.get("name"),
            "state": machines.state_of(row),
            "service_offering": named.Named(
                row.get("serviceofferingname"), row.get("serviceofferingid")
            ),
            "cpus": row.get("cpunumber"),
            "memory_mib": row.get("memory"),
            "display_name": row.get("displayname"),
            "group": row.get("group"),
            "affinity_groups": [each["name"] for each in row.get("affinitygroup") or ()],
            "tags": {key: _as_given(self._desired, key, value) for key, value in tags.items()},
            "nics": [_nic(nic, asked) for nic in row.get("nic") or ()],
            "ha_enabled": row.get("haenable"),
            "dynamic_scaling": row.get("isdynamicallyscalable"),
            "delete_protection": row.get("deleteprotection"),
            "_row": row,
            "_label": machines.label(row),
            "_online": _SIZE if row.get("isdynamicallyscalable") else (),
        }
        if self._desired.get("user_data"):
            actual["user_data"] = decoded(row.get("userdata"))
        if self._desired.get("root_disk_gib") is not None:
            actual["_root"] = self._root(row)
            actual["root_disk_gib"] = machines.gib(actual["_root"].get("size"))
        return actual

    def _root(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        volumes = self._client.rows(
            "listVolumes", virtualmachineid=row["id"], type="ROOT", listall=True
        )
        if not volumes:
            raise NotFound(
                f"{machines.label(row)} has no root disk that can be seen with these keys, so that "
                "root_disk_gib cannot be compared. Nothing was changed.",
                fields={"root_disk_gib": "no root disk can be seen"},
            )
        return volumes[0]

    def _refuse_running(self, actual: Mapping[str, Any]) -> None:
        stopped = actual["state"] in {"stopped", "error"}
        if not stopped and not self._desired.get("force"):
            raise ValidationFailed(
                f"{actual['_label']} is {actual['state']}, and only a stopped instance is deleted. "
                "Stop it first, or give force: true to switch it off and delete it.",
                fields={"force": "needed to delete an instance that is not stopped"},
            )

    def _refuse_shrinking(self, actual: Mapping[str, Any]) -> None:
        wanted, size = self._desired.get("root_disk_gib"), actual.get("root_disk_gib")
        if wanted is not None and size is not None and wanted < size:
            raise ValidationFailed(
                f"{actual['_label']}: root_disk_gib is {size} and cannot shrink to {wanted}. "
                "Nothing was changed.",
                fields={"root_disk_gib": f"is {size}; a disk cannot shrink"},
            )

    def create(self, plan: Plan) -> None:
        """Deploy it; stopped, unless it is to be started."""
        parameters = self._deployment.parameters(plan.after)
        try:
            made = self._jobs.run(
                "deployVirtualMachine", startvm=plan.power == "running", **parameters
            )
        except AlreadyExists as taken:
            raise self._explained(taken) from None
        if made.get("password"):
            self._client.secret(str(made["password"]))
        self._complete(made, plan.after)

    def _explained(self, taken: AlreadyExists) -> AlreadyExists:
        """Say so when the name is held by an instance that was deleted, and is only kept."""
        rows = machines.found_rows(self._client, self._scope, self._desired)
        kept = [machines.label(row) for row in rows if row.get("state") in machines.GONE]
        if not kept:
            return taken
        return AlreadyExists(
            f"{taken.message} It is {kept[0]}, destroyed and kept for recovery. Remove "
            "it with state: absent and expunge: true, or wait until the cloud does.",
            http_status=taken.http_status,
            request=taken.request,
        )

    def _complete(self, made: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Write what the deployment does not take."""
        rest = {name: after[name] for name in ("ha_enabled", "delete_protection") if name in after}
        if rest:
            self._client.write(
                "updateVirtualMachine",
                id=made["id"],
                **{_UPDATED[name]: value for name, value in rest.items()},
            )
        if after.get("tags"):
            self._tag(made["id"], after["tags"])

    def update(self, actual: Mapping[str, Any], plan: Plan) -> None:
        """Write what differs: settings at once, sizes, networks and tags by their own calls."""
        row, after = actual["_row"], plan.after
        settings = {api: after[name] for name, api in _UPDATED.items() if name in after}
        if "user_data" in after:
            settings["userdata"] = encoded(after["user_data"])
        if settings:
            self._client.write("updateVirtualMachine", id=row["id"], **settings)
        if any(name in after for name in _SIZE):
            self._scale(row, after)
        if "root_disk_gib" in after:
            self._jobs.run("resizeVolume", id=actual["_root"]["id"], size=after["root_disk_gib"])
        if "affinity_groups" in after:
            names = after["affinity_groups"]
            self._jobs.run("updateVMAffinityGroup", id=row["id"], affinitygroupnames=names)
        if "nics" in after:
            self._connect(row, actual, after["nics"])
        if "tags" in after:
            self._retag(row["id"], actual["tags"], after["tags"])

    def _scale(self, row: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        offering = row["serviceofferingid"]
        if "service_offering" in after:
            offering = self._deployment.offering(after["service_offering"])
        self._jobs.run(
            "scaleVirtualMachine",
            id=row["id"],
            serviceofferingid=offering,
            details=details({**_kept(row), **after} if details(after) else after),
        )

    def _connect(
        self, row: Mapping[str, Any], actual: Mapping[str, Any], nics: Sequence[Mapping[str, Any]]
    ) -> None:
        wanted = {nic["network"]: nic for nic in nics}
        present = {nic["network"]: nic for nic in actual["nics"]}
        for network, nic in wanted.items():
            if network not in present:
                found = self._deployment.network(nic, row["zoneid"])
                self._jobs.run(
                    "addNicToVirtualMachine",
                    virtualmachineid=row["id"],
                    networkid=found["networkid"],
                    ipaddress=found["ip"],
                )
        for network, nic in present.items():
            if network not in wanted:
                self._jobs.run(
                    "removeNicFromVirtualMachine", virtualmachineid=row["id"], nicid=nic["_id"]
                )

    def _retag(self, ident: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        # createTags on a key that is there fails, so a changed one is deleted first.
        gone = {key: value for key, value in old.items() if new.get(key) != value}
        if gone:
            self._jobs.run(
                "deleteTags", resourceids=[ident], resourcetype=_TAGGED, tags=Pairs(gone)
            )
        fresh = {key: value for key, value in new.items() if old.get(key) != value}
        if fresh:
            self._tag(ident, fresh)

    def _tag(self, ident: str, tags: Mapping[str, Any]) -> None:
        self._jobs.run("createTags", resourceids=[ident], resourcetype=_TAGGED, tags=Pairs(tags))

    def delete(self, actual: Mapping[str, Any]) -> None:
        """Destroy it; its root disk goes with it, data disks are detached and stay."""
        row, expunge = actual["_row"], bool(self._desired.get("expunge"))
        if row.get("state") in machines.GONE:
            self._jobs.run("expungeVirtualMachine", id=row["id"])
            return
        self._jobs.run("destroyVirtualMachine", id=row["id"], expunge=expunge or None)

    def power(self, actual: Mapping[str, Any], state: str) -> None:
        """Start it, or shut it down (switch it off with force)."""
        name = "started" if state == "running" else "stopped"
        power = InstancePower(self._client, self._desired, self._wait, self._jobs)
        power.perform(actual["_row"] | {"state": actual["state"]}, INSTANCE_POWER.transition(name))

    def settle(self, actual: Mapping[str, Any] | None) -> bool | None:
        """Wait for the job that a lost call may have started."""
        del actual
        return self._jobs.settle()

    def report(self, actual: Mapping[str, Any]) -> dict[str, Any]:
        """Return the normalised object."""
        root = actual.get("_root")
        return machines.normalised(actual["_row"], [root] if root else [])


def _nic(nic: Mapping[str, Any], asked: set[str]) -> dict[str, Any]:
    """Return a card as the task would write it: by the id of its network if it does so."""
    ident, name = str(nic.get("networkid")), nic.get("networkname")
    network = ident if ident in asked or not name else name
    return {"network": network, "ip_address": nic.get("ipaddress"), "_id": nic.get("id")}


def _as_given(desired: Mapping[str, Any], key: str, value: Any) -> Any:
    """Return a tag's text as the number or truth that the task has for it, if it says the same."""
    given = (desired.get("tags") or {}).get(key)
    return given if given is not None and str(given) == str(value) else value


def _kept(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the present size: a custom offering wants all of it again."""
    return {"cpus": row.get("cpunumber"), "memory_mib": row.get("memory")}


INSTANCE = Resource(
    name="cloudstack_instance",
    summary="Create, change and delete CloudStack instances",
    description=(
        "Deploys an instance, changes what differs from what is given, or destroys it. Only what "
        "the task names is compared and written.",
        "What CloudStack changes only on a stopped instance needs O(restart=if_needed) while it "
        "runs, and is refused before anything is changed otherwise.",
        "A destroyed instance counts as absent, though it can be recovered until it is expunged.",
    ),
    platform=PLATFORM,
    operations=Instance,
    identity=("id", "name"),
    states=("present", "absent", "started", "stopped"),
    request_budget=3,
    wait_timeout=900,
    risk=instance_fields.RISK,
    fields=instance_fields.FIELDS,
    returns=instance_fields.RETURNED,
)
