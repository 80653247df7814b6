# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudStack on a bad day: trust, throttling, lost answers, jobs that never end."""

from __future__ import annotations

from typing import Any

import pytest

import virtsim
from plugins.module_utils.cloudstack.resources.instance import INSTANCE
from plugins.module_utils.cloudstack.resources.instance_info import INSTANCE_INFO
from plugins.module_utils.cloudstack.resources.instance_power import INSTANCE_POWER
from tests.contract.cloudstack.adapter import CloudStack
from tests.contract.support.child import run_module

WRONG_PIN = ":".join(["AA"] * 32)


def test_a_wrong_pin_stops_before_anything_is_sent(cloud: CloudStack) -> None:
    result = cloud.run(INSTANCE_INFO, {"ca_path": None, "fingerprint": WRONG_PIN})
    assert result.kind == "unavailable"
    assert "Fingerprints did not match" in result.json["msg"]
    assert cloud.requests() == []


def test_the_right_pin_needs_no_authority(cloud: CloudStack) -> None:
    pin = cloud.sim.fingerprint
    assert cloud.run(INSTANCE_INFO, {"ca_path": None, "fingerprint": pin}).json["objects"]


def test_an_unknown_authority_is_refused(cloud: CloudStack) -> None:
    result = cloud.run(INSTANCE_INFO, {"ca_path": None})
    assert result.kind == "unavailable"
    assert not result.error["retryable"]


def test_a_disabled_user_is_an_auth_error(cloud: CloudStack) -> None:
    credentials = cloud.sim.credentials
    keys = {
        "api_key": credentials["disabled_api_key"],
        "api_secret": credentials["disabled_secret_key"],
    }
    result = cloud.run(INSTANCE_INFO, keys)
    assert (result.kind, len(cloud.requests())) == ("auth", 1)


@pytest.mark.parametrize("options", [{}, {"api_secret": "not-the-secret-key-of-this-user"}])
def test_neither_key_is_ever_shown(cloud: CloudStack, options: dict[str, Any]) -> None:
    result = cloud.run(INSTANCE_INFO, {"name": cloud.sim.credentials["api_key"], **options})
    for name in ("api_key", "secret_key"):
        assert cloud.sim.credentials[name] not in result.stdout + result.stderr


def test_what_the_role_lacks_is_a_permission(cloud: CloudStack) -> None:
    credentials = cloud.sim.credentials
    keys = {"api_key": credentials["user_api_key"], "api_secret": credentials["user_secret_key"]}
    host = {"name": "fresh", "template": "debian-12", "service_offering": "small", "host": "node1"}
    assert cloud.run(INSTANCE, {**host, **keys}).kind == "permission"


@pytest.mark.parametrize(
    "fault", [("throttle", {}), ("status", {"status": 503}), ("html", {}), ("reset_after", {})]
)
def test_a_read_is_tried_again(cloud: CloudStack, fault: tuple[str, dict[str, Any]]) -> None:
    name, args = fault
    cloud.sim.control.fault(name, path="listVirtualMachines", **args)
    assert cloud.run(INSTANCE_INFO, {"limit": 0}).json["total"] == 8


def test_a_smaller_page_limit_is_found(cloud: CloudStack) -> None:
    # The setting default.page.size of the cloud, which no client can read.
    cloud.sim.simulator.page_limit = 30  # type: ignore[attr-defined]
    try:
        result = cloud.run(INSTANCE_INFO, {"limit": 0})
    finally:
        cloud.sim.simulator.page_limit = 500  # type: ignore[attr-defined]
    assert result.json["total"] == 8


def test_a_lost_reboot_is_found_by_its_job(cloud: CloudStack) -> None:
    cloud.lose_answer(applied=True)
    result = cloud.run(INSTANCE_POWER, {"name": "web1", "state": "restarted"})
    assert not result.failed, result.json
    assert cloud.writes() == ["rebootVirtualMachine"]


def test_a_job_that_never_ends_is_named(cloud: CloudStack) -> None:
    cloud.sim.control.fault("endless_job")
    args = {"name": "web2", "state": "started", "wait_timeout": 1}
    result = cloud.run(INSTANCE_POWER, args)
    assert result.kind == "timeout"
    assert result.json["operations"][0]["id"] in result.json["msg"]


def test_a_job_that_the_server_forgot_is_a_defect_and_no_success(cloud: CloudStack) -> None:
    cloud.sim.control.fault("unknown_job")
    result = cloud.run(INSTANCE_POWER, {"name": "web2", "state": "started"})
    assert result.failed


def test_without_waiting_the_job_is_reported(cloud: CloudStack) -> None:
    result = cloud.run(INSTANCE_POWER, {"name": "web2", "state": "started", "wait": False})
    assert result.changed
    assert result.json["operations"][0]["id"]


def test_no_capacity_has_its_own_kind(cloud: CloudStack) -> None:
    cloud.sim.control.fault("capacity", path="deploy")
    assert cloud.run(INSTANCE, cloud.new(INSTANCE)).kind == "capacity"


def test_five_thousand_are_listed_once_each() -> None:
    with virtsim.start("cloudstack", seed="5000") as sim:
        options = {
            "api_url": [f"{sim.url}/client/api"],
            "api_key": sim.credentials["api_key"],
            "api_secret": sim.credentials["secret_key"],
            "ca_path": sim.ca_file,
            "limit": 0,
        }
        result = run_module("cloudstack_instance_info", options)
        assert len({each["id"] for each in result.json["objects"]}) == 5000
        assert result.json["total"] == 5000
