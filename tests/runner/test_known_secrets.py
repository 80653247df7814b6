# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bridge masks of a target that logs in by a kubeconfig."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import yaml

from mcp_bridge.runner.keeping import known_secrets

KEY = "-----BEGIN PRIVATE KEY-----\nMHcCAQEEIJ0o3uK5t3rGm9Yb\n-----END PRIVATE KEY-----\n"


def _known(folder: Path, kubeconfig: str) -> list[str]:
    (folder / "kubeconfig").write_text(kubeconfig)
    credential = {"kubeconfig": str(folder / "kubeconfig"), "context": "lab"}
    targets = folder / "targets.yml"
    targets.write_text(json.dumps({"targets": {"lab": {"credential": credential}}}))
    return known_secrets(targets)


def test_the_secrets_of_a_kubeconfig_are_known(tmp_path: Path) -> None:
    """Red when a kubeconfig is taken for no file with secrets."""
    data = base64.b64encode(KEY.encode()).decode()
    user = {"token": "first-token", "password": "second", "client-key-data": data}
    oidc = {"name": "oidc", "config": {"id-token": "third-token", "client-id": "lab"}}
    content = {"users": [{"name": "me", "user": {**user, "auth-provider": oidc}}]}
    # Either is YAML; people have both.
    for text in (yaml.safe_dump(content), json.dumps(content)):
        found = _known(tmp_path, text)
        assert {"first-token", "second", data, "third-token", KEY} <= set(found)
        assert "MHcCAQEEIJ0o3uK5t3rGm9Yb" in found
        assert not {"me", "lab", "oidc"} & set(found)


def test_what_is_no_kubeconfig_has_no_secrets(tmp_path: Path) -> None:
    for text in ("", "token", "{", "- a", "a: !!python/name:os.system"):
        assert _known(tmp_path, text) == []
