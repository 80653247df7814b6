# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures, refusals, paging and jobs, as the real server has them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import requests

import virtsim
from virtsim.cloudstack import auth

VECTORS = Path(__file__).resolve().parents[4].parent / "shared" / "vectors" / "cloudstack"
NEVER = "11111111-2222-4333-8444-555555555555"


def ask(sim: virtsim.SimServer, seconds: float = 600, **params: Any) -> tuple[int, dict[str, Any]]:
    expires = time.strftime("%Y-%m-%dT%H:%M:%S+0000", time.gmtime(time.time() + seconds))
    form = {
        "apiKey": sim.credentials["api_key"],
        "response": "json",
        "signatureVersion": "3",
        "expires": expires,
        **{name: str(value) for name, value in params.items()},
    }
    form["signature"] = auth.signature(form, sim.credentials["secret_key"])
    answer = requests.post(f"{sim.url}/client/api", data=form, verify=str(sim.ca_file), timeout=10)
    body = answer.json()
    assert len(body) == 1
    return answer.status_code, next(iter(body.values()))


def test_every_recorded_signature_is_the_one_expected() -> None:
    file = VECTORS / "signatures.jsonl"
    if not file.exists():
        pytest.skip(f"no recorded signatures at {file}")
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        assert auth.signature(row["params"], row["secret"]) == row["signature"]
        changed = {**row["params"], "command": row["params"].get("command", "") + "x"}
        assert auth.signature(changed, row["secret"]) != row["signature"]


def test_an_expired_request_is_refused(sim: virtsim.SimServer) -> None:
    status, body = ask(sim, seconds=-1, command="listZones")
    assert (status, body["errorcode"]) == (401, 401)


@pytest.mark.parametrize(
    ("params", "status", "says"),
    [
        ({"command": "listNothing"}, 401, "does not exist"),
        ({"command": "deployVirtualMachine"}, 431, "due to missing parameter"),
        ({"command": "listVirtualMachines", "id": NEVER}, 431, "entity does not exist"),
        ({"command": "listVirtualMachines", "page": 1}, 431, "must be specified together"),
        ({"command": "listVirtualMachines", "page": 1, "pagesize": 501}, 431, "500"),
        ({"command": "listVirtualMachines", "page": "x", "pagesize": 1}, 431, "page"),
        ({"command": "listHostTags"}, 432, "not modelled by virtsim"),
        ({"command": "queryAsyncJobResult", "jobid": NEVER}, 431, "jobid"),
    ],
)
def test_refusals(sim: virtsim.SimServer, params: dict[str, Any], status: int, says: str) -> None:
    answered, body = ask(sim, **params)
    assert (answered, body["errorcode"]) == (status, status)
    assert says in body["errortext"]


def test_unknown_parameters_are_ignored_and_names_have_no_case(sim: virtsim.SimServer) -> None:
    _status, everything = ask(sim, command="listZones")
    assert ask(sim, command="LISTzones", nosuch="x", AVAILABLE="true") == (200, everything)


def test_an_empty_list_has_no_count(sim: virtsim.SimServer) -> None:
    assert ask(sim, command="listVirtualMachines", name="nosuch") == (200, {})


def test_a_chosen_job_id_is_kept_and_good_once(sim: virtsim.SimServer) -> None:
    _status, found = ask(sim, command="listVirtualMachines", name="web2")
    call = {"command": "startVirtualMachine", "id": found["virtualmachine"][0]["id"]}
    assert ask(sim, **call, customjobid=NEVER) == (200, {"jobid": NEVER})
    assert ask(sim, **call, customjobid=NEVER)[0] == 431
    _status, job = ask(sim, command="queryAsyncJobResult", jobid=NEVER)
    assert job["jobstatus"] == 1
    assert job["jobresult"]["virtualmachine"]["state"] == "Running"


def test_a_failed_deployment_leaves_a_row_in_error(sim: virtsim.SimServer) -> None:
    sim.control.fault("fail_job", path="deploy")
    _status, zones = ask(sim, command="listZones")
    _status, templates = ask(sim, command="listTemplates", templatefilter="all", name="debian-12")
    _status, offerings = ask(sim, command="listServiceOfferings", name="small")
    _status, networks = ask(sim, command="listNetworks", keyword="lab-net")
    _status, made = ask(
        sim,
        command="deployVirtualMachine",
        name="fresh",
        zoneid=zones["zone"][0]["id"],
        templateid=templates["template"][0]["id"],
        serviceofferingid=offerings["serviceoffering"][0]["id"],
        networkids=networks["network"][0]["id"],
    )
    _status, job = ask(sim, command="queryAsyncJobResult", jobid=made["jobid"])
    assert (job["jobstatus"], job["jobresult"]["errorcode"]) == (2, 530)
    _status, found = ask(sim, command="listVirtualMachines", id=made["id"])
    assert found["virtualmachine"][0]["state"] == "Error"


def test_no_secret_gets_into_the_journal(sim: virtsim.SimServer) -> None:
    ask(sim, command="listZones")
    text = json.dumps(sim.control.journal())
    assert sim.credentials["api_key"] not in text
    assert "listZones" in text


def test_the_catalog_is_routed_whole() -> None:
    coverage = virtsim.create("cloudstack").coverage()
    assert len(coverage.modelled) + len(coverage.unmodelled) == 917
    assert len(coverage.modelled) >= 60
    print(f"{len(coverage.modelled)} of 917 commands are modelled")
