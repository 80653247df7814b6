# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cloud is made of: zones, hosts, storage, offerings, templates, operating systems."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .api import Call, command, given, keyword
from .model import Row

RELEASE = "4.22.0.0"


def _simple(
    table: str, key: str, *filters: str, hidden: tuple[str, ...] = ()
) -> Callable[[Call], Row]:
    """Return a list command over a table whose rows are shown as they are."""

    def answer(call: Call) -> Row:
        ids = [call.params["id"]] if call.params.get("id") else call.get("ids")
        rows = [
            row
            for row in call.state.rows(table)
            if given(call, row, "name", *filters)
            and keyword(call, row, "name")
            and (not ids or row["id"] in ids)
        ]
        return call.listed(key, rows, lambda _call, row: _shown(call, row, hidden))

    return answer


def _shown(call: Call, row: Row, hidden: tuple[str, ...]) -> Row:
    shown: Row = {
        name: value for name, value in row.items() if name not in hidden and value is not None
    }
    if "zoneid" in shown:
        shown["zonename"] = call.state.get("zones", shown["zoneid"]).get("name")
    return shown


command("listZones")(_simple("zones", "zone", "networktype"))
command("listPods")(_simple("pods", "pod", "zoneid"))
command("listClusters")(_simple("clusters", "cluster", "zoneid", "podid"))
command("listHosts")(_simple("hosts", "host", "zoneid", "podid", "clusterid", "type", "state"))
command("listStoragePools")(_simple("pools", "storagepool", "zoneid", "podid", "clusterid"))
command("listServiceOfferings")(_simple("service_offerings", "serviceoffering"))
command("listDiskOfferings")(_simple("disk_offerings", "diskoffering"))
command("listNetworkOfferings")(
    _simple("network_offerings", "networkoffering", "guestiptype", "state")
)
command("listOsTypes")(_simple("os_types", "ostype", "description"))


@command("listTemplates")
def list_templates(call: Call) -> Row:
    """List templates; every seeded one is public."""
    rows = [
        row
        for row in call.state.rows("templates")
        if given(call, row, "id", "name", "zoneid", "hypervisor") and keyword(call, row, "name")
    ]
    return call.listed("template", rows, lambda _call, row: _template(call, row))


def _template(call: Call, row: Row) -> Row:
    shown = _shown(call, row, ())
    shown["ostypename"] = call.state.get("os_types", row["ostypeid"]).get("description")
    shown |= {"status": "Download Complete", "templatetype": "USER", "account": "system"}
    return shown


@command("listIsos")
def list_isos(call: Call) -> Row:
    """List ISO images; none is seeded."""
    return call.listed("iso", (), lambda _call, row: row)


@command("listCapabilities")
def capabilities(call: Call) -> Row:
    """Tell the release and what users may do."""
    return {
        "capability": {
            "cloudstackversion": RELEASE,
            "securitygroupsenabled": False,
            "dynamicrolesenabled": True,
            "userpublictemplateenabled": True,
            "projectinviterequired": False,
            "allowusercreateprojects": True,
            "apilimitinterval": 0,
            "apilimitmax": 0,
            "defaultuipagesize": 20,
            "allowuserexpungerecovervm": False,
            "dynamicscalingenabled": True,
        }
    }


@command("listApis")
def list_apis(call: Call) -> Row:
    """List the commands that the caller's role may call, with their parameters."""
    wanted = str(call.get("name", "")).lower()
    commands = [
        each
        for each in call.sim.catalog.commands.values()
        if each.allowed(call.user["role"]) and (not wanted or each.name.lower() == wanted)
    ]
    rows: list[Row] = [_api(each.facts) for each in commands]
    return {"count": len(rows), "api": rows} if rows else {}


def _api(facts: Any) -> Row:
    return {
        "name": facts["name"],
        "isasync": facts["async"],
        "since": facts.get("since"),
        "params": [
            {"name": each["name"], "type": each["type"], "required": bool(each.get("required"))}
            for each in facts["params"]
        ],
    }
