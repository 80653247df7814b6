# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""Where the cluster is and who asks: options, a kubeconfig, or the pod's own service account.

An explicit token or client certificate replaces the credential of a kubeconfig or pod as a
whole. The library ``kubernetes`` reads kubeconfigs (with exec and OIDC logins); it is loaded
only for these, because that alone takes up to a second.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..engine.errors import AuthError, ValidationFailed
from ..transport import Endpoint, require
from .certificate import checked

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True)
class Login:
    """An endpoint and how each request is authorised."""

    endpoint: Endpoint
    authorization: Callable[[], str | None]


def login(params: Mapping[str, Any]) -> Login:
    """Return the login that the connection options mean.

    Raises ValidationFailed when they say nothing, or a file they name cannot be used, and
    AuthError when a kubeconfig's login command gives no credential.
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
    token, certificate, key = (
        params.get(name) for name in ("api_token", "client_cert", "client_key")
    )
    pair = None
    if certificate and key:
        pair = checked(certificate, key, {"client_cert": certificate, "client_key": key})
    found = _found(params, plain, given=bool(token or pair))
    if not token and not pair:
        return found
    endpoint = replace(found.endpoint, client_certificate=pair)
    return Login(endpoint, lambda: f"Bearer {token}" if token else None)


def _found(params: Mapping[str, Any], plain: Endpoint, *, given: bool) -> Login:
    if plain.bases:
        return Login(plain, lambda: None)
    if params.get("kubeconfig"):
        return _by_kubeconfig(params, plain, given=given)
    return _of_the_pod(plain)


def _of_the_pod(plain: Endpoint) -> Login:
    host = os.environ.get("KUBERNETES_SERVICE_HOST", "")
    port = os.environ.get("KUBERNETES_SERVICE_PORT", "")
    token = ACCOUNT / "token"
    if not (host and port and token.exists()):
        raise ValidationFailed(
            "Nothing says which cluster is meant. Give target, kubeconfig, or api_url with "
            "api_token or a client certificate.",
            fields={"api_url": "needed without target and kubeconfig"},
        )
    endpoint = replace(
        plain,
        bases=(f"https://{f'[{host}]' if ':' in host else host}:{port}",),
        ca_path=plain.ca_path or str(ACCOUNT / "ca.crt"),
    )
    return Login(endpoint, lambda: f"Bearer {_read(token)}")


def _read(token: Path) -> str:
    """Return a token as it is now: the kubelet puts a new one there before it expires."""
    try:
        return token.read_text("ascii").strip()
    except (OSError, ValueError) as error:
        raise AuthError(
            f"The service account's token {token} cannot be read ({type(error).__name__}). Check "
            "what is mounted there, or give another credential."
        ) from None


def _by_kubeconfig(params: Mapping[str, Any], plain: Endpoint, *, given: bool) -> Login:
    file = str(params["kubeconfig"])
    with _heard() as said:
        configuration = _configuration(file, params.get("context"))
    certificate = None
    if configuration.cert_file and configuration.key_file and not given:
        shown = {"kubeconfig": f"a user of {file}"}
        certificate = checked(configuration.cert_file, configuration.key_file, shown)
    if said and not given and not certificate and not _authorization(configuration):
        raise AuthError(
            f"The login command of {file} gave no credential: {' '.join(said)[:500]}. Run it by "
            "itself to see why."
        )
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
    return str(found.get("value") or "").strip() or None


class _Ear(logging.Handler):
    """Notes down what is said as an error."""

    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        """Note one text down, on one line."""
        self._said.append(" ".join(record.getMessage().split()).rstrip("."))


@contextmanager
def _heard() -> Iterator[list[str]]:
    """Collect what the library says to the root logger: a failed login command is no exception."""
    said: list[str] = []

    ear = _Ear(said)
    logging.getLogger().addHandler(ear)
    try:
        yield said
    finally:
        logging.getLogger().removeHandler(ear)


def _configuration(file: str, context: str | None) -> Any:
    try:
        # Here, because most calls need no kubeconfig, and importing it is slow.
        from kubernetes import config  # noqa: PLC0415
        from kubernetes.client import Configuration  # noqa: PLC0415
        from yaml import YAMLError  # noqa: PLC0415
    except ImportError as error:
        require("kubernetes", (error.name or "kubernetes").partition(".")[0])
        raise
    configuration = Configuration()
    # It would take one of the environment, which decides nothing here.
    configuration.proxy = None
    try:
        config.load_kube_config(  # type: ignore[no-untyped-call]  # not annotated
            config_file=file,
            context=context,
            client_configuration=configuration,
            persist_config=False,
        )
    except (config.ConfigException, OSError) as error:
        why = str(error)
    except (YAMLError, ValueError, TypeError, AttributeError, KeyError) as error:
        # Its text may quote the file.
        why = f"it is malformed ({type(error).__name__})"
    else:
        return configuration
    raise ValidationFailed(
        f"The kubeconfig {file} cannot be used: {why}",
        fields={"kubeconfig": "cannot be used"},
    )
