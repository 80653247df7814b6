# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""Proxmox VE as the engine sees it: how to connect."""

from __future__ import annotations

from ..connection import trust_fields
from ..engine.field import Field
from ..engine.resource import Platform
from .api import connect

PLATFORM = Platform(
    name="proxmox",
    title="Proxmox VE",
    connect=connect,
    requirements=("proxmoxer >= 2.0", "requests >= 2.28"),
    mutually_exclusive=(("api_token_id", "api_user"),),
    required_together=(("api_token_id", "api_token_secret"), ("api_user", "api_password")),
    connection=(
        Field(
            "api_host",
            list,
            elements=str,
            role="option",
            env=("PROXMOX_HOST",),
            doc="Nodes of one cluster, each as host or host:port. They are tried in order as long "
            "as nothing was sent.",
        ),
        Field(
            "api_port",
            int,
            role="option",
            min=1,
            max=65535,
            env=("PROXMOX_PORT",),
            doc="Port where O(api_host) names none. The API listens on 8006.",
        ),
        Field(
            "api_token_id",
            str,
            role="option",
            pattern=r"[^@\s!]+@[^@\s!]+![^@\s!]+",
            env=("PROXMOX_TOKEN_ID",),
            doc="API token as user@realm!name. Preferred over a password: it needs no login.",
        ),
        Field(
            "api_token_secret",
            str,
            role="option",
            secret=True,
            env=("PROXMOX_TOKEN_SECRET",),
            doc="Secret of the API token.",
        ),
        Field(
            "api_user",
            str,
            role="option",
            pattern=r"[^@\s!]+@[^@\s!]+",
            env=("PROXMOX_USER",),
            doc="User as user@realm, with O(api_password).",
        ),
        Field(
            "api_password",
            str,
            role="option",
            secret=True,
            env=("PROXMOX_PASSWORD",),
            doc="Password of O(api_user).",
        ),
        Field(
            "api_totp",
            str,
            role="option",
            secret=True,
            doc="Time-based one-time password, for users with a second factor.",
        ),
        *trust_fields(
            "PROXMOX",
            "File with the CA certificate to trust, such as a copy of the cluster's "
            "C(/etc/pve/pve-root-ca.pem).",
        ),
    ),
)
