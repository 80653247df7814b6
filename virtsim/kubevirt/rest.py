# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs of a kube-apiserver on stored objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.http import Request, Response
from . import deleting, writing
from .auth import User
from .bodies import shown
from .listing import listed
from .routes import Target
from .status import ApiError, not_found
from .store import Object, Store

if TYPE_CHECKING:
    from .simulator import KubeVirtSimulator

_SUBRESOURCES = ("", "status")


@dataclass
class Context:
    """One request on one kind of object."""

    sim: KubeVirtSimulator
    request: Request
    query: Mapping[str, str]
    target: Target
    user: User

    @property
    def store(self) -> Store:
        """The objects."""
        return self.sim.store

    @property
    def dry_run(self) -> bool:
        """Whether nothing is to be stored."""
        return self.query.get("dryRun") == "All"

    @property
    def author(self) -> str:
        """Who manages the fields that this write sets."""
        agent = self.request.headers.get("user-agent", "unknown").split("/")[0]
        return self.query.get("fieldManager") or agent or "unknown"

    def live(self) -> Object:
        """Return the object; ApiError 404 when there is none."""
        found = self.store.get(self.target.kind.key, self.target.namespace, self.target.name)
        if found is None:
            raise not_found(*self.target.gone)
        return found


def verb_of(request: Request, target: Target, query: Mapping[str, str]) -> str:
    """Return the verb that RBAC knows a request by."""
    if request.method == "GET":
        if query.get("watch") in ("1", "true"):
            return "watch"
        return "get" if target.name else "list"
    if request.method == "DELETE":
        return "delete" if target.name else "deletecollection"
    return {"POST": "create", "PUT": "update", "PATCH": "patch"}.get(request.method, "")


def answer(context: Context, verb: str) -> Response:
    """Answer a request on an object or a list of them."""
    target = context.target
    if target.sub not in _SUBRESOURCES:
        raise ApiError(405, f"virtsim: {target.kind.resource}/{target.sub} is not modelled")
    if verb == "get":
        return shown(context, context.live())
    if verb == "list":
        return listed(context)
    if verb == "create":
        return writing.create(context)
    if verb in ("update", "patch"):
        return writing.change(context, verb)
    if verb == "delete":
        return deleting.delete(context)
    raise ApiError(405, f"virtsim: {verb or context.request.method} is not modelled here")
