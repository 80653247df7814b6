# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""One account that acts as others: what each of them may do decides, and who it may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from .conftest import KubeVirt

from .test_login import VM_INFO, VM_POWER

START = {"name": "app", "namespace": "apps", "state": "started"}


def _as(cluster: KubeVirt, name: str) -> dict[str, str]:
    return {"api_token": cluster.sim.credentials["bridge_token"], "impersonate_user": name}


def test_it_acts_as_whom_it_may_be(cluster: KubeVirt) -> None:
    """Red when the client leaves the header out of its writes."""
    ann, ben = _as(cluster, "ann"), _as(cluster, "ben")
    assert cluster.run(VM_INFO, {**ann, "namespace": "apps"}).json["total"] == 1
    assert cluster.run(VM_INFO, ann).kind == "permission"
    assert cluster.run(VM_INFO, ben).json["total"] == 7
    assert cluster.run(VM_POWER, {**START, **ben}).kind == "permission"
    assert cluster.run(VM_POWER, {**START, **ann}).changed
    applied = [row for row in cluster.sim.control.writes() if row["applied"]]
    assert {row["user"] for row in applied} == {"ann"}


def test_it_is_nobody_else_and_nothing_by_itself(cluster: KubeVirt) -> None:
    for name in ("eve", "system:admin", "Ann"):
        result = cluster.run(VM_INFO, _as(cluster, name))
        assert result.kind == "permission"
        assert f'users "{name}" is forbidden' in result.json["msg"]
    alone = {"api_token": cluster.sim.credentials["bridge_token"]}
    assert cluster.run(VM_INFO, alone).kind == "permission"
    others = {"api_token": cluster.sim.credentials["reader_token"], "impersonate_user": "ann"}
    assert cluster.run(VM_INFO, others).kind == "permission"


def test_who_may_do_everything_may_be_anybody(cluster: KubeVirt) -> None:
    assert cluster.run(VM_INFO, {"impersonate_user": "ben"}).json["total"] == 7
    assert cluster.run(VM_INFO, {"impersonate_user": "eve"}).kind == "permission"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Impersonate-User": "ben"}, 200),
        ({"Impersonate-User": "eve"}, 403),
        ({"Impersonate-User": "eve", "Impersonate-Group": "system:masters"}, 200),
        ({"Impersonate-User": "eve", "Impersonate-Group": "virtsim:unknown"}, 403),
        ({"Impersonate-User": "ben", "Impersonate-Uid": "1"}, 403),
        ({"Impersonate-Group": "system:masters"}, 500),
    ],
)
def test_the_simulator_takes_groups_beside_a_user(
    cluster: KubeVirt, headers: dict[str, str], status: int
) -> None:
    login = {"Authorization": f"Bearer {cluster.sim.credentials['token']}"}
    url = f"{cluster.sim.url}/api/v1/nodes"
    answer = requests.get(url, headers=login | headers, verify=str(cluster.sim.ca_file), timeout=10)
    assert answer.status_code == status


def _in(cluster: KubeVirt, *groups: str) -> dict[str, Any]:
    return {**_as(cluster, "cat"), "impersonate_groups": list(groups)}


def test_each_group_adds_what_it_may(cluster: KubeVirt) -> None:
    """Red when one group of several is sent, or none."""
    readers, apps = _in(cluster, "virtsim:readers"), _in(cluster, "virtsim:apps")
    assert cluster.run(VM_INFO, _as(cluster, "cat")).kind == "permission"
    assert cluster.run(VM_INFO, readers).json["total"] == 7
    assert cluster.run(VM_POWER, {**START, **readers}).kind == "permission"
    assert cluster.run(VM_INFO, apps).kind == "permission"
    for both in (("virtsim:readers", "virtsim:apps"), ("virtsim:apps", "virtsim:readers")):
        assert cluster.run(VM_INFO, _in(cluster, *both)).json["total"] == 7
    assert cluster.run(VM_POWER, {**START, **_in(cluster, *both)}).changed
    applied = [row for row in cluster.sim.control.writes() if row["applied"]]
    assert {row["user"] for row in applied} == {"cat"}


def test_a_group_that_it_may_not_be_in_is_refused_whatever_else_is_asked(
    cluster: KubeVirt,
) -> None:
    for groups in (("system:masters",), ("virtsim:readers", "system:masters")):
        result = cluster.run(VM_INFO, _in(cluster, *groups))
        assert result.kind == "permission"
        assert 'groups "system:masters" is forbidden' in result.json["msg"]


def test_groups_need_a_user_and_one_line_each(cluster: KubeVirt) -> None:
    """Red when a group can add a header of its own, or is sent without a user."""
    alone = cluster.run(VM_INFO, {"impersonate_groups": ["virtsim:readers"]})
    assert alone.kind == "validation" and "needs impersonate_user" in alone.json["msg"]
    for name in ("a\r\nX: y", "", " a"):
        assert cluster.run(VM_INFO, _in(cluster, name)).kind == "validation", name
    assert cluster.requests() == []


def test_a_name_that_no_header_can_carry_is_refused(cluster: KubeVirt) -> None:
    assert cluster.run(VM_INFO, {"impersonate_user": "a\r\nX: y"}).kind == "validation"
    assert cluster.requests() == []
