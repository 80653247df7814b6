# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which store of authorities is loaded before a module is forked that gets these arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trustme

from plugins.module_utils import trust
from plugins.plugin_utils import trust_ahead

OWN, USUAL = "own.pem", "usual.pem"


@pytest.fixture
def stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with the usual store of this test, and another one."""
    for name in (OWN, USUAL):
        trustme.CA().cert_pem.write_to_path(tmp_path / name)
    monkeypatch.setattr(trust, "_usual", str(tmp_path / USUAL))
    monkeypatch.setattr(trust, "_SETTLED", 0.0)
    monkeypatch.setattr(trust, "_prepared", {})
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "loaded"),
    [
        ({"ca_path": OWN}, [OWN]),
        ({"ca_path": None}, [USUAL]),
        ({"ca_path": OWN, "kubeconfig": "lab.yml"}, [OWN]),
        # A kubeconfig names its own authorities, and others would be loaded in vain.
        ({"ca_path": None, "kubeconfig": "lab.yml"}, []),
        ({"ca_path": None, "kubeconfig": None}, [USUAL]),
        ({"ca_path": OWN, "validate_certs": False}, []),
        ({"ca_path": OWN, "fingerprint": "ab:cd"}, []),
        ({}, []),
    ],
)
def test_what_a_module_will_trust_is_loaded(
    stores: Path, arguments: dict[str, Any], loaded: list[str]
) -> None:
    given = dict(arguments)
    if given.get("ca_path"):
        given["ca_path"] = str(stores / given["ca_path"])
    trust_ahead.of_arguments(given)
    assert [Path(key[0]).name for key in trust._prepared] == loaded
