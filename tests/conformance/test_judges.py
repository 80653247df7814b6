# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""MCP's whole requirement sets on the application with the suite's fixtures, and its Inspector."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.test_official_suite import NODE, ROOT, SUITE
from tests.mcp.conftest import Bridge, Http

INSPECTOR = SUITE.parents[2] / "inspector/clients/launcher/build/index.js"
ERAS = ("legacy", "auto", "modern")
SCORED = {"2025-11-25": 30, "2026-07-28": 37}
RESULT = re.compile(r"^(✓|✗) (\S+): \d+ passed, \d+ failed", re.MULTILINE)
UNSCORED = re.compile(r"^  [✓✗] (\S+) \(", re.MULTILINE)
pytestmark = pytest.mark.skipif(
    not INSPECTOR.exists(), reason="the judges are not installed: make build/node.stamp"
)


@pytest.fixture
def bridge(tmp_path: Path) -> Bridge:
    folder = tmp_path / "virtbridge"
    folder.mkdir(mode=0o700)
    return Bridge(folder)


class FixtureServer(Http):
    """The fixture server in the place of `virtbridge serve`."""

    def __init__(self, bridge: Bridge) -> None:
        self.start(bridge, [sys.executable, "-m", "tests.conformance.fixture_server"])


@pytest.fixture
def url(bridge: Bridge) -> Iterator[str]:
    with FixtureServer(bridge) as server:
        yield server.url


@pytest.mark.parametrize("revision", SCORED)
def test_every_requirement_of_a_revision_is_met(url: str, tmp_path: Path, revision: str) -> None:
    """Red when the server does not ask its provider for resources."""
    done = subprocess.run(
        [str(NODE), str(SUITE), "server", "--url", url, "--requirements", revision],
        cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    unscored = set(UNSCORED.findall(done.stdout))
    ends = [(name, mark) for mark, name in RESULT.findall(done.stdout) if name not in unscored]
    assert [name for name, mark in ends if mark != "✓"] == []
    assert len(ends) == SCORED[revision]


def inspect(bridge: Bridge, era: str, *target: str) -> dict[str, object]:
    """Return the tools that the Inspector lists; it must say nothing about their schemas."""
    done = subprocess.run(
        [
            str(NODE), str(INSPECTOR), "--cli", *target, "--method", "tools/list", "--strict",
            "--format", "json", "--protocol-era", era,
        ],
        cwd=ROOT, env=bridge.environment, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    result: dict[str, object] = json.loads(done.stdout)["result"]
    return result


@pytest.mark.parametrize("era", ERAS)
def test_the_inspector_finds_nothing_on_standard_input_and_output(bridge: Bridge, era: str) -> None:
    """Red when a schema has a part that says nothing, such as `data: {}` in the answer's."""
    assert inspect(bridge, era, *bridge.command("serve"))["tools"]


@pytest.mark.parametrize("era", ERAS)
def test_the_inspector_finds_nothing_over_http(bridge: Bridge, era: str) -> None:
    with Http(bridge) as server:
        assert inspect(bridge, era, server.url, "--transport", "http")["tools"]
