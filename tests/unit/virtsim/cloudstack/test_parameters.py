# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request may say: which parameters are heeded, refused or ignored, and what lists show."""

from __future__ import annotations

from typing import Any

import pytest

import virtsim
from tests.unit.virtsim.cloudstack.conftest import (
    ask,
    deployment,
    done,
    failure,
    ident,
    job,
    machine,
    refusal,
    rows,
)
from virtsim.cloudstack import catalog
from virtsim.cloudstack.api import MODELLED

NEVER = "11111111-2222-4333-8444-555555555555"


def names(found: list[dict[str, Any]]) -> list[str]:
    return [row["name"] for row in found]


def test_what_a_model_heeds_is_a_parameter_of_its_command() -> None:
    known = catalog.load()
    for name, model in MODELLED.items():
        command = known.find(name)
        assert command is not None, name
        assert not model.heeds - set(command.params), name


@pytest.mark.parametrize(
    "params",
    [
        {"command": "listServiceOfferings", "issystem": "true"},
        {"command": "listZones", "available": "false"},
        {"command": "listAsyncJobs", "startdate": "2026-01-31"},
        {"command": "createTags", "resourceids": NEVER, "resourcetype": "Host", "tags[0].key": "a"},
    ],
)
def test_what_is_not_modelled_is_refused_and_not_passed_over(
    sim: virtsim.SimServer, params: dict[str, Any]
) -> None:
    status, text = refusal(sim, **params)
    assert status == 432
    assert "not modelled by virtsim" in text


@pytest.mark.parametrize("said", ["", "xml"])
def test_only_json_is_answered(sim: virtsim.SimServer, said: str) -> None:
    assert refusal(sim, command="listZones", response=said)[0] == 432


def test_an_empty_parameter_asks_for_nothing(sim: virtsim.SimServer) -> None:
    assert names(rows(sim, "listZones", storageaccessgroup="", available="true")) == ["zone1"]


@pytest.mark.parametrize("key", ["tags[0]", "tags[a].key", "nosuch[0", "a[0].b[1]", "a.b[0].c"])
def test_a_malformed_index_is_refused_even_of_an_unknown_name(
    sim: virtsim.SimServer, key: str
) -> None:
    status, text = refusal(sim, command="listZones", **{key: "x"})
    assert (status, f"Unable to decode parameter {key};" in text) == (430, True)


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"command": "listAsyncJobs", "startdate": "31.1.2026"}, "Unable to parse date 31.1.2026"),
        ({"command": "quotaTariffUpdate", "name": "x", "value": "many"}, "many"),
        ({"command": "listVirtualMachines", "details": "min,all,some"}, "non permitted value"),
    ],
)
def test_a_value_of_the_wrong_kind_is_a_bad_parameter(
    sim: virtsim.SimServer, params: dict[str, Any], says: str
) -> None:
    status, text = refusal(sim, **params)
    assert (status, says in text) == (431, True)


def test_an_id_that_never_was_is_refused_in_a_list_of_ids(sim: virtsim.SimServer) -> None:
    status, text = refusal(sim, **deployment(sim, securitygroupids=NEVER))
    assert (status, "securitygroupids" in text) == (431, True)


def test_a_date_has_three_forms(sim: virtsim.SimServer) -> None:
    for text in ("2026-01-31", "2026-01-31 10:00:00", "2026-01-31T10:00:00+0100"):
        # Past the check of its kind, the parameter is one that is not modelled.
        assert refusal(sim, command="listAsyncJobs", startdate=text)[0] == 432


def test_a_parameter_for_admins_is_unknown_to_a_user(sim: virtsim.SimServer) -> None:
    host = ident(sim, "listHosts", "node3")
    assert names(rows(sim, "listVirtualMachines", hostid=host, projectid=-1)) == ["shop1"]
    _status, found = ask(sim, user="user_", command="listVirtualMachines", hostid=host)
    assert names(found["virtualmachine"]) == ["app"]


def test_a_command_that_its_annotation_allows_needs_no_rule(sim: virtsim.SimServer) -> None:
    status, text = refusal(sim, user="user_", command="destroyVolume", id=NEVER)
    assert (status, "entity does not exist" in text) == (431, True)
    status, text = refusal(sim, user="user_", command="listHosts")
    assert (status, "not available from ip address" in text) == (401, True)


@pytest.mark.parametrize(
    ("page", "size", "shown"),
    [(0, 3, 3), (-2, 3, 3), (2, 5, 3), (3, 5, 0), (None, -1, 8), (None, None, 4)],
)
def test_pages(sim: virtsim.SimServer, page: int | None, size: int | None, shown: int) -> None:
    sim.simulator.page_limit = 4 if size is None else 500  # type: ignore[attr-defined]
    given = {"page": page, "pagesize": size}
    params: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    try:
        _status, body = ask(sim, command="listVirtualMachines", listall="true", **params)
    finally:
        sim.simulator.page_limit = 500  # type: ignore[attr-defined]
    assert (body["count"], len(body.get("virtualmachine", ()))) == (8, shown)


@pytest.mark.parametrize(
    ("command", "number"), [("listVirtualMachines", 7), ("listNetworks", 2), ("listVolumes", 7)]
)
def test_a_count_may_be_all_that_is_asked_for(
    sim: virtsim.SimServer, command: str, number: int
) -> None:
    only = {"command": command, "retrieveonlyresourcecount": "true"}
    assert ask(sim, **only) == (200, {"count": number})
    assert ask(sim, **only, keyword="nosuch") == (200, {})


@pytest.mark.parametrize(
    ("wanted", "shown"), [("featured", 2), ("executable", 2), ("self", 0), ("community", 0)]
)
def test_a_template_filter_is_heeded(sim: virtsim.SimServer, wanted: str, shown: int) -> None:
    assert len(rows(sim, "listTemplates", templatefilter=wanted)) == shown


def test_a_template_filter_that_cannot_be(sim: virtsim.SimServer) -> None:
    assert refusal(sim, command="listTemplates", templatefilter="mine")[0] == 530
    status, text = refusal(sim, user="user_", command="listTemplates", templatefilter="all")
    assert (status, text) == (431, "Filter all can be specified by admin only")
    assert refusal(sim, command="listIsos", isofilter="mine")[0] == 530
    assert rows(sim, "listIsos", isofilter="all") == []


def test_several_ids_select_templates_and_snapshots(sim: virtsim.SimServer) -> None:
    first = rows(sim, "listTemplates", templatefilter="all")[0]
    shown = rows(sim, "listTemplates", templatefilter="all", ids=first["id"])
    assert names(shown) == [first["name"]]
    take = {"command": "createVMSnapshot", "virtualmachineid": machine(sim, "web2")}
    made = [done(sim, **take, name=name)["id"] for name in ("one", "two")]
    found = rows(sim, "listVMSnapshot", vmsnapshotids=made[1])
    assert [row["displayname"] for row in found] == ["two"]


@pytest.mark.parametrize(
    ("command", "params", "found"),
    [
        ("listNetworks", {"name": "lab-net"}, ["lab-net"]),
        ("listNetworks", {"name": "lab"}, []),
        ("listAccounts", {"keyword": "adm", "listall": "true"}, ["admin"]),
        ("listAccounts", {}, ["admin"]),
        ("listSSHKeyPairs", {"keyword": "op"}, ["ops"]),
        ("listSSHKeyPairs", {"keyword": "other"}, []),
        ("listOsTypes", {"keyword": "ubuntu"}, ["Ubuntu 24.04"]),
        ("listHosts", {"resourcestate": "Maintenance"}, []),
        ("listVirtualMachines", {"hypervisor": "VMware"}, []),
        ("listVirtualMachines", {"keypair": "ops"}, []),
        ("listVolumes", {"diskofferingid": NEVER}, None),
    ],
)
def test_filters(
    sim: virtsim.SimServer, command: str, params: dict[str, Any], found: list[str] | None
) -> None:
    if found is None:
        assert refusal(sim, command=command, **params)[0] == 431
    else:
        assert names(rows(sim, command, **params)) == found


def test_users_are_listed_by_account_domain_and_keyword(sim: virtsim.SimServer) -> None:
    def users(**params: Any) -> list[str]:
        return [row["username"] for row in rows(sim, "listUsers", **params)]

    lab = ident(sim, "listDomains", "lab")
    assert users() == ["admin"]
    assert users(listall="true") == ["admin", "lab", "gone"]
    assert users(account="lab", domainid=lab) == ["lab", "gone"]
    assert users(listall="true", domainid=lab, keyword="gon") == ["gone"]


def test_affinity_groups_and_cards_of_one_instance(sim: virtsim.SimServer) -> None:
    made = done(sim, **deployment(sim, affinitygroupnames="spread"))
    groups = {"command": "listAffinityGroups"}
    assert names(rows(sim, **groups, virtualmachineid=made["id"])) == ["spread"]
    assert rows(sim, **groups, virtualmachineid=machine(sim, "web1")) == []
    group = made["affinitygroup"][0]["id"]
    assert names(rows(sim, "listVirtualMachines", affinitygroupid=group)) == ["fresh"]
    cards = {"command": "listNics", "virtualmachineid": made["id"]}
    lab, back = (ident(sim, "listNetworks", name) for name in ("lab-net", "back-net"))
    assert (len(rows(sim, **cards, networkid=lab)), rows(sim, **cards, networkid=back)) == (1, [])


def test_users_do_not_learn_why_the_cloud_failed(sim: virtsim.SimServer) -> None:
    hidden = "Internal error executing command, please contact your system administrator"
    unknown = {"command": "listTemplates", "templatefilter": "mine"}
    assert refusal(sim, user="user_", **unknown) == (530, hidden)
    assert refusal(sim, **unknown)[1] != hidden
    start = {"command": "startVirtualMachine", "id": machine_of_user(sim)}
    sim.control.fault("capacity")
    assert job(sim, user="user_", **start)["jobresult"]["errortext"] == hidden
    sim.control.fault("capacity")
    assert failure(sim, **start) == (533, "Unable to create a deployment for VM instance")


def machine_of_user(sim: virtsim.SimServer) -> str:
    _status, found = ask(sim, user="user_", command="listVirtualMachines")
    return str(found["virtualmachine"][0]["id"])
