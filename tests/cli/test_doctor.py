# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""`virtbridge doctor`: a healthy installation is called so, and each planted fault is found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from mcp_bridge.audit import Audit
from mcp_bridge.audit_file import Places
from mcp_bridge.doctor import installation, machine
from tests import measured

ROOT = Path(__file__).parents[2]
QUICK = (
    "python", "ansible-core", "libraries", "collection", "other copy", "configuration", "secrets",
    "encoding", "isolation", "state folder", "audit", "store", "disk", "run folders",
)  # fmt: skip
NO_NAMESPACES = "echo 0 > /proc/sys/user/max_pid_namespaces && exec "


class Patient:
    """An installation in a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.plants = home / "plants"
        self.plants.mkdir()
        self.state = home / "state" / "virtbridge"
        self.state.mkdir(mode=0o700, parents=True)
        self.files = home / "virtbridge"
        self.files.mkdir()
        self.environment = measured.environment() | {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{self.plants}:{ROOT}",
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home),
            "XDG_STATE_HOME": str(home / "state"),
            "LC_ALL": "C.UTF-8",
        }

    def install(self, name: str, version: str, *needs: str) -> None:
        """Let a distribution of this version seem installed."""
        folder = self.plants / f"{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        lines += [f"Requires-Dist: {need}" for need in needs]
        (folder / "METADATA").write_text("\n".join(lines) + "\n")

    def doctor(self, *words: str, before: tuple[str, ...] = ()) -> tuple[int, dict[str, Any]]:
        """Return the exit code, and what was found by the name of each check."""
        command = [*before, sys.executable, "-m", "mcp_bridge.cli", "doctor", "--json", *words]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=200,
            check=False, cwd=self.home,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        body = json.loads(done.stdout)
        found = {each["name"]: each for each in body["checks"]}
        assert body["ok"] is (done.returncode == 0)
        for each in found.values():
            assert each["words"]
            assert bool(each["mend"]) is (each["verdict"] != "ok"), each
        return done.returncode, found


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    return Patient(tmp_path)


def verdicts(found: dict[str, Any]) -> dict[str, str]:
    """Return what is not as it should be, but for the folder of runs when that is only a warning.

    It is one for all bridges of this user, those of other tests that kill theirs too.
    """
    said = {name: each["verdict"] for name, each in found.items()}
    return {
        name: verdict
        for name, verdict in said.items()
        if verdict != "ok" and (name, verdict) != ("run folders", "warn")
    }


def test_a_healthy_installation_is_healthy_and_runs(patient: Patient) -> None:
    # The suites are also run without a fork server, which the doctor tells of: the test below.
    patient.environment.pop("VIRTBRIDGE_RUNNER", None)
    code, found = patient.doctor()
    assert verdicts(found) == {}, found
    assert code == 0
    assert tuple(found) == (*QUICK, "a run", "fork server")
    assert "warm" in found["a run"]["words"]
    kept = [path.name for path in patient.state.iterdir()]
    assert "audit.jsonl" not in kept


def test_without_a_fork_server_it_says_so(patient: Patient) -> None:
    patient.environment["VIRTBRIDGE_RUNNER"] = "cold"
    code, found = patient.doctor()
    assert (code, verdicts(found)) == (0, {"fork server": "warn"})
    assert "VIRTBRIDGE_RUNNER" in found["fork server"]["words"]


def _old_core(patient: Patient) -> None:
    patient.install("ansible-core", "2.15.9")


def _new_core(patient: Patient) -> None:
    patient.install("ansible-core", "2.99.0")


def _old_library(patient: Patient) -> None:
    patient.install("proxmoxer", "1.3.1")


def _missing_library(patient: Patient) -> None:
    patient.install("virtbridge", "9.9", "nosuchlib>=1")


def _other_copy(patient: Patient) -> None:
    place = patient.home / ".ansible/collections/ansible_collections/virtbridge/core"
    place.mkdir(parents=True)
    facts = {"collection_info": {"version": "0.0.7"}}
    (place / "MANIFEST.json").write_text(json.dumps(facts))


def _wrong_key(patient: Patient) -> None:
    (patient.files / "virtbridge.yml").write_text("servr: {}\n")


def _open_secret(patient: Patient) -> None:
    (patient.files / "token").write_text("s")
    (patient.files / "token").chmod(0o644)
    credential = {"token_id": "a@b!c", "token_secret_file": "token"}
    spec = {"platform": "proxmox", "url": "https://192.0.2.1:8006", "credential": credential}
    (patient.files / "targets.yml").write_text(yaml.safe_dump({"targets": {"lab": spec}}))


def _odd_locale(patient: Patient) -> None:
    patient.environment |= {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def _open_state(patient: Patient) -> None:
    patient.state.chmod(0o777)


def _readable_state(patient: Patient) -> None:
    patient.state.chmod(0o755)


def _no_state(patient: Patient) -> None:
    patient.state.rmdir()
    patient.state.write_text("in the way")


def _open_audit(patient: Patient) -> None:
    (patient.state / "audit.jsonl").touch()
    (patient.state / "audit.jsonl").chmod(0o644)


def _audited(patient: Patient) -> Path:
    path = patient.state / "audit.jsonl"
    audit = Audit(Places.beside(path, key=patient.state / "audit.key"))
    for number in range(3):
        audit.outcome(f"r{number}", "successful")
    return path


def _cut_audit(patient: Patient) -> None:
    path = _audited(patient)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


def _moved_audit(patient: Patient) -> None:
    path = _audited(patient)
    audit = Audit(Places.beside(path, key=patient.state / "audit.key"))
    closed = audit.rotate("os:me")
    assert closed is not None
    closed.unlink()


def _broken_store(patient: Patient) -> None:
    (patient.state / "state.db").touch(mode=0o600)
    (patient.state / "state.db").write_bytes(b"no store" * 200)


@pytest.mark.parametrize(
    ("plant", "verdict", "name", "says"),
    [
        (_old_core, "fail", "ansible-core", "2.15.9"),
        (_new_core, "warn", "ansible-core", "2.99.0"),
        (_old_library, "fail", "libraries", "proxmoxer is 1.3.1, must be >=2.0"),
        (_missing_library, "fail", "libraries", "nosuchlib is not installed"),
        (_other_copy, "warn", "other copy", "0.0.7"),
        (_wrong_key, "fail", "configuration", "did you mean server"),
        (_open_secret, "fail", "secrets", "token"),
        (_odd_locale, "warn", "encoding", "ascii"),
        (_open_state, "fail", "state folder", "others may write"),
        (_readable_state, "warn", "state folder", "others may look"),
        (_no_state, "fail", "state folder", "cannot be written"),
        (_open_audit, "fail", "audit", "chmod 600"),
        (_cut_audit, "fail", "audit", "audit.jsonl: "),
        (_moved_audit, "warn", "audit", "audit.0001.jsonl is missing"),
        (_broken_store, "fail", "store", "cannot be used"),
    ],
)
def test_a_planted_fault_is_found(
    patient: Patient, plant: Callable[[Patient], None], verdict: str, name: str, says: str
) -> None:
    """Red for each check that always finds everything in order."""
    plant(patient)
    code, found = patient.doctor("--quick")
    assert found[name]["verdict"] == verdict, found[name]
    assert says in found[name]["words"]
    assert code == (1 if verdict == "fail" else 0)
    others = {each: word for each, word in verdicts(found).items() if each != name}
    assert set(others) <= {"audit", "disk", "run folders"}, others


def test_an_audit_that_is_whole_is_said_to_be(patient: Patient) -> None:
    _audited(patient)
    code, found = patient.doctor("--quick")
    assert code == 0
    assert "its 3 lines are whole" in found["audit"]["words"]


def test_no_pid_namespaces_are_found(patient: Patient) -> None:
    shell = ("unshare", "-Ur", "sh", "-c", f'{NO_NAMESPACES} "$@"', "sh")
    if subprocess.run([*shell, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let a test forbid them")
    code, found = patient.doctor("--quick", before=shell)
    assert found["isolation"]["verdict"] == "warn"
    assert "guard" in found["isolation"]["words"]
    assert code == 0


def test_what_cannot_be_planted_from_outside_is_found_too(tmp_path: Path) -> None:
    assert installation.python((3, 10)).verdict == "fail"
    assert [machine.disk(tmp_path, free << 20).verdict for free in (10, 200, 900)] == [
        "fail", "warn", "ok",
    ]  # fmt: skip
    nowhere = tmp_path / "nowhere"
    assert machine.run_folders(tmp_path, nowhere).verdict == "warn"
    dead = tmp_path / "runs" / "dead"
    dead.mkdir()
    os.utime(dead, (1, 1))
    assert "1 of runs that died" in machine.run_folders(tmp_path, nowhere).words
    (tmp_path / "file").touch()
    assert machine.run_folders(tmp_path / "file", nowhere).verdict == "fail"
    assert installation.collection(tmp_path / "mcp_bridge").verdict == "fail"


def test_the_words_are_for_people(patient: Patient) -> None:
    _old_core(patient)
    command = [sys.executable, "-m", "mcp_bridge.cli", "doctor", "--quick"]
    done = subprocess.run(
        command, env=patient.environment, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 1
    assert "fail ansible-core: 2.15.9; tested are 2.16 to" in done.stdout
    assert '→ Run pip install "ansible-core>=2.16".' in done.stdout
    assert f"{len(QUICK)} checks: 1 failed" in done.stdout
    _odd_locale(patient)
    odd = subprocess.run(command, env=patient.environment, capture_output=True, check=False)
    assert b"warn encoding" in odd.stdout
    assert b"Traceback" not in odd.stderr
