# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Direct execution gives what AnsiballZ gives, on each ansible-core, whatever a module does."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import measured, results
from tools.cores import ALSO, CORES, OWN, Core

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
HOSTS = ("here", "there")
# Where the two must differ: the ids of a job, and, up to 2.18, the frames of a traceback.
NEVER_EQUAL = re.compile(r"\.(ansible_job_id|results_file|timedout\.frame)$")
TRACES = re.compile(r"\.(exception|module_stderr)$")
# What the playbook must have tried, besides the manners of a module.
PROMISED = {
    "manners", "types", "unknown", "wrong", "missing", "masked", "hidden", "checked", "looped",
    "environment", "delegated", "once", "background", "late",
}  # fmt: skip
pytestmark = pytest.mark.timeout(300)


def cores() -> list[Any]:
    """Return our own ansible-core, and the other ones for the long suite."""
    others = [
        pytest.param(core, id=f"core-{core.name}", marks=pytest.mark.long)
        for core in (*CORES, *ALSO)
    ]
    return [pytest.param(None, id="core-own"), *others]


class Playground:
    """A folder in which the parity playbook runs, either way."""

    def __init__(self, folder: Path, core: Core | None) -> None:
        self.folder = folder
        self.name = OWN if core is None else core.name
        if core is not None and core.why_not():
            results.record(f"parity-{core.name}", {"skipped": core.why_not()})
            pytest.skip(f"ansible-core {core.name}: {core.why_not()}")
        own = Path(sys.executable).parent / "ansible-playbook"
        self.command = own if core is None else core.playbook_command()
        collections = folder / "collections/ansible_collections"
        (collections / "virtbridge").mkdir(parents=True)
        (collections / "virtbridge/core").symlink_to(ROOT)
        (collections / "vbtest").symlink_to(HERE / "vbtest")
        python = self.command.parent / "python"
        variables = f"ansible_connection=local ansible_python_interpreter={python}"
        lines = [f"{host} {variables}\n" for host in HOSTS]
        (folder / "inventory").write_text("".join(lines))

    def play(self, playbook: Path, direct: str, *more: str) -> str:
        """Run a playbook and return what it printed."""
        environment = measured.environment() | {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "VIRTBRIDGE_DIRECT": direct,
            "ANSIBLE_ASYNC_DIR": str(self.folder / "async"),
            "ANSIBLE_COLLECTIONS_PATH": str(self.folder / "collections"),
            "ANSIBLE_LOCALHOST_WARNING": "False",
        }
        done = subprocess.run(
            [str(self.command), "-i", str(self.folder / "inventory"), *more, str(playbook)],
            cwd=self.folder, env=environment, capture_output=True, text=True, timeout=200,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def version(self) -> str:
        """Return what runs here, as it says itself."""
        command = [str(self.command), "--version"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        core = re.search(r"\[core ([\w.]+)\]", said)
        python = re.search(r"python version = ([\w.]+)", said)
        return f"ansible-core {core and core[1]} on Python {python and python[1]}"

    def results(self, direct: str) -> dict[str, Any]:
        """Return what the tasks of the parity playbook gave."""
        kept = self.folder / f"kept-{direct}"
        kept.mkdir()
        self.play(HERE / "parity.yml", direct, "-e", f"kept={kept}")
        return {host: json.loads((kept / f"{host}.json").read_text()) for host in HOSTS}


@pytest.fixture(params=cores())
def playground(tmp_path: Path, request: pytest.FixtureRequest) -> Playground:
    return Playground(tmp_path, request.param)


def differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Yield where two values differ, and how."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            if key in one and key in other:
                yield from differences(one[key], other[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}: only {'normal' if key in one else 'direct'}"
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{path}[{index}]")
    elif type(one) is not type(other) or one != other:
        if TRACES.search(path) and _last_lines(one) == _last_lines(other):
            return
        if not NEVER_EQUAL.search(path):
            yield f"{path}: normal {str(one)[:200]!r}, direct {str(other)[:200]!r}"


def _last_lines(trace: Any) -> list[str]:
    return str(trace).strip().splitlines()[-1:]


def test_every_manner_gives_the_same(playground: Playground) -> None:
    normal, direct = playground.results("0"), playground.results("1")
    found = list(differences(normal, direct))
    here = normal["here"]
    manners = [each["item"] for each in here["manners"]["results"]]
    ran = {"version": playground.version(), "on": list(HOSTS), "manners": ", ".join(manners),
           "tasks": ", ".join(here), "differences": len(found)}  # fmt: skip
    results.record(f"parity-{playground.name}", ran)
    assert found == []
    assert len(manners) == 15
    assert set(here) == PROMISED


def test_a_module_is_a_child_of_the_worker_and_can_be_made_to_be_none(
    playground: Playground,
) -> None:
    """The playbook compares the parent of the module with an interpreter of its own."""
    for direct, expected in (("1", "direct"), ("0", "normal"), ("no", "normal")):
        assert f"ran {expected}" in playground.play(HERE / "way.yml", direct)
    assert "ran normal" in playground.play(HERE / "way.yml", "1", "-e", "virtbridge_direct=false")
    # The same interpreter by another name may be another environment.
    other = playground.folder / "python"
    other.symlink_to(playground.command.parent / "python")
    variable = json.dumps({"ansible_python_interpreter": str(other)})
    assert "ran normal" in playground.play(HERE / "way.yml", "1", "-e", variable)
