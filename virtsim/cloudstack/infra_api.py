# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cloud is made of: zones, hosts, storage, offerings, templates, operating systems."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .api import LIST, PAGED, Call, command, given, keyword
from .errors import INTERNAL, PARAMETER, ApiError, unmodelled
from .model import Row

RELEASE = "4.22.0.0"
# Everything that is seeded may be used by everybody, is featured and belongs to the system.
_FILTERS = {"all": True, "executable": True, "featured": True} | dict.fromkeys(
    ("community", "self", "selfexecutable", "shared", "sharedexecutable"), False
)
_ENUM = "com.cloud.template.VirtualMachineTemplate.TemplateFilter"


def _simple(name: str, table: str, key: str, filters: str = "", more: str = "") -> None:
    """Register a list over a table whose rows are shown as they are.

    `filters` are parameters that a row must agree with, `more` those that select nothing here.
    """
    command(name, f"id {PAGED} {filters} {more}")(_plain(table, key, filters))


def _plain(table: str, key: str, filters: str) -> Callable[[Call], Row]:
    """Return the answer of such a list."""

    def answer(call: Call) -> Row:
        ids = [call.params["id"]] if call.params.get("id") else call.get("ids")
        rows = [
            row
            for row in call.state.rows(table)
            if given(call, row, *filters.split())
            and keyword(call, row, "name")
            and (not ids or row["id"] in ids)
        ]
        return call.listed(key, rows, _shown)

    return answer


def _shown(call: Call, row: Row) -> Row:
    shown: Row = {name: value for name, value in row.items() if value is not None}
    if "zoneid" in shown:
        shown["zonename"] = call.state.get("zones", shown["zoneid"]).get("name")
    return shown


@command("listZones", f"id ids name networktype available {PAGED}")
def list_zones(call: Call) -> Row:
    """List zones; the seeded one is available to everybody."""
    if call.params.get("available") is False:
        raise unmodelled("available=false of listZones")
    return _zones(call)


_zones = _plain("zones", "zone", "name networktype")
_simple("listPods", "pods", "pod", "name zoneid")
_simple("listClusters", "clusters", "cluster", "name zoneid podid")
_simple(
    "listHosts", "hosts", "host", "name zoneid podid clusterid type state resourcestate hypervisor"
)
_simple("listStoragePools", "pools", "storagepool", "name zoneid podid clusterid scope")
_simple("listServiceOfferings", "service_offerings", "serviceoffering", "name", f"zoneid {LIST}")
_simple("listDiskOfferings", "disk_offerings", "diskoffering", "name", f"zoneid {LIST}")
_simple("listNetworkOfferings", "network_offerings", "networkoffering", "name guestiptype state")
_simple("listOsTypes", "os_types", "ostype", "description", "ids")


@command("listTemplates", f"id ids name templatefilter zoneid hypervisor showunique {LIST}")
def list_templates(call: Call) -> Row:
    """List templates, as far as the filter lets those of the system through."""
    shown = _let_through(call, "templatefilter")
    ids = call.get("ids")
    rows = [
        row
        for row in call.state.rows("templates")
        if shown
        and given(call, row, "id", "name", "zoneid", "hypervisor")
        and keyword(call, row, "name")
        and (not ids or row["id"] in ids)
    ]
    return call.listed("template", rows, _template)


def _let_through(call: Call, name: str) -> bool:
    """Whether a filter shows what belongs to the system; only admins may ask for all."""
    wanted = call.get(name, "selfexecutable")
    if wanted == "all" and call.user["role"] == "User":
        raise ApiError(PARAMETER, "Filter all can be specified by admin only")
    if wanted not in _FILTERS:
        # The server reads it as a constant of an enumeration, and says no more than that.
        raise ApiError(INTERNAL, f"No enum constant {_ENUM}.{wanted}")
    return _FILTERS[wanted]


def _template(call: Call, row: Row) -> Row:
    shown = _shown(call, row)
    shown["ostypename"] = call.state.get("os_types", row["ostypeid"]).get("description")
    shown |= {"status": "Download Complete", "templatetype": "USER", "account": "system"}
    return shown


@command("listIsos", f"id name isofilter zoneid {LIST}")
def list_isos(call: Call) -> Row:
    """List ISO images; none is seeded."""
    _let_through(call, "isofilter")
    return call.listed("iso", (), _shown)


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


@command("listApis", "name")
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
