# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A platform of one JSON file: the smallest thing that the engine's public seam accepts.

The file holds ``objects`` by name, a ``journal`` of calls, and ``faults``: each names a call and
what happens to it, once: ``lost_before``, ``lost_after``, ``ignored``, ``gone``, ``failed``,
``unavailable``, ``crash`` or ``hang``; an empty one lets the call pass.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plugins.module_utils.engine import errors
from plugins.module_utils.engine.compare import (
    as_int,
    as_set,
    as_text,
    subset,
)
from plugins.module_utils.engine.field import Field
from plugins.module_utils.engine.plan import Plan
from plugins.module_utils.engine.resource import (
    Access,
    Action,
    Api,
    Platform,
    Query,
    Raise,
    Resource,
    Risk,
    Transition,
    Wait,
)
from plugins.module_utils.engine.sending import sending

LOGIN = "login-secret-1"


class Store:
    """The file, read and written whole."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        if not self.path.exists():
            self.write({"objects": [], "journal": [], "faults": []})

    def read(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.path.read_text())
        return content

    def write(self, content: Mapping[str, Any]) -> None:
        # Another process may read at any moment: it sees the old text or the new one.
        draft = self.path.with_suffix(".draft")
        draft.write_text(json.dumps(content))
        draft.replace(self.path)

    def add(self, **values: Any) -> None:
        content = self.read()
        content["objects"].append({"state": "stopped", **values})
        self.write(content)

    def fault(self, call: str, what: str, times: int = 1) -> None:
        content = self.read()
        content["faults"] += [[call, what]] * times
        self.write(content)

    @property
    def objects(self) -> list[dict[str, Any]]:
        objects: list[dict[str, Any]] = self.read()["objects"]
        return objects

    @property
    def journal(self) -> list[str]:
        journal: list[str] = self.read()["journal"]
        return journal

    @property
    def writes(self) -> list[str]:
        return [call for call in self.journal if call != "find"]


class Client:
    """Refuses writes when opened read-only; plays the faults."""

    def __init__(self, store: Store, access: Access) -> None:
        self.store, self.access = store, access

    def call(self, name: str, change: Any = None) -> dict[str, Any]:
        if self.access.read_only and name != "find":
            raise errors.InternalError(f"{name} is a write, and this client is read-only.")
        content = self.store.read()
        names = (name,) if name == "find" else (name, "any write")
        fault = next((each for each in content["faults"] if each[0] in names), None)
        if fault:
            content["faults"].remove(fault)
        content["journal"].append(name)
        what = fault[1] if fault else ""
        if change and what not in ("lost_before", "ignored", "failed", "crash"):
            change(content)
        if what == "gone":
            content["objects"] = []
        if name == "find":
            self.store.write(content)
        else:
            with sending(self.access, name) as sent:
                sent.id = f"op-{len(content['journal'])}"
                self.store.write(content)
        _play(what, name)
        return content


def _play(what: str, name: str) -> None:
    if what.startswith("lost"):
        raise errors.UncertainOutcome(f"The answer to {name} was lost.", request=name)
    if what == "failed":
        raise errors.OperationFailed(f"{name} failed.", log=("line 1", f"password {LOGIN}"))
    if what == "unavailable":
        raise errors.Unavailable(f"{name} could not be sent.")
    if what == "crash":
        raise KeyError(f"value of {LOGIN}")
    if what == "hang":
        time.sleep(20)


@contextmanager
def connect(params: Mapping[str, Any], access: Access) -> Iterator[Client]:
    if params["password"] != LOGIN:
        raise errors.AuthError(f"The password {params['password']!r} is wrong.")
    if params["late_secret"]:
        access.secret(params["late_secret"])
        access.warn(f"late secret is {params['late_secret']}")
    yield Client(Store(Path(params["store"])), access)


class BoxOperations:
    """Everything that the four kinds of declaration need."""

    def __init__(self, client: Client, desired: Mapping[str, Any], wait: Wait) -> None:
        self.client, self.desired, self.wait = client, desired, wait
        self.settled: bool | None = None

    def find(self) -> list[dict[str, Any]]:
        objects = self.client.call("find")["objects"]
        return [{**one, "_label": f"box {one['name']}"} for one in objects if self._is(one)]

    def _is(self, one: Mapping[str, Any]) -> bool:
        return bool(one["name"] == self.desired.get("name"))

    def create(self, plan: Plan) -> None:
        def change(content: dict[str, Any]) -> None:
            stored = {k: v for k, v in plan.after.items() if k not in ("password", "source")}
            content["objects"].append({"state": "stopped", **stored})

        self.client.call("create", change)

    def update(self, actual: Mapping[str, Any], plan: Plan) -> None:
        def change(content: dict[str, Any]) -> None:
            for one in filter(self._is, content["objects"]):
                one.update({k: v for k, v in plan.after.items() if k != "password"})
                restarts = {c.path.split(".")[0]: c.after for c in plan.changes if c.restart}
                if restarts and one["state"] == "running":
                    one["_pending"] = restarts

        self.client.call("update", change)

    def delete(self, actual: Mapping[str, Any]) -> None:
        def change(content: dict[str, Any]) -> None:
            content["objects"] = [one for one in content["objects"] if not self._is(one)]

        self.client.call("delete", change)

    def power(self, actual: Mapping[str, Any], state: str) -> None:
        def change(content: dict[str, Any]) -> None:
            for one in filter(self._is, content["objects"]):
                one["state"] = state
                one.pop("_pending", None)

        self.client.call(f"power {state}", change)

    def perform(self, actual: Mapping[str, Any], transition: Transition) -> None:
        def change(content: dict[str, Any]) -> None:
            for one in filter(self._is, content["objects"]):
                one["state"] = transition.result
                one["restarts"] = one.get("restarts", 0) + (transition.name == "restarted")

        self.client.call(transition.name, change)

    def settle(self, actual: Mapping[str, Any] | None) -> bool | None:
        self.client.call("find")
        return self.desired.get("settles")

    def report(self, actual: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in actual.items() if not key.startswith("_")}

    def rows(self) -> Iterator[dict[str, Any]]:
        for one in self.client.call("find")["objects"]:
            if self._is(one) or "name" not in self.desired:
                yield one

    def risk(self) -> str:
        return "write" if self.desired["name"] == "poke" else "read"

    def call(self) -> Any:
        name = "find" if self.risk() == "read" else "poke"
        return {"objects": len(self.client.call(name)["objects"])}


TINY = Platform(
    name="tiny",
    title="Tiny",
    connection=(
        Field("store", "path", doc="File of the world."),
        Field("password", secret=True, doc="Of the account.", env=("TINY_PASSWORD",)),
        Field("late_secret", doc="Registered by the client."),
    ),
    connect=connect,
)
NAME = Field("name", doc="Name of the box.", pattern="[a-z][a-z0-9-]*")
SETTLES = Field("settles", bool, role="option", doc="What reading back proves.")
BOX = Resource(
    name="tiny_box",
    summary="A box",
    platform=TINY,
    operations=BoxOperations,
    identity=("name",),
    states=("present", "absent", "started", "stopped"),
    risk=Risk("write"),
    fields=(
        NAME,
        SETTLES,
        Field("cpus", int, min=1, max=64, compare=as_int, absent_as=1, doc="CPUs.", samples=(1, 2)),
        Field("memory", int, unit="MiB", restart=True, doc="Memory.", samples=(512, 1024)),
        Field("notes", compare=as_text, doc="Notes.", samples=("one", "two")),
        Field("zone", immutable=True, doc="Where it is.", samples=("a", "b")),
        Field("tags", list, elements=str, compare=as_set, doc="Tags.", samples=(["x"], ["y"])),
        Field("boot", list, elements=str, doc="Boot order.", samples=(["disk"], ["net"])),
        Field("labels", dict, compare=subset, doc="Labels.", samples=({"a": "1"}, {"b": "2"})),
        Field("agent_password", secret=True, doc="Readable secret.", samples=("s" * 9, "t" * 9)),
        Field("source", role="create_only", doc="Made from it.", samples=("web", "db")),
        Field(
            "password_of_guest",
            secret=True,
            write_only=True,
            doc="Not readable.",
            samples=("first-secret", "second-secret"),
        ),
        Field(
            "agent",
            dict,
            doc="The agent.",
            fields=(Field("enabled", bool, doc="On."), Field("kind", doc="Kind.")),
        ),
        Field(
            "disks",
            list,
            elements=dict,
            key="slot",
            doc="Disks.",
            fields=(
                Field("slot", doc="Where."),
                Field("size", int, min=1, unit="GiB", doc="Size."),
                Field("key", secret=True, doc="Key of the disk."),
                Field("import_from", role="create_only", doc="Image."),
            ),
        ),
    ),
)
POWER = Action(
    name="tiny_power",
    summary="Power of a box",
    platform=TINY,
    operations=BoxOperations,
    identity=("name",),
    fields=(NAME, SETTLES),
    risk=Risk("write", (Raise("settles", "disruptive", (True,)),)),
    transitions=(
        Transition("started", "running", "It runs.", frozenset({"running"})),
        Transition("stopped", "stopped", "It does not run.", frozenset({"stopped"})),
        Transition(
            "restarted",
            "running",
            "Stopped and started.",
            needs=frozenset({"running"}),
            risk="disruptive",
        ),
    ),
)
INFO = Query(
    name="tiny_info",
    summary="Boxes",
    platform=TINY,
    operations=BoxOperations,
    fields=(NAME,),
)
API = Api(
    name="tiny_api",
    summary="Any call",
    platform=TINY,
    operations=BoxOperations,
    fields=(Field("name", required=True, doc="Call."),),
)
