# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The KubeVirt simulator: one request in, one answer or one stream out."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from ..core.clock import Clock
from ..core.http import Reject, Request, Response
from ..core.simulator import Coverage, Simulator, Wire
from . import auth, discovery, rest, seeds, watching
from .kinds import Catalog, load
from .routes import VirtTarget, parse
from .status import ApiError, conflict
from .store import Object, Store, copied
from .virt.admission import Admission
from .virt.controllers import Controllers
from .virt.subresources import MODELLED, Subresources

_READS = frozenset({"get", "list", "watch"})


class KubeVirtSimulator(Simulator):
    """A kube-apiserver with KubeVirt, CDI and their controllers behind it."""

    platform = "kubevirt"
    faults_known = (
        "conflict",
        "crash_loop",
        "fail_import",
        "fail_snapshot",
        "fail_start",
        "gone",
        "stuck_stop",
        "webhook_down",
    )
    wire = Wire(keep_alive=60.0, max_body=3 << 20)
    client_certificates = auth.CERTIFICATES

    def __init__(
        self, *, seed: str = "small", clock: Clock | None = None, catalog: Catalog | None = None
    ) -> None:
        """Build the seeded cluster."""
        self.catalog = catalog or load()
        self.admission = Admission(self.catalog, lambda: self.store)
        self.controllers = Controllers(self)
        self.subresources = Subresources(self)
        super().__init__(seed=seed, clock=clock)

    def build(self, seed: Any) -> Any:
        """Build the cluster of a seed."""
        return seeds.build(seed, self.clock.now())

    @property
    def store(self) -> Store:
        """The objects, with the virtual time."""
        return Store(self.state, self.clock.now)

    def snapshot(self) -> Any:
        """Return the stored objects by kind; the log of events is left out."""
        return copied(self.state.tables)

    def credentials(self) -> dict[str, str]:
        """List what opens the simulator."""
        return {
            "token": auth.TOKEN,
            "reader_token": auth.READER,
            "apps_token": auth.APPS,
            "bridge_token": auth.BRIDGE,
        }

    def coverage(self) -> Coverage:
        """List modelled kinds and subresources, and the rest of the catalog."""
        kinds = sorted(
            f"{each.kind} ({each.group or 'core'})" for each in self.catalog.kinds.values()
        )
        routes = sorted(
            {f"{row['resource']}/{row['name']}" for row in self.catalog.routes if row["resource"]}
        )
        known = {f"{resource}/{sub}" for resource, sub in MODELLED}
        return Coverage(
            (*kinds, *(each for each in routes if each in known)),
            tuple(each for each in routes if each not in known),
        )

    def annotate(self, request: Request) -> None:
        """Say what is a write: reviews and dry runs change nothing."""
        query = dict(parse_qsl(request.query_string, keep_blank_values=True))
        review = "accessreviews" in request.path or "selfsubjectreviews" in request.path
        dry = query.get("dryRun") == "All"
        request.write = request.method not in ("GET", "HEAD", "OPTIONS") and not review and not dry
        request.params = query

    def polls(self, request: Request) -> bool:
        """Whether a request reads: clients wait by reading."""
        return request.method == "GET"

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        query = dict(parse_qsl(request.query_string, keep_blank_values=True))
        try:
            user = auth.identify(request)
            request.user = user.name
            return self._dispatch(request, query, user)
        except ApiError as error:
            raise Reject(error.response()) from None

    def _dispatch(self, request: Request, query: dict[str, str], user: auth.User) -> Response:
        target = parse(request.path, self.catalog)
        if isinstance(target, VirtTarget):
            verb = "get" if request.method == "GET" else "update"
            auth.check(user, verb, target)
            return self.subresources.answer(request, target)
        if target is None:
            return self._document(request.path)
        verb = rest.verb_of(request, target, query)
        review = "create-review" if target.kind.resource.endswith("reviews") else verb
        auth.check(user, review, target)
        if verb not in _READS and self.faults.take("webhook_down", request.method, request.path):
            text = 'failed calling webhook "virtualmachine-validator.kubevirt.io"'
            raise ApiError(500, f"Internal error occurred: {text}: virtsim: failed on request")
        if verb in ("update", "patch") and self.faults.take(
            "conflict", request.method, request.path
        ):
            raise conflict(*target.gone)
        context = rest.Context(self, request, query, target, user)
        if verb == "watch":
            return watching.answer(context)
        return rest.answer(context, verb)

    def _document(self, path: str) -> Response:
        if path in ("/healthz", "/livez", "/readyz"):
            return Response.text("ok")
        found = discovery.answer(path, self.catalog)
        if found is None and path.startswith("/openapi"):
            raise ApiError(404, "virtsim: OpenAPI documents are not modelled")
        if found is None:
            raise ApiError(404, "the server could not find the requested resource")
        return Response.json(found, headers={"content-type": "application/json"})

    def review(self, context: rest.Context, obj: Object) -> Object | None:
        """Answer an access review; None for everything that is stored."""
        resource = context.target.kind.resource
        if not resource.endswith("accessreviews") and resource != "selfsubjectreviews":
            return None
        if resource == "selfsubjectreviews":
            return {**obj, "status": {"userInfo": context.user.info}}
        asked = (obj.get("spec") or {}).get("resourceAttributes") or {}
        verb, namespace = asked.get("verb", "get"), asked.get("namespace", "")
        return {**obj, "status": {"allowed": auth.allowed(context.user, verb, namespace)}}
