# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What went wrong in other MCP servers does not go wrong here; each test names the advisory.

`docs/security/advisories.md` lists those that do not apply, and why.
"""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import tomllib
from packaging.requirements import Requirement

from mcp_bridge.catalog import Catalog
from mcp_bridge.operations import Operations
from mcp_bridge.policy import Flags, risk_of
from mcp_bridge.runner.base import Job
from mcp_bridge.runner.play import UNSAFE, play
from mcp_bridge.scopes import LOCAL
from mcp_bridge.surface import Surface
from mcp_bridge.targets import Target
from mcp_bridge.tools.running import Runs
from mcp_bridge.tools.spec import Answer, Begun, Call, Caller, Signals, UnknownTool
from tests.mcp.conftest import Bridge
from tests.security.stopped import Stops, stopped
from tools.tree import ROOT, tracked

CALLER = Caller("os:test", "test", LOCAL)
SHIPPED = [name for name in tracked() if str(name).startswith(("mcp_bridge/", "plugins/"))]


Made = Callable[..., tuple[Surface, Stops]]


@pytest.fixture
def surface() -> Iterator[Made]:
    """Make surfaces whose runner starts nothing."""
    with ExitStack() as running:
        yield lambda folder, flags=None: stopped(folder, running, flags)[:2]


def trees() -> Iterator[tuple[str, ast.AST]]:
    for name in SHIPPED:
        if str(name).endswith(".py"):
            yield str(name), ast.parse((ROOT / name).read_text("utf-8"))


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    """Yield each call in what is shipped: its file, the name that is called, the call."""
    for name, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield name, ast.unparse(node.func), node


def test_cve_2026_46519_a_hidden_tool_cannot_be_called_by_name(
    surface: Made, tmp_path: Path
) -> None:
    """CVE-2026-46519, GHSA-cr22-wjx7-2w6m: the allow-list held for tools/list alone."""
    every, _ = surface(tmp_path)
    narrow, stops = surface(tmp_path, Flags(read_only=True))
    hidden = {tool.name for tool in every.tools} - {tool.name for tool in narrow.tools}
    assert {"vm_delete", "vm_power", "tool_call"} <= hidden
    for name in hidden:
        with pytest.raises(UnknownTool):
            narrow.call(name, {"ref": "lab/-/100"}, CALLER)
    for operation in ("proxmox_vm", "proxmox:DELETE /nodes/{node}/qemu/{vmid}"):
        arguments = {"operation": operation, "target": "lab", "args": {"vmid": 1, "node": "a"}}
        assert not narrow.call("tool_read", arguments, CALLER).ok
    assert stops.jobs == []


def test_ghsa_wmg3_h8mf_wgvr_no_argument_gets_into_a_command_line(tmp_path: Path) -> None:
    """GHSA-wmg3-h8mf-wgvr, CVE-2025-59377 (GHSA-4hqq-7q79-932p, GHSA-hjm5-xgj8-vwj6),
    CVE-2025-6514: options and shell text in arguments. No command line is made of any."""
    bad = {"os.system", "os.popen", "subprocess.getoutput", "eval", "exec", "pickle.loads",
           "pickle.load", "yaml.load", "tempfile.mktemp", "ansible_runner.run_command",
           "run_command"}  # fmt: skip
    found = [
        (file, name)
        for file, name, call in calls()
        if name in bad
        and "SafeLoader" not in ast.unparse(call)
        and "_Loader" not in ast.unparse(call)
    ]
    # The fork server runs ansible-playbook's own module in its fork.
    assert [each for each in found if "forkserver" not in each[0]] == []
    shells = [
        file
        for file, _name, call in calls()
        for word in call.keywords
        if word.arg == "shell"
        and not (isinstance(word.value, ast.Constant) and not word.value.value)
    ]
    assert shells == []


def test_cve_2025_59377_risk_follows_the_resolved_arguments() -> None:
    """CVE-2025-59377, GHSA-hjm5-xgj8-vwj6: a prefix of the command decided what it may do."""
    entry = Catalog().entry("proxmox_vm")
    assert risk_of(entry, {"vmid": 100, "state": "absent"}) == "destructive"
    assert risk_of(entry, {"state": "absent", "name": "get pods"}) == "destructive"
    assert risk_of(None, {}) == "unknown"


def test_kubernetes_mcp_server_1415_no_tool_gives_a_credential(
    surface: Made, tmp_path: Path
) -> None:
    """containers/kubernetes-mcp-server #1415: read-only, but the kubeconfig could be read; and a
    confirmation that could not be asked for counted as given."""
    tools, stops = surface(tmp_path)
    shown = json.dumps(tools.call("target_list", {}, CALLER).body)
    assert "credential" not in shown and "kubeconfig" not in shown
    denied = tools.call("vm_delete", {"ref": "lab/-/100"}, CALLER).body
    assert not denied["ok"] and stops.jobs == []


def test_azure_mcp_kubernetes_126_what_looks_into_a_guest_is_no_read() -> None:
    """Azure/mcp-kubernetes #126, mtclab/proxmox-mcp #33: proxy, exec and cp were reads, or ran
    without an audit. Here they are disruptive at least, so they need consent and are audited."""
    every = Operations(Catalog())
    inside = ("agent/exec", "agent/file", "termproxy", "vncproxy", "spiceproxy", "vncshell",
              "getVMPassword", "createConsoleEndpoint", "monitor", "set-user-password")  # fmt: skip
    found = [each for name, each in every.all.items() if any(word in name for word in inside)]
    assert len(found) >= 14
    for operation in found:
        assert every.risk(operation, {}) in ("disruptive", "destructive"), operation.id


@pytest.mark.parametrize("flags", [(), ("--no-auth",)])
def test_ghsa_88xv_43vf_jm73_http_does_not_start_open_to_others(
    bridge: Bridge, flags: tuple[str, ...]
) -> None:
    """GHSA-88xv-43vf-jm73, GHSA-8g49-gg89-mc45: HTTP without a key was served with a warning."""
    address = "0.0.0.0:0" if flags else "127.0.0.1:0"
    done = subprocess.run(
        bridge.command("serve", "--http", address, *flags), env=bridge.environment,
        cwd=bridge.folder, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 2 and "serves MCP" not in done.stderr


def test_basher83_proxmoxmcp_2_trust_and_consent_are_not_the_callers(
    surface: Made, tmp_path: Path
) -> None:
    """basher83/ProxmoxMCP #2 and others: certificates unverified, consent given by the model."""
    tools, _ = surface(tmp_path)
    names = {name for tool in tools.tools for name in tool.input_schema["properties"]}
    assert not [name for name in names if "appro" in name or "confirm" in name or "token" in name]
    for name, entry in Catalog().modules.items():
        options = entry["options"]["properties"]
        assert not {"validate_certs", "ca_path", "api_host", "fingerprint"} & set(options), name
    from plugins.module_utils.trust import __doc__ as said

    assert said
    from plugins.module_utils.transport import Endpoint

    assert inspect.signature(Endpoint).parameters["verify"].default is not False


def test_cve_2026_52869_nobody_gets_at_the_run_of_another() -> None:
    """CVE-2026-52869, CVE-2026-52870: an id alone gave the session and the tasks of others."""
    runs = Runs()
    begun = Begun("run-1", ("lab",), "vm_list", "read")

    def work(call: Call) -> Answer:
        call.signals.started(begun)
        return Answer({"ok": True, "status": "ok"})

    runs.perform(Call("vm_list", {}, CALLER, Signals()), work)
    assert runs.get("run-1", "os:test") is not None
    assert runs.get("run-1", "os:other") is None


def test_cve_2026_59950_there_is_no_websocket() -> None:
    """CVE-2026-59950: a WebSocket without a check of its origin."""
    for file, tree in trees():
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert not names & {"WebSocketRoute", "websocket_server"}, file


def test_cve_2025_53365_a_malformed_message_does_not_end_the_server(bridge: Bridge) -> None:
    """CVE-2025-53365, CVE-2025-53366, GHSA-j975-95f5-7wqh: an exception killed the server."""
    first = {
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"},
        },
    }  # fmt: skip
    bad = [
        "",
        "x",
        "[]",
        "{}",
        "null",
        '{"jsonrpc":"2.0"}',
        '{"id":{}}',
        "\x00",
        "[" * 5000,
        '{"a":1e999}',
    ]
    with subprocess.Popen(
        bridge.command("serve"), env=bridge.environment, cwd=bridge.folder, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as server:  # fmt: skip
        assert server.stdin is not None and server.stdout is not None
        server.stdin.write("".join(f"{line}\n" for line in [*bad, json.dumps(first)]))
        server.stdin.flush()
        answers = (json.loads(line) for line in server.stdout)
        assert next(answer for answer in answers if answer.get("id") == 1)["result"]
        server.stdin.close()
        server.wait(30)


# Of each package with an advisory above, versions that have it, up to the last one of each line.
_BAD = {
    "starlette": ("0.49.0", "1.0.0"),
    "mcp": ("1.9.3", "1.22.0", "1.28.0"),
    "ansible-core": (
        "2.15.13",
        "2.16.0",
        "2.16.13",
        *(f"2.17.{each}" for each in range(7)),
        "2.18.0",
    ),
    "ansible-runner": ("2.0.4",),
}


def test_floors_no_version_with_an_advisory_is_installed() -> None:
    """CVE-2026-48710 (starlette), CVE-2025-66416, -53365, -53366, CVE-2026-52869, -52870, -59950
    (mcp), CVE-2024-11079, -8775, -0690 (ansible-core), CVE-2021-3701, -3702 (ansible-runner).

    Red when an installer may choose one of them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [Requirement(text) for text in project["dependencies"]]
    for name, bad in _BAD.items():
        (found,) = [each for each in wanted if each.name == name]
        assert found.specifier.contains(version(name)), name
        assert list(found.specifier.filter(bad)) == [], name


def test_cve_2025_68143_no_tool_takes_a_path(surface: Made, tmp_path: Path) -> None:
    """CVE-2025-68143, -68144, -68145 (mcp-server-git): free paths as arguments."""
    tools, _ = surface(tmp_path)
    names = {name for tool in tools.tools for name in tool.input_schema["properties"]}
    assert not names & {"path", "file", "folder", "directory", "repo", "cwd", "filename"}


def test_cve_2024_11079_no_text_of_a_caller_is_a_template() -> None:
    """CVE-2024-11079 (GHSA-99w6-3xph-cx78), CVE-2023-5764, CVE-2024-8775, CVE-2024-0690,
    CVE-2024-9902: what was marked unsafe lost its mark. Every text of a job is marked, and the
    play is plain data."""
    target = Target("lab", "proxmox", ("https://127.0.0.1:1",), {}, False, Path("/"), {})
    text = "{{ lookup('pipe', 'id') }}"
    job = Job(
        "virtbridge.core.proxmox_vm", {"name": text, "tags": [text], "x": {"y": text}}, (target,)
    )
    written = play(job)
    assert written.count(json.dumps({UNSAFE: text})[1:-1]) == 3 == written.count("lookup('pipe'")


def test_cve_2026_11332_nothing_is_installed_from_galaxy() -> None:
    """CVE-2026-11332, CVE-2023-5115: code ran, files were written, when a role was installed."""
    words = [
        (file, node.value)
        for file, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value in ("ansible-galaxy", "ansible-pull")
    ]
    assert words == []


def test_cve_2020_25646_every_secret_option_is_hidden() -> None:
    """CVE-2020-25646, CVE-2019-14864: options without no_log. It follows from the declaration."""
    from plugins.module_utils.engine.spec import all_fields, argument_spec, sub_fields
    from tools.declarations import load

    def hidden(fields: Any, spec: Any) -> int:
        count = 0
        for field in fields:
            argument = spec[field.name]
            assert not field.secret or argument["no_log"] is True, field.name
            inner = argument.get("options")
            count += field.secret + (hidden(sub_fields(field), inner) if inner else 0)
        return count

    secrets = [
        hidden(all_fields(each.declaration), argument_spec(each.declaration)) for each in load()
    ]
    assert sum(secrets) > 20


def test_cve_2021_3701_the_folder_of_a_run_is_private(bridge: Bridge) -> None:
    """CVE-2021-3701 (GHSA-wwch-cmqr-hhrm), CVE-2021-3702 (GHSA-772j-xvf9-qpf5), CVE-2021-4041:
    artifacts in a place that others may write, and a race for it."""
    state = bridge.folder.parent / "state/virtbridge"
    subprocess.run(
        bridge.command("call", "target_list"), env=bridge.environment, cwd=bridge.folder,
        capture_output=True, timeout=200, check=True,
    )  # fmt: skip
    assert state.stat().st_mode & 0o777 == 0o700
    files = [each for each in state.rglob("*") if each.is_file() and not each.is_symlink()]
    assert files and not [each for each in files if each.stat().st_mode & 0o022]
