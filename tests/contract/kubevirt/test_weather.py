# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""KubeVirt on a bad day: outages, odd answers, and the shapes in which it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from plugins.module_utils.engine.errors import InternalError
from plugins.module_utils.engine.resource import Access
from plugins.module_utils.kubevirt.kinds import VM
from plugins.module_utils.kubevirt.platform import PLATFORM
from plugins.module_utils.kubevirt.resources.vm_info import VM_INFO
from plugins.module_utils.kubevirt.resources.vm_power import VM_POWER
from tests.contract.kubevirt.adapter import KubeVirt
from tests.contract.support.child import Result

MACHINES = "/virtualmachines$"
OUTAGE = {"status": 503, "headers": {"Retry-After": "0"}}


def start(cluster: KubeVirt, **options: Any) -> Result:
    return cluster.run(VM_POWER, {"name": "web2", "state": "started", **options})


def test_a_read_is_given_up_after_three_attempts(cluster: KubeVirt) -> None:
    cluster.sim.control.fault("status", path=MACHINES, count=0, **OUTAGE)
    result = cluster.run(VM_INFO, {})
    assert (result.kind, result.error["retryable"]) == ("unavailable", True)
    assert len(cluster.requests()) == 3


def test_a_silent_server_costs_its_time_once(cluster: KubeVirt) -> None:
    """Red when a read is tried again after silence."""
    cluster.sim.control.fault("timeout", path=MACHINES, count=0)
    result = cluster.run(VM_INFO, {"timeout": 1})
    assert (result.kind, result.error["retryable"]) == ("unavailable", True)
    assert len(cluster.requests()) == 1


def test_a_wait_outlasts_an_outage(cluster: KubeVirt) -> None:
    cluster.sim.control.fault("status", path=MACHINES, count=4, **OUTAGE)
    assert start(cluster).object["state"] == "running"


def test_an_outage_longer_than_the_wait_ends_it(cluster: KubeVirt) -> None:
    cluster.sim.control.fault("status", path=MACHINES, count=0, **OUTAGE)
    result = start(cluster, wait_timeout=1)
    assert (result.kind, result.error["http_status"]) == ("unavailable", 503)


def test_a_bookmark_and_an_empty_line_in_a_watch_are_no_news(cluster: KubeVirt) -> None:
    bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "9"}}}
    place = {"name": "web2", "namespace": "default"}
    vm = {"metadata": place, "spec": {}, "status": {"printableStatus": "CrashLoopBackOff"}}
    event = {"type": "MODIFIED", "object": vm}
    body = f"\n{json.dumps(bookmark)}\n\n{json.dumps(event)}\n"
    rule = {"method": "GET", "path": MACHINES, "nth": 2, "status": 200}
    cluster.sim.control.fault("status", **rule, body=body)
    result = start(cluster)
    assert result.kind == "operation_failed", "the event after them is news"
    assert "CrashLoopBackOff" in result.json["msg"]


def test_a_warning_of_the_server_reaches_the_user(cluster: KubeVirt) -> None:
    body = {"items": [], "metadata": {"resourceVersion": "1"}}
    headers = {"Warning": '299 - "v1alpha3 is deprecated", 299 - "and so is \\"it\\""'}
    cluster.sim.control.fault("status", path=MACHINES, status=200, json=body, headers=headers)
    warnings = cluster.run(VM_INFO, {}).warnings
    assert [each.partition(": ")[2] for each in warnings] == [
        "v1alpha3 is deprecated",
        'and so is \\"it\\"',
    ]


def test_what_could_be_read_on_the_way_is_warned_of(cluster: KubeVirt) -> None:
    blind = cluster.run(VM_INFO, {"ca_path": None, "validate_certs": False})
    assert blind.json["objects"]
    assert "validate_certs is false" in blind.warnings[0]
    pinned = {"validate_certs": False, "fingerprint": cluster.sim.fingerprint}
    assert cluster.run(VM_INFO, pinned).warnings == []


def test_a_read_only_client_sends_no_write(cluster: KubeVirt) -> None:
    def nothing(_said: object) -> None: ...

    access = Access(read_only=True, warn=nothing, secret=nothing, record=nothing)
    with PLATFORM.connect(cluster.base, access) as client:
        with pytest.raises(InternalError, match="read-only"):
            client.patch(VM, "default", "web2", {})
        assert client.get(VM, "default", "web2")
    assert [line.partition(" ")[0] for line in cluster.requests()] == ["GET"]


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (500, "virtualmachine.kubevirt.io web2 not found", "not_found"),
        (500, "unable to complete request: stop/start already underway", "conflict"),
        (500, "the sky is falling", "operation_failed"),
        (401, "RBAC: access denied", "permission"),
        (401, "Unauthorized", "auth"),
    ],
)
def test_plain_text_is_understood(cluster: KubeVirt, status: int, text: str, kind: str) -> None:
    headers = {"Content-Type": "text/plain"}
    rule = {"method": "PUT", "path": "/start$", "count": 0}
    cluster.sim.control.fault("status", **rule, status=status, body=text, headers=headers)
    result = start(cluster)
    assert result.kind == kind
    assert text in result.json["msg"]
