# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubeconfigs, tokens, pins and permissions, and what happens on a bad day."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.virtbridge.core.plugins.module_utils.kubevirt import login

import virtsim
from plugins.module_utils.kubevirt.resources.vm_info import VM_INFO
from plugins.module_utils.kubevirt.resources.vm_power import VM_POWER
from tests.contract.kubevirt.adapter import KubeVirt
from tests.contract.support.child import run_module


def kubeconfig(cluster: KubeVirt, folder: Path, token: str) -> str:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "broken",
        "clusters": [
            {
                "name": "lab",
                "cluster": {
                    "server": cluster.sim.url,
                    "certificate-authority": str(cluster.sim.ca_file),
                },
            }
        ],
        "users": [{"name": "me", "user": {"token": token}}],
        "contexts": [
            {"name": "lab", "context": {"cluster": "lab", "user": "me"}},
            {"name": "broken", "context": {"cluster": "lab", "user": "nobody"}},
        ],
    }
    file = folder / "kubeconfig"
    file.write_text(yaml.safe_dump(content))
    return str(file)


def by_file(cluster: KubeVirt, file: str, **options: Any) -> Any:
    return run_module("kubevirt_vm_info", {"kubeconfig": file, **options})


def test_a_kubeconfig_and_its_context_log_in(cluster: KubeVirt, tmp_path: Path) -> None:
    token = cluster.sim.credentials["token"]
    file = kubeconfig(cluster, tmp_path, token)
    result = by_file(cluster, file, context="lab")
    assert not result.failed, result.json
    assert result.json["total"] == 7
    assert token not in result.stdout


def test_a_kubeconfig_that_cannot_be_used_says_why(cluster: KubeVirt, tmp_path: Path) -> None:
    assert "nosuch" in by_file(cluster, str(tmp_path / "nosuch")).json["msg"]
    file = kubeconfig(cluster, tmp_path, "x")
    assert "other" in by_file(cluster, file, context="other").json["msg"]


def test_nothing_that_says_where_is_refused() -> None:
    result = run_module("kubevirt_vm_info", {})
    assert (result.kind, list(result.error["fields"])) == ("validation", ["api_url"])


def test_a_wrong_pin_stops_before_anything_is_sent(cluster: KubeVirt) -> None:
    pin = ":".join(["AA"] * 32)
    result = cluster.run(VM_INFO, {"ca_path": None, "fingerprint": pin})
    assert result.kind == "unavailable"
    assert cluster.requests() == []


def test_the_right_pin_needs_no_authority(cluster: KubeVirt) -> None:
    pin = cluster.sim.fingerprint
    assert cluster.run(VM_INFO, {"ca_path": None, "fingerprint": pin}).json["total"] == 7


def test_who_may_only_read_is_told_so(cluster: KubeVirt) -> None:
    reader = {"api_token": cluster.sim.credentials["reader_token"]}
    assert cluster.run(VM_INFO, reader).json["total"] == 7
    result = cluster.run(VM_POWER, {"name": "web2", "state": "started", **reader})
    assert result.kind == "permission"
    assert "virtualmachines/start" in result.json["msg"]


def test_one_namespace_is_enough_for_who_may_see_only_that(cluster: KubeVirt) -> None:
    apps = {"api_token": cluster.sim.credentials["apps_token"]}
    assert cluster.run(VM_INFO, apps).kind == "permission"
    assert cluster.run(VM_INFO, {**apps, "namespace": "apps"}).json["total"] == 1


@pytest.mark.parametrize(
    "fault", [("status", {"status": 503}), ("html", {}), ("reset_after", {}), ("truncate", {})]
)
def test_a_read_is_tried_again(cluster: KubeVirt, fault: tuple[str, dict[str, Any]]) -> None:
    name, args = fault
    cluster.sim.control.fault(name, path="virtualmachines$", **args)
    assert cluster.run(VM_INFO, {}).json["total"] == 7


def test_a_watch_that_is_gone_is_begun_anew(cluster: KubeVirt) -> None:
    cluster.sim.control.fault("gone", count=2)
    result = cluster.run(VM_POWER, {"name": "web2", "state": "started"})
    assert result.changed
    assert result.object["state"] == "running"


def test_a_webhook_that_is_down_is_retryable_and_nothing_was_stored(cluster: KubeVirt) -> None:
    cluster.sim.control.fault("webhook_down")
    before = cluster.snapshot()
    result = run_module("kubevirt_vm", {**cluster.base, "name": "web2", "labels": {"a": "b"}})
    assert (result.kind, result.error["retryable"]) == ("unavailable", True)
    assert cluster.snapshot() == before


def test_five_thousand_are_listed_once_each() -> None:
    with virtsim.start("kubevirt", seed="5000") as sim:
        options = {
            "api_url": [sim.url],
            "api_token": sim.credentials["token"],
            "ca_path": sim.ca_file,
            "limit": 0,
        }
        objects = run_module("kubevirt_vm_info", options).json["objects"]
        assert len({each["name"] for each in objects}) == len(objects) == 5000


def test_inside_a_pod_its_service_account_logs_in(
    cluster: KubeVirt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """See test_pod.py for the real place, which not every machine lets one write to."""
    token = tmp_path / "token"
    token.write_text(cluster.sim.credentials["token"])
    shutil.copy(str(cluster.sim.ca_file), tmp_path / "ca.crt")
    monkeypatch.setattr(login, "ACCOUNT", tmp_path)
    host = {"KUBERNETES_SERVICE_HOST": "127.0.0.1"}
    environment = {**host, "KUBERNETES_SERVICE_PORT": str(cluster.sim.port)}
    result = run_module("kubevirt_vm_info", {}, env=environment)
    assert not result.failed, result.json
    assert result.json["total"] == 7
    assert token.read_text() not in result.stdout
    token.write_bytes(b"\xff")
    assert run_module("kubevirt_vm_info", {}, env=environment).kind == "auth"
    token.unlink()
    assert run_module("kubevirt_vm_info", {}, env=environment).kind == "validation"
