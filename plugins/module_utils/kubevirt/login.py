# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""Where the cluster is and who asks: options, a kubeconfig, or the pod's own service account.

The library ``kubernetes`` reads kubeconfigs (with exec and OIDC logins) and service accounts;
it is loaded only for these, because that alone takes up to a second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..engine.errors import ValidationFailed
from ..transport import Endpoint, require

IN_CLUSTER = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


@dataclass(frozen=True)
class Login:
    """An endpoint and how each request is authorised."""

    endpoint: Endpoint
    authorization: Callable[[], str | None]


def login(params: Mapping[str, Any]) -> Login:
    """Return the login that the connection options mean.

    Raises ValidationFailed when they say nothing, or a kubeconfig cannot be used.
    """
    plain = Endpoint(
        bases=tuple(url.rstrip("/") for url in params.get("api_url") or ()),
        verify=params.get("validate_certs") is not False,
        ca_path=params.get("ca_path"),
        fingerprint=params.get("fingerprint"),
        proxy=params.get("proxy"),
        timeout=float(params.get("timeout") or 60),
        hint="api_url, kubeconfig",
    )
    if plain.bases:
        token = params.get("api_token")
        certificate, key = params.get("client_cert"), params.get("client_key")
        if certificate and key:
            plain = replace(plain, client_certificate=(certificate, key))
        return Login(plain, lambda: f"Bearer {token}" if token else None)
    return _loaded(params, plain)


def _loaded(params: Mapping[str, Any], plain: Endpoint) -> Login:
    configuration = _configuration(params)
    certificate = None
    if configuration.cert_file and configuration.key_file:
        certificate = (configuration.cert_file, configuration.key_file)
    endpoint = replace(
        plain,
        bases=(str(configuration.host).rstrip("/"),),
        verify=plain.verify and bool(configuration.verify_ssl),
        ca_path=plain.ca_path or configuration.ssl_ca_cert,
        proxy=plain.proxy or configuration.proxy,
        client_certificate=certificate,
    )
    return Login(endpoint, lambda: _authorization(configuration))


def _authorization(configuration: Any) -> str | None:
    """Return the header; asked for each request, since an exec or OIDC login is renewed so.

    The library's own settings are read: the name of its key is not the same in all releases.
    """
    found = configuration.auth_settings().get("BearerToken") or {}
    return found.get("value") or None


def _configuration(params: Mapping[str, Any]) -> Any:
    file = params.get("kubeconfig")
    if not file and not IN_CLUSTER.exists():
        raise ValidationFailed(
            "Nothing says which cluster is meant. Give target, kubeconfig, or api_url with "
            "api_token or a client certificate.",
            fields={"api_url": "needed without target and kubeconfig"},
        )
    try:
        # Here, because most calls need no kubeconfig, and importing it is slow.
        from kubernetes import config  # noqa: PLC0415
        from kubernetes.client import Configuration  # noqa: PLC0415
    except ImportError as error:
        require("kubernetes", (error.name or "kubernetes").partition(".")[0])
        raise
    configuration = Configuration()
    try:
        if file:
            config.load_kube_config(  # type: ignore[no-untyped-call]  # not annotated
                config_file=str(Path(file).expanduser()),
                context=params.get("context"),
                client_configuration=configuration,
                persist_config=False,
            )
        else:
            config.load_incluster_config(  # type: ignore[no-untyped-call]  # not annotated
                client_configuration=configuration
            )
    except (config.ConfigException, OSError) as error:
        raise ValidationFailed(
            f"The kubeconfig {file or 'of this pod'} cannot be used: {error}",
            fields={"kubeconfig": "cannot be used"},
        ) from None
    return configuration
