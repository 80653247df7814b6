# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each caller acts on the platforms as itself, and nobody by a credential of somebody else."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from textwrap import indent
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

import virtsim
from tests.auth.conftest import SERVE, Guarded, Idp, configure
from tests.auth.test_tokens import start
from tests.mcp.conftest import Bridge
from virtsim import SimServer

Starter = Callable[..., Guarded]
PROXMOX = {"alice": "root@pam!vb", "bob": "auditor@pve!read"}
CLOUDSTACK = {"alice": "admin", "bob": "lab"}
KUBEVIRT = {"alice": "ann", "bob": "ben"}


@pytest.fixture
def sims() -> Iterator[dict[str, SimServer]]:
    with ExitStack() as running:
        names = ("proxmox", "cloudstack", "kubevirt")
        yield {name: running.enter_context(virtsim.start(name)) for name in names}


def _file(bridge: Bridge, name: str, text: str) -> str:
    path = bridge.folder / name
    path.touch(mode=0o600)
    path.write_text(text)
    return name


def _mapped(bridge: Bridge, sims: dict[str, SimServer], idp: Idp) -> None:
    """Give alice and bob credentials of their own, on KubeVirt by impersonation."""
    for name, sim in sims.items():
        bridge.add(name, sim)
    account = sims["kubevirt"].credentials["bridge_token"]
    (bridge.folder / "kubevirt.token").write_text(account)
    pve, cloud = sims["proxmox"].credentials, sims["cloudstack"].credentials
    mine = {
        "alice": (pve["token_secret"], cloud["api_key"], cloud["secret_key"]),
        "bob": (pve["auditor_token_secret"], cloud["user_api_key"], cloud["user_secret_key"]),
    }
    bridge.config["identity"] = {"mode": "map", "map": []}
    for who, (token, key, secret) in mine.items():
        credentials = {
            "proxmox": {
                "token_id": PROXMOX[who],
                "token_secret_file": _file(bridge, f"{who}.pve", token),
            },
            "cloudstack": {
                "api_key_file": _file(bridge, f"{who}.key", key),
                "secret_key_file": _file(bridge, f"{who}.secret", secret),
            },
            "kubevirt": {"impersonate_user": KUBEVIRT[who]},
        }
        entry = {"principal": f"oauth:{idp.issuer}#{who}", "credentials": credentials}
        bridge.config["identity"]["map"].append(entry)


def _users(sim: SimServer) -> set[str]:
    return {row["user"] for row in sim.control.journal()}


def test_each_acts_as_itself_on_every_platform(
    bridge: Bridge, sims: dict[str, SimServer], idp: Idp, guarded: Starter
) -> None:
    """Red when the run gets the target's own credential."""
    _mapped(bridge, sims, idp)
    server = guarded(bridge, idp)
    for who in ("alice", "bob"):
        for sim in sims.values():
            sim.control.clear_journal()
        session = server.session(idp.token("vb:apply", who))
        for name, expected in (
            ("proxmox", PROXMOX), ("cloudstack", CLOUDSTACK), ("kubevirt", KUBEVIRT)
        ):  # fmt: skip
            body = session.call("vm_list", targets=[name])
            assert _users(sims[name]) == {expected[who]}, body
    refused = session.call("vm_power", ref="proxmox/-/101", state="started")
    assert refused["error"]["code"] == "forbidden_by_platform"


def test_who_is_not_in_the_map_gets_nowhere(
    bridge: Bridge, sims: dict[str, SimServer], idp: Idp, guarded: Starter
) -> None:
    """Red when somebody without a credential falls back to the target's."""
    _mapped(bridge, sims, idp)
    del bridge.config["identity"]["map"][1]["credentials"]["cloudstack"]
    server = guarded(bridge, idp)
    eve = server.session(idp.forged(sub="eve", scope="vb:admin"))
    calls: list[tuple[str, dict[str, Any]]] = [
        ("vm_list", {}),
        ("vm_list", {"targets": ["proxmox"]}),
        ("vm_get", {"ref": "proxmox/-/101"}),
        ("vm_power", {"ref": "proxmox/-/101", "state": "started", "check": True}),
        ("vm_power", {"ref": "proxmox/-/101", "state": "started"}),
        ("tool_read", {"operation": "proxmox:GET /version", "target": "proxmox", "args": {}}),
    ]
    for tool, arguments in calls:
        assert eve.call(tool, **arguments)["error"]["code"] == "denied_by_policy", tool
    rows = eve.call("target_list")["data"]["targets"]
    assert {verdict for row in rows for verdict in row["policy"].values()} == {"deny"}
    for name in ("Alice", "alice ", "x#alice", f"oauth:{idp.issuer}#alice"):
        stranger = server.session(idp.forged(sub=name))
        assert not stranger.call("vm_get", ref="proxmox/-/101")["ok"]
    assert [row for sim in sims.values() for row in sim.control.journal()] == []
    assert {row["rule"] for row in bridge.audit("refused")} == {"identity"}

    bob = server.session(idp.token("vb:read", "bob"))
    assert (
        bob.call("vm_get", ref="cloudstack/-/00000000-0000-4000-8000-000000000001")["error"]["code"]
        == "denied_by_policy"
    )
    probed = bob.call("target_list", probe=True)["data"]["targets"]
    assert {row["name"] for row in probed if row["reachable"]} == {"proxmox", "kubevirt"}
    body = bob.call("vm_list")
    assert body["ok"], body
    assert {row["ref"].split("/")[0] for row in bridge.table(body)} == {"proxmox", "kubevirt"}
    assert sims["cloudstack"].control.journal() == []


def test_a_user_of_this_machine_acts_by_the_targets_own(
    bridge: Bridge, sims: dict[str, SimServer], idp: Idp
) -> None:
    _mapped(bridge, sims, idp)
    assert bridge.call("vm_list", targets=["proxmox"])["ok"]
    assert _users(sims["proxmox"]) == {"root@pam!vb"}


def test_all_of_an_issuer_act_under_names_made_of_theirs(
    bridge: Bridge, sims: dict[str, SimServer], idp: Idp, guarded: Starter
) -> None:
    """Red when a subject can become one of the cluster's own names."""
    bridge.add("kubevirt", sims["kubevirt"])
    entry = {
        "principal": f"oauth:{idp.issuer}#*",
        "credentials": {"kubevirt": {"impersonate_user": "{subject}"}},
    }
    bridge.config["identity"] = {"map": [entry]}
    server = guarded(bridge, idp)
    assert server.session(idp.forged(sub="ben")).call("vm_list")["ok"]
    assert _users(sims["kubevirt"]) == {"ben"}
    sims["kubevirt"].control.clear_journal()
    for name in ("system:admin", "system:serviceaccount:default:virtsim-admin"):
        body = server.session(idp.forged(sub=name)).call("vm_list", targets=["kubevirt"])
        assert body["error"]["code"] == "denied_by_policy"
    assert sims["kubevirt"].control.journal() == []


def test_groups_come_from_the_map_and_never_from_who_calls(
    bridge: Bridge, sims: dict[str, SimServer], idp: Idp, guarded: Starter
) -> None:
    """Red when groups are left out on the way, or made of a subject that the cluster reserves."""
    _mapped(bridge, sims, idp)
    sim = sims["kubevirt"]
    groups = {"alice": ["virtsim:readers", "virtsim:apps"], "bob": ["virtsim:readers"]}
    bridge.config["identity"]["map"] = [
        {
            "principal": f"oauth:{idp.issuer}#{who}",
            "credentials": {
                "kubevirt": {"impersonate_user": "cat", "impersonate_groups": groups.get(who, made)}
            },
        }
        for who, made in ((*groups.items(), ("*", ["virtsim:readers", "{subject}"])))
    ]
    server = guarded(bridge, idp)
    ref = {"ref": "kubevirt/apps/app", "state": "started"}
    alice, bob = (server.session(idp.token("vb:apply", who)) for who in ("alice", "bob"))
    assert bob.call("vm_list", targets=["kubevirt"])["ok"]
    assert bob.call("vm_power", **ref)["error"]["code"] == "forbidden_by_platform"
    assert sim.control.writes() == [] or not any(row["applied"] for row in sim.control.writes())
    assert alice.call("vm_power", **ref)["status"] == "changed"
    assert _users(sim) == {"cat"}
    sim.control.clear_journal()
    eve = server.session(idp.forged(sub="system:masters"))
    assert eve.call("vm_list", targets=["kubevirt"])["error"]["code"] == "denied_by_policy"
    assert sim.control.journal() == []


MAP = """\
identity:
  map:
    - principal: "oauth:{issuer}#alice"
      credentials:
        lab: {{token_id: "root@pam!vb", token_secret_env: ALICE_SECRET}}
    - principal: "oauth:{issuer}#bob"
      credentials:
        lab:
          token_id: auditor@pve!read
          token_secret: !vault |
{secret}
"""


class Plain(Guarded):
    """A server of files that are there already."""

    def __init__(self, bridge: Bridge, **environment: str) -> None:
        bridge.config = {}
        self.process = subprocess.Popen(
            bridge.command(*SERVE), env=bridge.environment | environment, cwd=bridge.folder,
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.find()


def test_secrets_come_in_the_forms_of_targets_yml(
    bridge: Bridge, idp: Idp, proxmox_sim: Callable[..., SimServer]
) -> None:
    """From the environment, and encrypted in virtbridge.yml itself."""
    sim = proxmox_sim()
    bridge.add("lab", sim)
    password = _file(bridge, "vault.password", "open sesame")
    bridge.config["runner"] = {"vault_password_file": password}
    configure(bridge, idp)
    del bridge.config["identity"]
    vault = VaultLib([("default", VaultSecret(b"open sesame"))])
    secret = indent(vault.encrypt(sim.credentials["auditor_token_secret"]).decode(), " " * 12)
    text = yaml.safe_dump(bridge.config) + MAP.format(issuer=idp.issuer, secret=secret)
    (bridge.folder / "virtbridge.yml").write_text(text)
    with Plain(bridge, ALICE_SECRET=sim.credentials["token_secret"]) as server:
        for who, user in (("alice", "root@pam!vb"), ("bob", "auditor@pve!read")):
            sim.control.clear_journal()
            assert server.session(idp.token("vb:read", who)).call("vm_list")["ok"]
            assert _users(sim) == {user}


def test_check_config_says_which_secret_of_the_map_cannot_be_used(
    bridge: Bridge, idp: Idp, proxmox_sim: Callable[..., SimServer]
) -> None:
    bridge.add("lab", proxmox_sim())
    credential = {"token_id": "a@pam!b", "token_secret_file": "missing.secret"}
    entry = {"principal": "oauth:*", "credentials": {"lab": credential}}
    bridge.config["identity"] = {"map": [entry]}
    configure(bridge, idp)
    done = subprocess.run(
        bridge.command("check-config"), env=bridge.environment, cwd=bridge.folder,
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    said = " ".join((done.stdout + done.stderr).split())
    assert "identity.map[0].credentials.lab.token_secret_file: cannot read" in said


@pytest.mark.parametrize(
    ("target", "credential", "says"),
    [
        ("lb", {"token_id": "a@pam!b"}, "identity.map[0].credentials.lb: no such target"),
        ("lab", {"token_id": "a@pam!b"}, "identity.map[0].credentials.lab"),
        ("lab", {"token_id": "a@pam!b", "token_secret": "plain"}, "plain text is refused"),
        ("lab", {"impersonate_user": "ann"}, "impersonate_user: unknown key"),
        ("cluster", {"impersonate_groups": ["a"]}, "without whom groups"),
        ("cluster", {"impersonate_user": "a", "impersonate_groups": []}, "impersonate_groups"),
        (
            "cluster",
            {"impersonate_user": "a", "impersonate_groups": ["a\nb"]},
            "a Kubernetes group",
        ),
        ("lab", {}, "identity.map[0].credentials.lab"),
    ],
)
def test_a_map_that_cannot_work_is_said_at_the_start(
    bridge: Bridge, idp: Idp, proxmox_sim: Callable[..., SimServer],
    target: str, credential: dict[str, str], says: str,
) -> None:  # fmt: skip
    bridge.add("lab", proxmox_sim())
    bridge.targets["cluster"] = {"platform": "kubevirt", "url": "https://127.0.0.1:1",
                                 "credential": {"token_env": "NO_SUCH"}}  # fmt: skip
    entry = {"principal": "oauth:*", "credentials": {target: credential}}
    bridge.config["identity"] = {"map": [entry]}
    configure(bridge, idp)
    done = start(bridge)
    assert done.returncode == 2
    assert says in done.stderr
    assert "plain'" not in done.stderr
