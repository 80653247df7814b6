# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CloudStack simulator: one request in, one answer out."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import parse_qsl

from ..core.clock import Clock
from ..core.http import Reject, Request, Response
from ..core.simulator import Coverage, Simulator, Wire
from . import seeds
from .api import MODELLED, Call
from .auth import identify
from .catalog import Catalog, Command, load
from .errors import UNAUTHORIZED, ApiError, told, unmodelled
from .jobs import Jobs
from .params import decode

ENDPOINT = "/client/api"
MASK = "***"
_MASKED = frozenset({"signature", "apikey", "password", "userdata", "secretkey"})


class CloudStackSimulator(Simulator):
    """A management server with one zone."""

    platform = "cloudstack"
    faults_known = ("capacity", "endless_job", "fail_job", "stale", "throttle", "unknown_job")
    wire = Wire(keep_alive=30.0, headers={"server": "Jetty(virtsim)"}, max_body=1 << 20)

    def __init__(
        self,
        *,
        seed: str = "small",
        clock: Clock | None = None,
        catalog: Catalog | None = None,
        page_limit: int = 500,
    ) -> None:
        """Build the seeded cloud; `page_limit` is the setting default.page.size."""
        self.catalog = catalog or load()
        self.jobs = Jobs(self)
        self._observed: dict[str, str] = {}
        self.page_limit = page_limit
        super().__init__(seed=seed, clock=clock)

    def build(self, seed: Any) -> Any:
        """Build the cloud of a seed."""
        self._observed = {}
        return seeds.build(seed, self.clock.now())

    def credentials(self) -> dict[str, str]:
        """List what opens the simulator."""
        return dict(seeds.CREDENTIALS)

    def coverage(self) -> Coverage:
        """List modelled commands and the rest of the catalog."""
        names = {lower: each.name for lower, each in self.catalog.commands.items()}
        return Coverage(
            tuple(name for lower, name in sorted(names.items()) if lower in MODELLED),
            tuple(name for lower, name in sorted(names.items()) if lower not in MODELLED),
        )

    @staticmethod
    def path_of(name: str) -> str:
        """Return the path by which journal and faults know a command."""
        return f"{ENDPOINT}?command={name}"

    def annotate(self, request: Request) -> None:
        """Name the command in the path: all of them go to one address."""
        params = _parameters(request)
        known = self.catalog.find(params.get("command", ""))
        request.write = bool(known and known.writes)
        secret = _MASKED | {each.lower() for each in _secrets(known)}
        request.params = {
            name: MASK if name.lower() in secret else value for name, value in params.items()
        }
        if request.path.rstrip("/") == ENDPOINT and "command" in params:
            request.path = self.path_of(known.name if known else params["command"])

    def polls(self, request: Request) -> bool:
        """Whether a request asks for a job: that is how clients wait."""
        return request.path == self.path_of("queryAsyncJobResult")

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        params = _parameters(request)
        if not request.path.startswith(ENDPOINT):
            return Response.text("<html><h1>404 Not Found</h1></html>", 404, kind="text/html")
        name = params.get("command", "")
        if params.get("response", "xml").lower() != "json":
            return _failure("error", unmodelled("An answer other than response=json"))
        command, role = self.catalog.find(name), "Admin"
        try:
            user = identify(self.state.tables["users"], params, time.time())
            request.user, role = str(user["username"]), str(user["role"])
            return self._dispatch(name, command, params, user)
        except ApiError as error:
            label = command.name if command and error.code != UNAUTHORIZED else "error"
            shown = ApiError(error.code, told(error, role), error.cserror)
            raise Reject(_failure(label, shown)) from None

    def _dispatch(
        self, name: str, command: Command | None, params: dict[str, str], user: dict[str, Any]
    ) -> Response:
        if command is None or not command.allowed(user["role"]):
            text = (
                f"The given command '{name}' either does not exist, is not available for user, or "
                "not available from ip address '/127.0.0.1'."
            )
            raise ApiError(UNAUTHORIZED, text)
        path = self.path_of(command.name)
        if self.faults.take("throttle", "POST", path):
            raise ApiError(
                429, "The given user has reached his/her account api limit, please retry"
            )
        model = MODELLED.get(command.name.lower())
        decoded = decode(command, params, self.state, user["role"])
        if model is None:
            raise unmodelled(f"Command {command.name}")
        if command.writes and any(rule.fault == "stale" for rule in self.faults.rules()):
            rows = self.state.rows("machines")
            self._observed = {row["id"]: str(row["state"]) for row in rows}
        return _answer(command.name, model.answer(Call(self, command, decoded, user)))

    def observed(self, name: str) -> dict[str, str] | None:
        """Return the states before the last write, None when the present is to be shown."""
        if not self.faults.take("stale", "POST", self.path_of(name)) or not self._observed:
            return None
        return self._observed


def _parameters(request: Request) -> dict[str, str]:
    """Return the parameters of query and form; the signature covers both."""
    pairs = parse_qsl(request.query_string, keep_blank_values=True)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        pairs += parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    return dict(pairs)


def _secrets(command: Command | None) -> tuple[str, ...]:
    return tuple(command.facts.get("secret_params", ())) if command else ()


def _answer(name: str, content: dict[str, Any]) -> Response:
    body = json.dumps({f"{name.lower()}response": content}, ensure_ascii=False)
    return Response(200, body.encode(), {"content-type": "application/json;charset=UTF-8"})


def _failure(name: str, error: ApiError) -> Response:
    content = {
        "uuidList": [],
        "errorcode": error.code,
        "cserrorcode": error.cserror,
        "errortext": error.text,
    }
    answer = _answer(name, content)
    answer.status = error.code
    answer.headers = {**answer.headers, "X-Description": error.text.replace("\n", " ")[:400]}
    return answer
