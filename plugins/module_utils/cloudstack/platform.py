# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""Apache CloudStack as the engine sees it: how to connect."""

from __future__ import annotations

from ..connection import trust_fields
from ..engine.field import Field
from ..engine.resource import Platform
from .client import connect

PLATFORM = Platform(
    name="cloudstack",
    title="Apache CloudStack",
    connect=connect,
    requirements=("requests >= 2.28",),
    required_together=(("api_key", "api_secret"),),
    connection=(
        Field(
            "api_url",
            list,
            elements=str,
            role="option",
            pattern=r"https?://\S+",
            env=("CLOUDSTACK_ENDPOINT",),
            doc="Addresses of the API, such as V(https://cloud.example.org/client/api). They are "
            "tried in order as long as nothing was sent.",
        ),
        Field(
            "api_key",
            str,
            role="option",
            secret=True,
            env=("CLOUDSTACK_KEY",),
            doc="API key of the user. It goes with each request and is masked like a secret.",
        ),
        Field(
            "api_secret",
            str,
            role="option",
            secret=True,
            env=("CLOUDSTACK_SECRET",),
            doc="Secret key of the user; it signs each request and is never sent.",
        ),
        *trust_fields("CLOUDSTACK"),
    ),
)
