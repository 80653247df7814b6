# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client certificates: as files, in kubeconfigs, from a login command, and those that fail."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from plugins.module_utils.kubevirt.resources.vm_info import VM_INFO
from plugins.module_utils.kubevirt.resources.vm_power import VM_POWER
from plugins.plugin_utils.action import connected
from plugins.plugin_utils.targets import find
from tests.contract.kubevirt.adapter import KubeVirt
from tests.contract.kubevirt.kubeconfigs import ADMIN, certificate, data, files, kubeconfig
from tests.contract.support.child import Result, run_module
from tests.contract.support.process import run_process
from virtsim.core.tls import ClientCertificate, Subject
from virtsim.kubevirt.auth import READERS

NOBODY = Subject("jane", "developers")


def listed(cluster: KubeVirt, **options: Any) -> Result:
    """List the machines with a login other than the world's token."""
    return cluster.run(VM_INFO, {"api_token": None, **options})


def by_file(file: str, **options: Any) -> Result:
    return run_module("kubevirt_vm_info", {"kubeconfig": file, **options})


def users(cluster: KubeVirt) -> set[str]:
    return {row["user"] for row in cluster.sim.control.journal()}


def plugin(folder: Path, script: str) -> dict[str, Any]:
    """Return the user of a kubeconfig whose credential a command gives."""
    file = folder / "login.py"
    file.write_text(script)
    how = {"apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable}
    return {"exec": {**how, "args": [str(file)], "interactiveMode": "Never"}}


def saying(folder: Path, **status: str) -> dict[str, Any]:
    """Return the user whose login command answers this credential."""
    answer = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": status,
    }
    return plugin(folder, f"print({json.dumps(answer)!r})")


def test_the_listed_certificate_logs_in_and_its_key_is_in_no_output(
    cluster: KubeVirt, tmp_path: Path
) -> None:
    for name, option in (("client_certificate", "client_cert"), ("client_key", "client_key")):
        (tmp_path / option).write_text(cluster.sim.credentials[name])
    login = {option: str(tmp_path / option) for option in ("client_cert", "client_key")}
    result = cluster.run(VM_POWER, {"api_token": None, "name": "web2", "state": "started", **login})
    assert result.changed, result.json
    assert users(cluster) == {ADMIN.name}
    secret = cluster.sim.credentials["client_key"].splitlines()[1]
    assert secret not in result.stdout + result.stderr


def test_one_file_may_hold_both(cluster: KubeVirt, tmp_path: Path) -> None:
    client = certificate(cluster.sim)
    (tmp_path / "both.pem").write_text(client.key + client.certificate)
    login = dict.fromkeys(("client_cert", "client_key"), str(tmp_path / "both.pem"))
    assert listed(cluster, **login).json["total"] == 7


def test_a_pin_and_a_certificate_go_together(cluster: KubeVirt, tmp_path: Path) -> None:
    login = files(tmp_path, certificate(cluster.sim))
    pin = {"ca_path": None, "fingerprint": cluster.sim.fingerprint}
    assert listed(cluster, **login, **pin).json["total"] == 7


def test_a_target_names_the_two_files(cluster: KubeVirt, tmp_path: Path) -> None:
    login = files(tmp_path, certificate(cluster.sim))
    target = {
        "platform": "kubevirt",
        "url": cluster.sim.url,
        "ca_file": cluster.sim.ca_file,
        "credential": {
            "client_cert_file": login["client_cert"],
            "client_key_file": login["client_key"],
        },
    }
    place = tmp_path / "targets.yml"
    place.write_text(yaml.safe_dump({"targets": {"lab": target}}))
    place.chmod(0o600)
    options = connected({}, find("lab", place, str), {})
    assert run_module("kubevirt_vm_info", options).json["total"] == 7
    assert users(cluster) == {ADMIN.name}


def test_a_kubeconfig_names_the_two_files(cluster: KubeVirt, tmp_path: Path) -> None:
    files(tmp_path, certificate(cluster.sim))
    beside = {"client-certificate": "client.pem", "client-key": "client-key.pem"}
    assert by_file(kubeconfig(cluster.sim, tmp_path, beside)).json["total"] == 7
    assert users(cluster) == {ADMIN.name}


def test_a_kubeconfig_holds_certificate_and_key(cluster: KubeVirt, tmp_path: Path) -> None:
    client = certificate(cluster.sim)
    user = data(client)
    file = kubeconfig(cluster.sim, tmp_path, user)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    env = {"TMPDIR": str(scratch)}
    result = run_process("kubevirt_vm_info", {"kubeconfig": file}, env=env)
    assert result.json["total"] == 7
    assert users(cluster) == {ADMIN.name}
    said = result.stdout + result.stderr
    assert client.key.splitlines()[1] not in said
    assert user["client-key-data"] not in said
    # The library puts them into files, which end with the module.
    assert [file.name for file in scratch.rglob("*") if file.is_file()] == []


@pytest.mark.parametrize("kind", ["token", "certificate"])
def test_a_login_command_gives_the_credential(cluster: KubeVirt, tmp_path: Path, kind: str) -> None:
    client = certificate(cluster.sim)
    status = {"clientCertificateData": client.certificate, "clientKeyData": client.key}
    if kind == "token":
        status = {"token": cluster.sim.credentials["token"]}
    file = kubeconfig(cluster.sim, tmp_path, saying(tmp_path, **status))
    result = run_process("kubevirt_vm_info", {"kubeconfig": file}, env={"TMPDIR": str(tmp_path)})
    assert result.json["total"] == 7
    for secret in status.values():
        assert secret.splitlines()[-2:][0] not in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("import sys; sys.exit('the session has ended, log in again')", "log in again"),
        ("print('not JSON')", "decode"),
        ("print('{}')", "missing key"),
    ],
)
def test_a_login_command_that_fails_is_told_and_nobody_asks_anonymously(
    cluster: KubeVirt, tmp_path: Path, script: str, says: str
) -> None:
    result = by_file(kubeconfig(cluster.sim, tmp_path, plugin(tmp_path, script)))
    assert result.kind == "auth"
    assert says in result.json["msg"]
    assert result.stderr == ""
    assert cluster.requests() == []


def test_a_key_of_another_certificate_is_refused_before_anything_is_sent(
    cluster: KubeVirt, tmp_path: Path
) -> None:
    login = files(tmp_path, certificate(cluster.sim))
    Path(login["client_key"]).write_text(certificate(cluster.sim).key)
    result = listed(cluster, **login)
    assert (result.kind, sorted(result.error["fields"])) == (
        "validation",
        ["client_cert", "client_key"],
    )
    assert "another certificate" in result.json["msg"]
    file = kubeconfig(
        cluster.sim,
        tmp_path,
        {"client-certificate": login["client_cert"], "client-key": login["client_key"]},
    )
    result = by_file(file)
    assert (result.kind, list(result.error["fields"])) == ("validation", ["kubeconfig"])
    assert cluster.requests() == []


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (None, "cannot be read (No such file or directory)"),
        ("nothing of a key", "PEM"),
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n", "is encrypted"),
    ],
)
def test_a_key_that_is_none_is_told(
    cluster: KubeVirt, tmp_path: Path, key: str | None, says: str
) -> None:
    login = files(tmp_path, certificate(cluster.sim))
    Path(login["client_key"]).unlink()
    if key is not None:
        Path(login["client_key"]).write_text(key)
    result = listed(cluster, **login)
    assert result.kind == "validation"
    assert says in result.json["msg"]
    assert cluster.requests() == []


@pytest.mark.parametrize("kind", ["expired", "foreign_ca"])
def test_a_certificate_that_the_cluster_does_not_accept_is_no_login(
    cluster: KubeVirt, tmp_path: Path, kind: str
) -> None:
    result = listed(cluster, **files(tmp_path, certificate(cluster.sim, ADMIN, kind)))
    assert (result.kind, result.error["http_status"]) == ("auth", 401)
    assert "certificate" in result.json["msg"]


def test_rights_are_those_of_the_certificates_groups(cluster: KubeVirt, tmp_path: Path) -> None:
    reader = files(tmp_path, certificate(cluster.sim, Subject("joe", READERS)))
    assert listed(cluster, **reader).json["total"] == 7
    power = {"api_token": None, "name": "web2", "state": "started"}
    assert cluster.run(VM_POWER, {**power, **reader}).kind == "permission"
    nobody = files(tmp_path, certificate(cluster.sim, NOBODY))
    result = listed(cluster, **nobody)
    assert result.kind == "permission"
    assert '"jane" cannot list' in result.json["msg"]


def test_a_given_login_replaces_that_of_the_kubeconfig(cluster: KubeVirt, tmp_path: Path) -> None:
    token = {"token": cluster.sim.credentials["token"]}
    nobody = files(tmp_path, certificate(cluster.sim, NOBODY))
    file = kubeconfig(cluster.sim, tmp_path, token)
    assert by_file(file, **nobody).kind == "permission"
    file = kubeconfig(
        cluster.sim,
        tmp_path,
        {"client-certificate": nobody["client_cert"], "client-key": nobody["client_key"]},
    )
    # Were the certificate shown too, it would be the one that counts.
    assert by_file(file, api_token=token["token"]).json["total"] == 7
    Path(nobody["client_key"]).write_text("nothing of a key")
    assert by_file(file, api_token=token["token"]).json["total"] == 7


def test_a_token_file_of_a_kubeconfig_may_end_its_line(cluster: KubeVirt, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(cluster.sim.credentials["token"] + "\n")
    file = kubeconfig(cluster.sim, tmp_path, {"tokenFile": "token"})
    assert by_file(file).json["total"] == 7


def test_a_proxy_of_the_environment_is_not_used(cluster: KubeVirt, tmp_path: Path) -> None:
    file = kubeconfig(cluster.sim, tmp_path, {"token": cluster.sim.credentials["token"]})
    proxies = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), "http://127.0.0.1:1")
    assert by_file(file).json["total"] == 7
    result = run_module("kubevirt_vm_info", {"kubeconfig": file}, env=proxies)
    assert result.json.get("total") == 7, result.json["msg"]


@pytest.mark.parametrize(
    "content", ["users: [{name: x, user: {token: s3cret-a: s3cret-b}}]", "[]", "a: \x00s3cret"]
)
def test_a_malformed_kubeconfig_is_told_without_its_text(
    cluster: KubeVirt, tmp_path: Path, content: str
) -> None:
    (tmp_path / "kubeconfig").write_text(content)
    result = by_file(str(tmp_path / "kubeconfig"))
    assert (result.kind, list(result.error["fields"])) == ("validation", ["kubeconfig"])
    assert "s3cret" not in result.stdout + result.stderr
    user = {"client-certificate-data": "%", "client-key-data": "%s3cret"}
    result = by_file(kubeconfig(cluster.sim, tmp_path, user))
    assert result.kind == "validation"


def test_a_certificate_refused_at_the_handshake_is_told(cluster: KubeVirt, tmp_path: Path) -> None:
    leaf = trustme.CA().issue_cert(common_name="jane")
    client = ClientCertificate(
        leaf.cert_chain_pems[0].bytes().decode(), leaf.private_key_pem.bytes().decode()
    )
    result = listed(cluster, **files(tmp_path, client))
    assert result.kind == "unavailable"
    assert "may have refused the client certificate" in result.json["msg"]
    assert cluster.requests() == []


@pytest.mark.parametrize(
    ("content", "says"), [(None, "No such file or directory"), ("bad", "no PEM certificate")]
)
def test_a_ca_file_that_is_none_is_told(
    cluster: KubeVirt, tmp_path: Path, content: str | None, says: str
) -> None:
    file = tmp_path / "ca.pem"
    if content:
        file.write_text(content)
    result = cluster.run(VM_INFO, {"ca_path": str(file)})
    assert (result.kind, list(result.error["fields"])) == ("validation", ["ca_path"])
    assert says in result.json["msg"]
