# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who asks, and what they may do: bearer tokens, client certificates, three roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..core.http import Request
from .routes import Target, VirtTarget
from .status import ApiError

TOKEN = "virtsim-admin-token-0000000000000000000000"  # noqa: S105  # opens only the simulator
READER = "virtsim-reader-token-000000000000000000000"  # see above
APPS = "virtsim-apps-token-00000000000000000000000"  # see above
CERTIFICATE_USER = "virtsim-admin"


@dataclass(frozen=True)
class User:
    """A caller: everything, everything in one namespace, or reading only."""

    name: str
    namespace: str = ""
    reads_only: bool = False


_TOKENS = {
    TOKEN: User("system:serviceaccount:default:virtsim-admin"),
    READER: User("system:serviceaccount:default:virtsim-reader", reads_only=True),
    APPS: User("system:serviceaccount:apps:virtsim-apps", namespace="apps"),
}
_READS = frozenset({"get", "list", "watch"})


def identify(request: Request) -> User:
    """Return who asks; ApiError 401 when nobody known does."""
    scheme, _space, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        user = _TOKENS.get(token.strip())
        if user is None:
            raise ApiError(401, "Unauthorized")
        return user
    name = _common_name(request.peer_certificate)
    if name == CERTIFICATE_USER:
        return User(name)
    if name is not None:
        raise ApiError(401, "Unauthorized")
    return User("system:anonymous", namespace="-")


def allowed(user: User, verb: str, namespace: str) -> bool:
    """Whether a user may do something in a namespace (empty: in the whole cluster)."""
    if user.reads_only and verb not in _READS and verb != "create-review":
        return False
    return not user.namespace or user.namespace == namespace


def check(user: User, verb: str, target: Target | VirtTarget) -> None:
    """Raise the 403 that names user, verb and resource."""
    if allowed(user, verb, target.namespace):
        return
    if isinstance(target, Target):
        resource, group, sub = target.kind.resource, target.kind.group, target.sub
    else:
        resource, group, sub = target.resource, "subresources.kubevirt.io", target.sub
    full = f"{resource}/{sub}" if sub else resource
    where = (
        f' in the namespace "{target.namespace}"' if target.namespace else " at the cluster scope"
    )
    name = f' "{target.name}"' if target.name else ""
    dotted = f"{resource}.{group}" if group else resource
    text = (
        f'{dotted}{name} is forbidden: User "{user.name}" cannot {verb} resource "{full}" in API '
        f'group "{group}"{where}'
    )
    details: dict[str, Any] = {"name": target.name, "group": group, "kind": resource}
    raise ApiError(403, text, details={key: value for key, value in details.items() if value})


def _common_name(certificate: Mapping[str, Any] | None) -> str | None:
    for pairs in (certificate or {}).get("subject", ()):
        for key, value in pairs:
            if key == "commonName":
                return str(value)
    return None
