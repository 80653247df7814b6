# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""The power of a KubeVirt virtual machine."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...engine.errors import Unsupported, ValidationFailed
from ...engine.resource import Action, Raise, Risk, Transition, Wait
from .. import machines
from ..client import Client
from ..kinds import VM, VMI, subresource
from ..platform import PLATFORM
from ..waiting import until
from .vm_fields import FORCE, NAME, NAMESPACE, RETURNED

STRATEGY = "virtbridge.core/run-strategy"
"""Annotation that keeps the strategy of a machine that was stopped by making it Halted."""
_LOOKS = 4
_BETWEEN_LOOKS = 0.5


@dataclass(frozen=True)
class _Sent:
    """A call that was sent: the state it leads to, its name, the instance it ends, what was."""

    state: str
    what: str
    old: str | None
    before: tuple[Any, ...]


class VmPower:
    """Finds one virtual machine and moves it between power states.

    The lifecycle calls of KubeVirt edit the run strategy: stop makes Always and Once Halted, and
    start makes Halted Always (v1.9.0). A strategy that would be lost is kept in an annotation.
    """

    def __init__(self, client: Client, desired: Mapping[str, Any], wait: Wait) -> None:
        self._client, self._desired, self._wait = client, desired, wait
        self._sent: _Sent | None = None

    def find(self) -> Sequence[Mapping[str, Any]]:
        """Return the machine of that name with its running instance; two requests."""
        place = self._place()
        vm = self._client.get(VM, *place)
        if vm is None:
            return []
        return [self._actual(vm, self._client.get(VMI, *place))]

    def _place(self) -> tuple[str, str]:
        return str(self._desired["namespace"]), str(self._desired["name"])

    @staticmethod
    def _actual(vm: Mapping[str, Any], vmi: Mapping[str, Any] | None) -> dict[str, Any]:
        state, label = machines.state_of(vm), machines.label(vm)
        uid = vm["metadata"].get("uid")
        return {"state": state, "_label": label, "_uid": uid, "_vm": vm, "_vmi": vmi}

    def perform(self, actual: Mapping[str, Any], transition: Transition) -> None:
        """Send the one call that leads there, and wait until it is so."""
        name = transition.name
        if name == "reset":
            # Nothing that can be read shows a reset.
            self._client.write("PUT", subresource(VMI, *self._where(actual), name))
            self._wait_for(actual, transition.result, name)
        elif name in ("started", "stopped"):
            self.bring(actual, transition.result)
        elif name == "restarted":
            self._restart(actual)
        else:
            call = {"paused": "pause", "resumed": "unpause"}[name]
            self._remember(actual, transition.result, name)
            self._client.write("PUT", subresource(VMI, *self._where(actual), call))
            self._wait_for(actual, transition.result, name)

    def bring(self, actual: Mapping[str, Any], state: str) -> None:
        """Start or stop a machine, and wait for it; its run strategy stays what it was."""
        what = "started" if state == "running" else "stopped"
        self._remember(actual, state, what)
        if state == "running":
            self._start(actual)
        else:
            self._stop(actual)
        self._wait_for(actual, state, what)

    def _remember(
        self, actual: Mapping[str, Any], state: str, what: str, old: str | None = None
    ) -> None:
        """Keep what a call may change, so that a lost answer can be told from a lost call."""
        self._sent = _Sent(state, what, old, _fingerprint(actual["_vm"], actual["_vmi"]))

    @staticmethod
    def _where(actual: Mapping[str, Any]) -> tuple[str, str]:
        metadata = actual["_vm"]["metadata"]
        return metadata["namespace"], metadata["name"]

    def _start(self, actual: Mapping[str, Any]) -> None:
        vm, place = actual["_vm"], self._where(actual)
        if actual["state"] == "paused":
            self._client.write("PUT", subresource(VMI, *place, "unpause"))
            return
        strategy = machines.strategy_of(vm)
        if strategy == "Always" or actual["state"] in ("starting", "provisioning"):
            # It is to run already: KubeVirt starts it, and what keeps it from that is waited out.
            return
        kept = (vm["metadata"].get("annotations") or {}).get(STRATEGY)
        if strategy == "Halted" and kept:
            patch = {"metadata": _with(vm, {STRATEGY: None}), "spec": {"runStrategy": kept}}
            self._client.patch(VM, *place, patch)
            return
        if strategy == "Once":
            raise Unsupported(
                f"{actual['_label']} has the run strategy Once and has ended; KubeVirt does not "
                "start it again. Change its run strategy."
            )
        self._client.write("PUT", subresource(VM, *place, "start"), {})

    def _stop(self, actual: Mapping[str, Any]) -> None:
        vm, place = actual["_vm"], self._where(actual)
        strategy = machines.strategy_of(vm)
        # start makes Halted Always, so any other strategy that stop would lose is remembered.
        if strategy == "Once" and not self._desired.get("force"):
            patch = {"metadata": _with(vm, {STRATEGY: strategy}), "spec": {"runStrategy": "Halted"}}
            self._client.patch(VM, *place, patch)
            return
        body = {"gracePeriod": 0} if self._desired.get("force") else {}
        self._client.write("PUT", subresource(VM, *place, "stop"), body)

    def _restart(self, actual: Mapping[str, Any]) -> None:
        vm, vmi = actual["_vm"], actual["_vmi"]
        if vmi is None:
            self.bring(actual, "running")
            return
        strategy = machines.strategy_of(vm)
        if strategy in ("Halted", "Once"):
            raise ValidationFailed(
                f"{actual['_label']} has the run strategy {strategy}, with which KubeVirt restarts "
                "nothing. Nothing was changed; change its run strategy.",
                fields={"state": f"not possible with the run strategy {strategy}"},
            )
        old = str(vmi["metadata"]["uid"])
        self._remember(actual, "running", "restarted", old)
        body = {"gracePeriodSeconds": 0} if self._desired.get("force") else {}
        self._client.write("PUT", subresource(VM, *self._where(actual), "restart"), body)
        self._wait_for(actual, "running", "restarted", old=old)

    def _wait_for(
        self, actual: Mapping[str, Any], state: str, what: str, old: str | None = None
    ) -> None:
        """Wait for a state; with ``old``, until another instance than that runs."""
        if not self._wait.enabled:
            return
        place = self._where(actual)

        def judge(vm: Mapping[str, Any] | None) -> bool:
            if state == "running":
                machines.refuse_failure(vm)
            if vm is None or machines.state_of(vm) != state:
                return False
            return old is None or self._uid(place) not in (None, old)

        until(self._client, VM, place, judge, timeout=self._wait.timeout, what=what)

    def _uid(self, place: tuple[str, str]) -> str | None:
        vmi = self._client.get(VMI, *place)
        return str(vmi["metadata"]["uid"]) if vmi else None

    def settle(self, actual: Mapping[str, Any] | None) -> bool | None:
        """Tell whether a lost call was applied: it changed the machine or its instance.

        What it began is then waited out. None where nothing would show it.
        """
        if self._sent is None or actual is None:
            return None
        sent, self._sent = self._sent, None
        place = self._where(actual)
        for look in range(_LOOKS):
            vm = self._client.get(VM, *place)
            if vm is None or _fingerprint(vm, self._client.get(VMI, *place)) != sent.before:
                self._wait_for(actual, sent.state, sent.what, old=sent.old)
                return True
            if look < _LOOKS - 1:
                time.sleep(_BETWEEN_LOOKS)
        return False

    def report(self, actual: Mapping[str, Any]) -> dict[str, Any]:
        """Return the normalised object."""
        return machines.normalised(actual["_vm"], actual["_vmi"], {})


def _fingerprint(vm: Mapping[str, Any], vmi: Mapping[str, Any] | None) -> tuple[Any, ...]:
    """Return what a power call changes, as it is."""
    metadata = (vmi or {}).get("metadata") or {}
    return (
        machines.strategy_of(vm),
        bool((vm.get("status") or {}).get("stateChangeRequests")),
        metadata.get("uid"),
        bool(metadata.get("deletionTimestamp")),
        vmi is not None and machines.has(vmi, "Paused"),
    )


def _with(vm: Mapping[str, Any], annotations: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata that changes annotations of exactly this version of a machine."""
    version = vm["metadata"]["resourceVersion"]
    return {"resourceVersion": version, "annotations": dict(annotations)}


VM_POWER = Action(
    name="kubevirt_vm_power",
    summary="Start, stop, restart, pause or reset a KubeVirt virtual machine",
    description=(
        "Brings an existing virtual machine to a power state, and verifies that it got there; a "
        "restart is proven by the new instance.",
        "A machine that is already there is left alone and reported as unchanged. Its run strategy "
        "is the same after a stop and a start.",
    ),
    platform=PLATFORM,
    operations=VmPower,
    identity=("name",),
    returns=RETURNED,
    risk=Risk("write", (Raise("force", "destructive", (True,)),)),
    request_budget=2,
    transitions=(
        Transition("started", "running", "Running.", satisfied_by=frozenset({"running"})),
        Transition(
            "stopped",
            "stopped",
            "Shut down by the guest, or switched off with O(force).",
            satisfied_by=frozenset({"stopped"}),
            risk="disruptive",
        ),
        Transition(
            "restarted",
            "running",
            "Shut down and started again; a stopped machine is started.",
            risk="disruptive",
        ),
        Transition(
            "reset",
            "running",
            "Reset at once, as by the button.",
            needs=frozenset({"running"}),
            risk="disruptive",
        ),
        Transition(
            "paused",
            "paused",
            "Halted, with its memory kept.",
            satisfied_by=frozenset({"paused"}),
            needs=frozenset({"running"}),
            risk="disruptive",
        ),
        Transition(
            "resumed",
            "running",
            "Going on after a pause.",
            satisfied_by=frozenset({"running"}),
            needs=frozenset({"paused"}),
        ),
    ),
    fields=(NAME, NAMESPACE, FORCE),
)
