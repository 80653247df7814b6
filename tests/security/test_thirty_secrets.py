# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Thirty secrets and more, in every encoding, are in none of the nine places that others can see.

What is no secret, the name of a target and of folders, is found in each of these places by the
same search; so it is not blind.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Set
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyotp
import pytest
from click.testing import CliRunner

from mcp_bridge.cli import cli
from mcp_bridge.runner.workspace import base_folder
from tests import results
from tests.integration.canaries import forms
from tests.mcp.test_approve import on_terminal
from tests.security import canary_calls, canary_http
from tests.security.canary_world import BACK_ENDS, World, world
from tests.security.secret_kinds import BRIDGE, MARK, Kinds
from tests.security.spoken import Looking, Spoken
from tests.unit.mcp_bridge.test_canaries import CANARIES, FORMS

SINKS = (
    "answers", "notifications", "audit", "store", "runs", "log", "commands", "processes", "files",
)  # fmt: skip
_COMMANDS = (
    ("runs",), ("audit", "show"), ("audit", "verify"), ("check-config",), ("approvals",),
)  # fmt: skip
Sinks = dict[str, dict[str, bytes]]


def _enrolled(made: World) -> None:
    """Enrol both second factors, one after the other; only its owner's screen shows the last."""
    phrase = BRIDGE["passphrase"]
    for kind, answers in (("passphrase", (phrase, phrase)), ("totp", (phrase, "totp"))):
        _code, screen = on_terminal(made.bridge, "approve", "--enroll", kind, answers=answers)
        assert "enrolled" in screen and phrase not in screen, screen
    found = re.search(r"secret: ([A-Z2-7]+)", screen)
    assert found, screen
    made.kinds.made["bridge: totp"] = found[1]


def _approved(made: World, spoken: Spoken, bodies: list[dict[str, Any]]) -> bytes:
    """Let a person approve the plan that waits, and apply it; return the person's screen."""
    (plan,) = [body["data"]["plan"] for body in bodies if body["status"] == "approval_required"]
    # Its first code was used when it was enrolled.
    code = pyotp.TOTP(str(made.kinds.made["bridge: totp"])).at(time.time() + 30)
    _code, screen = on_terminal(made.bridge, "approve", plan["code"], answers=(code,))
    assert "approved" in screen, screen
    bodies.append(spoken.ask("plan_apply", plan_id=plan["id"]))
    assert bodies[-1]["status"] == "changed", bodies[-1]
    return screen.encode()


def _commands(made: World, bodies: list[dict[str, Any]]) -> dict[str, bytes]:
    """Return what the commands of a person print; one is a process of its own, as all could be."""
    ran = [body["run_id"] for body in bodies if body.get("run_id")][:3]
    lines = [*_COMMANDS, *(("runs", "show", each) for each in ran)]
    lines += [("audit", "export", str(made.home / "export"), "--format", "csv")]
    said = {}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in made.environment.items():
            patch.setenv(name, value)
        for words in lines:
            done = CliRunner().invoke(cli, list(words))
            assert done.exit_code in (0, 1), (words, done.output)
            said[" ".join(words)] = done.output.encode()
    alone = subprocess.run(
        [*made.bridge.command(), "-v", "call", "vm_list"], env=made.environment,
        cwd=made.bridge.folder, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    return said | {"call vm_list": alone.stdout + b"\n" + alone.stderr}


def _files(folder: Path, but: Set[Path]) -> dict[str, bytes]:
    found = {}
    for file in folder.rglob("*"):
        if "links" not in file.parts and file not in but:
            # What is left of others may go while it is looked at.
            with suppress(OSError):
                found |= {str(file): file.read_bytes()} if file.is_file() else {}
    return found


def _sinks(made: World, spoken: Spoken, looking: Looking, commands: dict[str, bytes]) -> Sinks:
    files = _files(made.home, made.given)
    for name in [name for name in files if name.endswith(".key") and "/state/" in name]:
        made.kinds.made[f"bridge: {Path(name).name}"] = files.pop(name)
    log = files.pop(str(made.home / "log"))
    for folder in (*Path("/dev/shm").glob("virtbridge-*"), *Path("/tmp").glob("virtbridge-*")):
        left = _files(folder, frozenset())
        files |= {name: text for name, text in left.items() if str(made.home).encode() in text}
    audit = {each for each in files if "/audit." in each or "/export/" in each}
    store = {each for each in files if ".db" in each}
    return {
        "answers": {str(number): line for number, line in enumerate(spoken.answers)},
        "notifications": {str(number): line for number, line in enumerate(spoken.notifications)},
        "audit": {each: files.pop(each) for each in audit},
        "store": {each: files.pop(each) for each in store},
        "runs": looking.runs,
        "log": {"log": log},
        "commands": commands,
        "processes": looking.processes,
        "files": files,
    }


def hits(kinds: Kinds, sinks: Sinks) -> list[str]:
    """Return which secret stands where, and in which form."""
    found = []
    whole = {name: b"\0\n".join(texts.values()) for name, texts in sinks.items()}
    for kind, piece in kinds.pieces():
        for form in forms(piece):
            for sink in (name for name, content in whole.items() if form in content):
                given = sink == "processes" and kind == "proxmox: token of the environment"
                found += [
                    f"{kind} in {sink}: {name[:120]} as {form[:60]!r}"
                    for name, text in sinks[sink].items()
                    # The operator gave it to the bridge by its environment.
                    if form in text and not (given and "(own)" in name)
                ]
    return found


def searched(folder: Path, back_end: str, *ways: bool) -> dict[str, int]:
    """Use a bridge in every way and look for all secrets; ``ways`` are how platforms echo."""
    with canary_http.issuer() as issuer, world(folder, back_end) as made:
        canary_http.configure(made, issuer)
        made.write()
        log = made.home / "log"
        with Looking(base_folder(made.home / "state/virtbridge")) as looking:
            _enrolled(made)
            with Spoken(made.bridge, made.environment, log) as spoken:
                bodies = canary_calls.healthy(spoken, made)
                screen = _approved(made, spoken, bodies)
                for as_text in ways:
                    rows = made.bridge.table(bodies[0])
                    bodies += canary_calls.echoing(spoken, made, rows, as_text=as_text)
                canary_calls.looked_up(spoken, bodies)
            spoken.answers += canary_http.talked(made, log)
            commands = _commands(made, bodies) | {"approve": screen}
        sinks = _sinks(made, spoken, looking, commands)
    assert tuple(sinks) == SINKS
    blind = [name for name, texts in sinks.items() if MARK.encode() not in b"".join(texts.values())]
    assert blind == []
    assert len(made.kinds.all) >= 30
    found = hits(made.kinds, sinks)
    assert found == [], "\n".join(found[:40])
    return {
        "secrets": len(made.kinds.all),
        "sinks": len(sinks),
        "forms": sum(len(forms(piece)) for _name, piece in made.kinds.pieces()),
        "texts": sum(map(len, sinks.values())),
        "bytes": sum(len(text) for texts in sinks.values() for text in texts.values()),
        "answers": len(bodies),
        "hits": len(found),
    }


@pytest.mark.timeout(400)
def test_thirty_secrets_are_in_none_of_nine_places(tmp_path: Path) -> None:
    """Red when a body of Kubernetes is no secret to the table, when a refusal shows what it
    refuses, or when the module masks no hex."""
    searched(tmp_path, "warm", False)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_thirty_secrets_with_each_back_end_and_each_way_to_echo(tmp_path: Path) -> None:
    figures: dict[str, Any] = {}
    for back_end in BACK_ENDS:
        folder = tmp_path / back_end
        folder.mkdir()
        figures[back_end] = searched(folder, back_end, False, True)
    results.record("canaries", figures)


@pytest.mark.parametrize("name", sorted(CANARIES))
def test_the_search_is_not_blind(name: str) -> None:
    """Red when a form is taken out of the search: each that is masked must be found, too."""
    for form, encode in FORMS.items():
        text = f"before {encode(CANARIES[name])} after".encode()
        assert any(each in text for each in forms(CANARIES[name])), (name, form)


def test_a_secret_that_is_not_declared_would_be_found() -> None:
    """One is planted in each place, and told by place and name."""
    for sink in SINKS:
        planted: Sinks = {name: {"x": b"nothing"} for name in SINKS}
        planted[sink] = {"x": b"..." + os.fsencode(BRIDGE["passphrase"]).hex().encode()}
        found = hits(Kinds(), planted)
        assert found and {each.split(":")[1] for each in found} == {f" passphrase in {sink}"}
