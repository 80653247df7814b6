# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files with which one logs in: kubeconfigs, client certificates and their keys."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

import virtsim
from virtsim.core.tls import ClientCertificate, Subject
from virtsim.kubevirt.auth import CERTIFICATES

ADMIN = CERTIFICATES["client"]


def certificate(
    sim: virtsim.SimServer, subject: Subject = ADMIN, kind: str = "valid"
) -> ClientCertificate:
    """Let the simulator issue a client certificate."""
    assert sim.certificates is not None
    return sim.certificates.client(subject, kind)


def files(folder: Path, client: ClientCertificate) -> dict[str, str]:
    """Write certificate and key; return the module's options that name them."""
    options = {"client_cert": folder / "client.pem", "client_key": folder / "client-key.pem"}
    options["client_cert"].write_text(client.certificate)
    options["client_key"].write_text(client.key)
    options["client_key"].chmod(0o600)
    return {name: str(file) for name, file in options.items()}


def data(client: ClientCertificate) -> dict[str, str]:
    """Return the user of a kubeconfig that holds certificate and key itself."""
    parts = {"client-certificate-data": client.certificate, "client-key-data": client.key}
    return {key: base64.b64encode(pem.encode()).decode() for key, pem in parts.items()}


def kubeconfig(sim: virtsim.SimServer, folder: Path, user: Mapping[str, Any]) -> str:
    """Write a kubeconfig whose one context logs this user in; return its path."""
    cluster = {"server": sim.url, "certificate-authority": str(sim.ca_file)}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "lab",
        "clusters": [{"name": "lab", "cluster": cluster}],
        "users": [{"name": "me", "user": dict(user)}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "me"}}],
    }
    file = folder / "kubeconfig"
    file.write_text(yaml.safe_dump(content))
    return str(file)
