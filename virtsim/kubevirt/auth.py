# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who asks, and what they may do: bearer tokens, client certificates, three roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..core.http import Request
from ..core.tls import Subject, trusted
from .routes import Target, VirtTarget
from .status import ApiError

TOKEN = "virtsim-admin-token-0000000000000000000000"  # noqa: S105  # opens only the simulator
READER = "virtsim-reader-token-000000000000000000000"  # see above
APPS = "virtsim-apps-token-00000000000000000000000"  # see above
BRIDGE = "virtsim-bridge-token-00000000000000000000"  # see above
MASTERS = "system:masters"
READERS = "virtsim:readers"
APPS_ADMINS = "virtsim:apps"
CERTIFICATES = {"client": Subject("virtsim-admin", MASTERS)}
ANONYMOUS = "system:anonymous"
_NOWHERE = "-"  # no namespace is called so


@dataclass(frozen=True)
class User:
    """A caller: everything, everything in one namespace, or reading only.

    ``roles`` are what groups add to that.
    """

    name: str
    namespace: str = ""
    reads_only: bool = False
    groups: tuple[str, ...] = ()
    impersonates: frozenset[str] = frozenset()
    impersonates_groups: frozenset[str] = frozenset()
    roles: tuple[User, ...] = ()

    @property
    def info(self) -> dict[str, Any]:
        """What a review says of the caller."""
        return {"username": self.name, "groups": [*self.groups, "system:authenticated"]}


def _account(space: str, name: str, **role: Any) -> User:
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{space}")
    return User(f"system:serviceaccount:{space}:{name}", groups=groups, **role)


_TOKENS = {
    TOKEN: _account("default", "virtsim-admin"),
    READER: _account("default", "virtsim-reader", reads_only=True),
    APPS: _account("apps", "virtsim-apps", namespace="apps"),
    # It may do nothing by itself, as the account of a bridge whose callers act as themselves.
    BRIDGE: _account(
        "default",
        "virtsim-bridge",
        namespace=_NOWHERE,
        impersonates=frozenset({"ann", "ben", "cat"}),
        impersonates_groups=frozenset({READERS, APPS_ADMINS}),
    ),
}
# People that only an authenticating proxy could name: all of one namespace, and reading only.
_PEOPLE = {
    "ann": User("ann", namespace="apps"),
    "ben": User("ben", reads_only=True),
}
# What groups may do; `cat` may do nothing but by them.
_GROUPS = {
    MASTERS: User(MASTERS),
    READERS: User(READERS, reads_only=True),
    APPS_ADMINS: User(APPS_ADMINS, namespace="apps"),
}
_WITH_USER = ("impersonate-group", "impersonate-uid")
_READS = frozenset({"get", "list", "watch"})


def identify(request: Request) -> User:
    """Return who asks, as the API server's chain does: a certificate, then a token.

    The second is asked when the first is refused. ApiError 401 when something was shown and
    nothing was accepted; who shows nothing is anonymous.
    """
    shown = request.peer_certificate
    scheme, _space, token = request.headers.get("authorization", "").partition(" ")
    bearer = scheme.lower() == "bearer"
    user = _certified(shown) if shown and trusted(shown) else None
    user = user or (_TOKENS.get(token.strip()) if bearer else None)
    if user is None and (bearer or (shown and not trusted(shown))):
        raise ApiError(401, "Unauthorized")
    return _acting(user or User(ANONYMOUS, namespace=_NOWHERE), request)


def _acting(user: User, request: Request) -> User:
    """Return the user that a request is made as: itself, or whom it may and wants to be.

    The right to each group is asked for by itself. Uids are refused to everybody.
    """
    headers = request.headers
    wanted = headers.get("impersonate-user")
    if wanted is None:
        if any(header in headers for header in _WITH_USER):
            raise ApiError(500, "Internal error occurred: requested without impersonating a user")
        return user
    full = MASTERS in user.groups or not (user.namespace or user.reads_only)
    if not full and wanted not in user.impersonates:
        _not_as(user, "users", wanted)
    groups = [value for name, value in request.header_lines if name == "impersonate-group"]
    for group in groups:
        if not full and group not in user.impersonates_groups:
            _not_as(user, "groups", group)
    if "impersonate-uid" in headers:
        _not_as(user, "uids", headers["impersonate-uid"])
    person = _PEOPLE.get(wanted, User(wanted, namespace=_NOWHERE))
    roles = tuple(_GROUPS[group] for group in groups if group in _GROUPS)
    return replace(person, groups=tuple(groups), roles=roles)


def _not_as(user: User, resource: str, name: str) -> None:
    text = (
        f'{resource} "{name}" is forbidden: User "{user.name}" cannot impersonate resource '
        f'"{resource}" in API group "" at the cluster scope'
    )
    raise ApiError(403, text, details={"name": name, "kind": resource})


def allowed(user: User, verb: str, namespace: str) -> bool:
    """Whether a user may do something in a namespace (empty: in the whole cluster)."""
    if verb == "create-review":
        return user.name != ANONYMOUS
    return any(_may(role, verb, namespace) for role in (user, *user.roles))


def _may(role: User, verb: str, namespace: str) -> bool:
    if role.reads_only and verb not in _READS:
        return False
    return not role.namespace or role.namespace == namespace


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


def _certified(certificate: Mapping[str, Any]) -> User | None:
    """Return the user that a subject names: common name and organizations (groups)."""
    subject = [pair for pairs in certificate.get("subject", ()) for pair in pairs]
    names = [value for key, value in subject if key == "commonName"]
    groups = tuple(value for key, value in subject if key == "organizationName")
    if not names:
        return None
    if MASTERS in groups:
        return User(names[-1], groups=groups)
    if READERS in groups:
        return User(names[-1], groups=groups, reads_only=True)
    return User(names[-1], groups=groups, namespace=_NOWHERE)
