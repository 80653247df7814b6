# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service account of a pod: the real files at their real place, in a mount namespace."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import certifi
import pytest

from tests.contract.kubevirt.adapter import KubeVirt
from tests.contract.support.child import Result
from tests.contract.support.process import run_in_pod, why_no_pod

pytestmark = pytest.mark.skipif(bool(why_no_pod()), reason=f"no pod here: {why_no_pod()}")
Run = Callable[..., Result]


@pytest.fixture
def account(cluster: KubeVirt, tmp_path: Path) -> Path:
    (tmp_path / "token").write_text(cluster.sim.credentials["token"])
    (tmp_path / "namespace").write_text("apps")
    shutil.copy(str(cluster.sim.ca_file), tmp_path / "ca.crt")
    return tmp_path


@pytest.fixture
def run(cluster: KubeVirt, account: Path) -> Run:
    def in_pod(name: str = "kubevirt_vm_info", **args: Any) -> Result:
        return run_in_pod(name, args, account=account, host="127.0.0.1", port=cluster.sim.port)

    return in_pod


def users(cluster: KubeVirt) -> set[str]:
    return {row["user"] for row in cluster.sim.control.journal()}


def test_the_service_account_logs_in(cluster: KubeVirt, run: Run) -> None:
    result = run()
    assert result.json.get("total") == 7, result.json
    assert users(cluster) == {"system:serviceaccount:default:virtsim-admin"}
    assert cluster.sim.credentials["token"] not in result.stdout + result.stderr


def test_what_the_account_may_not_do_is_a_missing_permission(
    cluster: KubeVirt, run: Run, account: Path
) -> None:
    (account / "token").write_text(cluster.sim.credentials["apps_token"])
    assert run().kind == "permission"
    assert run(namespace="apps").json["total"] == 1


def test_the_authority_of_the_pod_is_the_one_that_is_trusted(run: Run, account: Path) -> None:
    assert run(ca_path=str(account / "ca.crt")).json["total"] == 7
    shutil.copy(certifi.where(), account / "ca.crt")
    result = run()
    assert result.kind == "unavailable"
    assert "CERTIFICATE_VERIFY_FAILED" in result.json["msg"]


def test_a_token_that_was_renewed_during_the_run_is_used(
    cluster: KubeVirt, run: Run, account: Path
) -> None:
    token = account / "token"
    token.write_text("the-old-one")
    slow = {"status": 503, "headers": {"Retry-After": "2"}}
    cluster.sim.control.fault("status", path="virtualmachines$", count=0, **slow)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run)
        while not (cluster.requests() or running.done()):
            time.sleep(0.02)
        token.write_text(cluster.sim.credentials["token"])
        cluster.sim.control.clear_faults()
        assert running.result().json.get("total") == 7, running.result().json


def test_a_given_token_is_used_instead_of_the_accounts(cluster: KubeVirt, run: Run) -> None:
    assert run(api_token=cluster.sim.credentials["reader_token"]).json["total"] == 7
    assert users(cluster) == {"system:serviceaccount:default:virtsim-reader"}


def test_a_wrong_token_and_one_that_cannot_be_read_are_no_login(run: Run, account: Path) -> None:
    (account / "token").write_text("nobody's")
    assert run().kind == "auth"
    (account / "token").unlink()
    (account / "token").mkdir()
    result = run()
    assert result.kind == "auth"
    assert "cannot be read" in result.json["msg"]
