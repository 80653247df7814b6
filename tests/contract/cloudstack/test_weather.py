# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudStack on a bad day: trust, throttling, lost answers, jobs that never end."""

from __future__ import annotations

import functools
import time
from typing import Any

import pytest

import virtsim
from plugins.module_utils.cloudstack.platform import PLATFORM
from plugins.module_utils.cloudstack.resources.instance import INSTANCE
from plugins.module_utils.cloudstack.resources.instance_info import INSTANCE_INFO
from plugins.module_utils.cloudstack.resources.instance_power import INSTANCE_POWER
from plugins.module_utils.engine.errors import InternalError
from plugins.module_utils.engine.resource import Access
from tests.contract.cloudstack.adapter import CloudStack
from tests.contract.support.child import run_module

DEEP = functools.reduce(lambda inner, _level: {"deeper": inner}, range(100), {})
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
    "fault",
    [
        ("throttle", {}),
        ("status", {"status": 503}),
        ("status", {"status": 502}),
        ("status", {"status": 200, "json": {"message": "maintenance", "until": "noon"}}),
        ("status", {"status": 200, "json": []}),
        ("html", {}),
        ("status", {"status": 200, "json": {"listvirtualmachinesresponse": DEEP}}),
        ("reset_after", {}),
    ],
)
def test_a_read_is_tried_again(cloud: CloudStack, fault: tuple[str, dict[str, Any]]) -> None:
    name, args = fault
    cloud.sim.control.fault(name, path="listVirtualMachines", **args)
    assert cloud.run(INSTANCE_INFO, {"project": "shop"}).json["total"] == 1
    assert cloud.requests().count("listVirtualMachines") == 2


def test_a_read_is_given_up_after_three_attempts(cloud: CloudStack) -> None:
    cloud.sim.control.fault("status", count=0, status=503, headers={"Retry-After": "0"})
    result = cloud.run(INSTANCE_INFO, {})
    assert (result.kind, result.error["retryable"]) == ("unavailable", True)
    assert cloud.requests() == ["listVirtualMachines"] * 3


def test_a_silent_server_costs_its_time_once(cloud: CloudStack) -> None:
    """Red when a read is tried again after silence."""
    cloud.sim.control.fault("timeout", count=0)
    result = cloud.run(INSTANCE_INFO, {"timeout": 1})
    assert (result.kind, result.error["retryable"]) == ("unavailable", True)
    assert cloud.requests() == ["listVirtualMachines"]


def test_a_read_waits_as_long_as_the_server_asks_for(cloud: CloudStack) -> None:
    cloud.sim.control.fault("status", status=503, headers={"Retry-After": "2"})
    begin = time.monotonic()
    assert not cloud.run(INSTANCE_INFO, {}).failed
    assert time.monotonic() - begin >= 2


def test_a_refused_list_is_asked_for_once(cloud: CloudStack) -> None:
    text = "Unable to execute API command due to invalid value of parameter state"
    body = {"listvirtualmachinesresponse": {"errorcode": 431, "errortext": text}}
    cloud.sim.control.fault("status", count=0, status=431, json=body)
    result = cloud.run(INSTANCE_INFO, {})
    assert (result.kind, list(result.error["fields"])) == ("validation", ["state"])
    assert cloud.requests() == ["listVirtualMachines"]


def test_an_address_is_needed_and_nothing_is_sent(cloud: CloudStack) -> None:
    result = cloud.run(INSTANCE_INFO, {"api_url": None})
    assert (result.kind, list(result.error["fields"])) == ("validation", ["api_url"])


def test_what_could_be_read_on_the_way_is_warned_of(cloud: CloudStack) -> None:
    blind = cloud.run(INSTANCE_INFO, {"ca_path": None, "validate_certs": False})
    assert "validate_certs is false" in blind.warnings[0]
    pinned = {"validate_certs": False, "fingerprint": cloud.sim.fingerprint}
    assert cloud.run(INSTANCE_INFO, pinned).warnings == []
    with virtsim.start("cloudstack", seed="small", tls=False) as sim:
        plain = cloud.run(INSTANCE_INFO, {"api_url": [f"{sim.url}/client/api"]})
    assert plain.json["objects"]
    assert "not https" in plain.warnings[0]


def test_a_read_only_client_sends_no_write(cloud: CloudStack) -> None:
    def nothing(_said: object) -> None: ...

    access = Access(read_only=True, warn=nothing, secret=nothing, record=nothing)
    with PLATFORM.connect(cloud.base, access) as client:
        with pytest.raises(InternalError, match="read-only"):
            client.write("updateVirtualMachine", id="any")
        with pytest.raises(InternalError, match="read-only"):
            client.start("startVirtualMachine", id="any")
        assert client.read("listZones")
    assert cloud.requests() == ["listZones"]


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


@pytest.mark.parametrize(
    ("applied", "writes"), [(True, ["startVirtualMachine"]), (False, ["startVirtualMachine"] * 2)]
)
def test_a_gateway_that_gave_up_leaves_it_to_the_job_to_tell(
    cloud: CloudStack, applied: bool, writes: list[str]
) -> None:
    cloud.sim.control.fault("status", path="startVirtual", status=502, applied=applied)
    result = cloud.run(INSTANCE_POWER, {"name": "web2", "state": "started"})
    assert (result.object["state"], cloud.writes()) == ("running", writes)


@pytest.mark.parametrize("applied", [True, False])
def test_a_lost_setting_is_read_back(cloud: CloudStack, applied: bool) -> None:
    # updateVirtualMachine starts no job, so that only the instance itself can tell.
    cloud.lose_answer(applied=applied)
    result = cloud.run(INSTANCE, {"name": "web1", "group": "front"})
    assert result.changed
    assert cloud.writes() == ["updateVirtualMachine"] * (1 if applied else 2)
    assert not cloud.run(INSTANCE, {"name": "web1", "group": "front"}).changed


def test_a_wait_outlasts_an_outage_and_ends_with_its_time(cloud: CloudStack) -> None:
    outage = {"path": "queryAsyncJobResult", "status": 503, "headers": {"Retry-After": "0"}}
    cloud.sim.control.fault("status", count=4, **outage)
    assert cloud.run(INSTANCE_POWER, {"name": "web2", "state": "started"}).changed
    cloud.sim.control.fault("status", count=0, **outage)
    args = {"name": "web2", "state": "stopped", "wait_timeout": 1}
    result = cloud.run(INSTANCE_POWER, args)
    assert (result.kind, result.error["http_status"]) == ("unavailable", 503)


def test_what_a_job_calls_a_bad_parameter_is_a_failed_operation(cloud: CloudStack) -> None:
    text = "Unable to start: entity does not exist"
    cloud.sim.control.fault("fail_job", code=431, text=text)
    result = cloud.run(INSTANCE_POWER, {"name": "web2", "state": "started"})
    assert (result.kind, result.error["log"]) == ("operation_failed", [f"431: {text}"])


def test_a_password_in_an_answer_is_never_shown(cloud: CloudStack) -> None:
    password = "virtsim-generated"
    cloud.sim.control.fault("fail_job", path="createTags", text=f"not with {password}")
    wanted = {**cloud.new(INSTANCE), "template": "ubuntu-24.04", "tags": {"a": "b"}}
    result = cloud.run(INSTANCE, wanted)
    assert result.kind == "operation_failed"
    assert "not with" in result.stdout
    assert password not in result.stdout + result.stderr


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
