# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run finds nothing of the run before it, whatever that one did to its process."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.runner.conftest import BACK_ENDS, Bench

STATE = "vbtest.fixture.state"
# Names of temporary folders.
_OWN = re.compile(r'ansible[-_.][^/"]+|tmp\w{8}')


def reported(bench: Bench) -> Any:
    """Return what a run sees of itself, without what is its own by design."""
    job = bench.job(module=STATE)
    result = bench.run(job).hosts["lab"]
    assert not result.get("failed"), result
    seen = {name: result[name] for name in ("seen", "controller")}
    return json.loads(_OWN.sub("OWN", json.dumps(seen).replace(job.run_id, "RUN")))


@pytest.mark.parametrize("direct", [True, False], ids=["direct", "archive"])
@pytest.mark.parametrize("kind", BACK_ENDS)
def test_a_run_finds_nothing_of_the_one_before(tmp_path: Path, kind: str, direct: bool) -> None:
    """Red when runs have one folder for temporary files."""
    made = Bench(tmp_path, kind, direct=direct)
    try:
        before = reported(made)
        spoilt = made.run(made.job(module=STATE, args={"mode": "spoil"})).hosts["lab"]
        assert spoilt["changed"], spoilt
        assert reported(made) == before
    finally:
        made.executor.close()
    assert before["controller"] == {"environment": None, "fact": None, "facts": [], "kept": 0}
    assert before["seen"]["files"] == []
    assert before["seen"]["umask"] == 0o022
