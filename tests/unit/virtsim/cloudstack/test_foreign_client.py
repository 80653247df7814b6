# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator as ``cs`` sees it, a client that we did not write."""

from __future__ import annotations

from typing import Any

import pytest
from cs import CloudStackApiException

from tests.unit.virtsim.cloudstack.conftest import Connect


def ids(client: Any) -> dict[str, str]:
    return {
        "zoneid": client.listZones()["zone"][0]["id"],
        "templateid": client.listTemplates(templatefilter="executable", name="debian-12")[
            "template"
        ][0]["id"],
        "serviceofferingid": client.listServiceOfferings(name="small")["serviceoffering"][0]["id"],
        "networkids": client.listNetworks(keyword="lab-net")["network"][0]["id"],
    }


@pytest.mark.parametrize("method", ["get", "post"])
def test_it_lists_with_either_method(connect: Connect, method: str) -> None:
    found = connect(method=method).listVirtualMachines(fetch_list=True, pagesize=3, listall=True)
    assert {row["name"] for row in found} >= {"web1", "web2", "app", "broken", "old"}
    assert "shop1" not in {row["name"] for row in found}


def test_it_deploys_and_destroys(connect: Connect) -> None:
    client = connect()
    made = client.deployVirtualMachine(name="fresh", fetch_result=True, **ids(client))
    assert made["virtualmachine"]["state"] == "Running"
    ident = made["virtualmachine"]["id"]
    stopped = client.stopVirtualMachine(id=ident, fetch_result=True)
    assert stopped["virtualmachine"]["state"] == "Stopped"
    client.destroyVirtualMachine(id=ident, expunge=True, fetch_result=True)
    # An id that was removed lists nothing, one that never existed is refused.
    assert client.listVirtualMachines(id=ident) == {}
    with pytest.raises(CloudStackApiException) as refused:
        client.listVirtualMachines(id="11111111-2222-4333-8444-555555555555")
    assert refused.value.error["errorcode"] == 431


def test_tags_cannot_be_written_twice(connect: Connect) -> None:
    client = connect()
    web1 = client.listVirtualMachines(name="web1")["virtualmachine"][0]
    tag = {"resourceids": web1["id"], "resourcetype": "UserVm", "tags[0].key": "env"}
    with pytest.raises(CloudStackApiException):
        client.createTags(**tag, **{"tags[0].value": "test"}, fetch_result=True)
    client.deleteTags(**tag, **{"tags[0].value": "prod"}, fetch_result=True)
    client.createTags(**tag, **{"tags[0].value": "test"}, fetch_result=True)
    rows = client.listTags(resourceid=web1["id"], listall=True)["tag"]
    assert {row["key"]: row["value"] for row in rows} == {"env": "test", "tier": "web"}


def test_a_user_sees_only_what_is_theirs(connect: Connect) -> None:
    found = connect("user_").listVirtualMachines(listall=True)
    assert [row["account"] for row in found["virtualmachine"]] == ["lab"]
    assert "hostname" not in found["virtualmachine"][0]
    with pytest.raises(CloudStackApiException) as refused:
        connect("user_").listHosts()
    assert refused.value.error["errorcode"] == 401


def test_projects_are_left_out_unless_asked_for(connect: Connect) -> None:
    client = connect()
    found = client.listVirtualMachines(projectid="-1")
    assert [row["name"] for row in found["virtualmachine"]] == ["shop1"]


def test_a_bare_tilde_is_not_what_the_server_signs(connect: Connect) -> None:
    # cs leaves ~ bare, Java does not: a known defect of that client, kept visible here.
    with pytest.raises(CloudStackApiException) as refused:
        connect().listVirtualMachines(keyword="a~b")
    assert refused.value.error["errorcode"] == 401
