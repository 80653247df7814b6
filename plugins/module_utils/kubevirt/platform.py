# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""KubeVirt as the engine sees it: how to connect."""

from __future__ import annotations

from ..connection import trust_fields
from ..engine.field import Field
from ..engine.resource import Platform
from .client import connect

PLATFORM = Platform(
    name="kubevirt",
    title="KubeVirt",
    connect=connect,
    requirements=("requests >= 2.28", "kubernetes >= 24.2, for kubeconfigs"),
    mutually_exclusive=(("api_url", "kubeconfig"), ("api_token", "client_cert")),
    required_together=(("client_cert", "client_key"),),
    connection=(
        Field(
            "api_url",
            list,
            elements=str,
            role="option",
            pattern=r"https?://\S+",
            env=("K8S_AUTH_HOST",),
            doc="Addresses of the Kubernetes API, tried in order as long as nothing was sent.",
        ),
        Field(
            "api_token",
            str,
            role="option",
            secret=True,
            env=("K8S_AUTH_API_KEY",),
            doc="Bearer token, such as that of a service account.",
        ),
        Field(
            "client_cert",
            "path",
            role="option",
            env=("K8S_AUTH_CERT_FILE",),
            doc="File with the client certificate, with O(client_key).",
        ),
        Field(
            "client_key",
            "path",
            role="option",
            env=("K8S_AUTH_KEY_FILE",),
            doc="File with the key of O(client_cert).",
        ),
        Field(
            "kubeconfig",
            "path",
            role="option",
            env=("K8S_AUTH_KUBECONFIG",),
            doc="File that says where the cluster is and how to log in. Without it and "
            "O(api_url), the service account of the pod that this runs in is used. O(api_token) "
            "or O(client_cert) beside it replaces its login.",
        ),
        Field(
            "context",
            str,
            role="option",
            env=("K8S_AUTH_CONTEXT",),
            doc="Context of O(kubeconfig); the current one unless given.",
        ),
        Field(
            "impersonate_user",
            str,
            role="option",
            pattern="[!-~]+",
            env=("K8S_AUTH_IMPERSONATE_USER",),
            doc="Name of the Kubernetes user to act as. The credential must have the right to "
            "impersonate it; what that user may do decides.",
        ),
        Field(
            "impersonate_groups",
            list,
            elements=str,
            role="option",
            pattern="[!-~]([ -~]*[!-~])?",
            env=("K8S_AUTH_IMPERSONATE_GROUPS",),
            doc="Groups to act as a member of, beside O(impersonate_user), which they need. The "
            "credential must have the right to impersonate each of them.",
        ),
        *trust_fields("KUBEVIRT"),
    ),
)
