# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the validating webhooks refuse in clones, pools, replica sets, instance types and policies.

Each function yields causes, or raises ApiError 400 where the real webhook names none (v1.9.0).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..store import Object
from .reviews import Review, refused
from .rules import Cause, Scope, cause
from .rules_network import is_malformed
from .rules_template import template

_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
_TOPOLOGIES = ("sockets", "cores", "threads", "spread", "any")
_OLD_TOPOLOGIES = {
    "preferSockets": "sockets",
    "preferCores": "cores",
    "preferThreads": "threads",
    "preferSpread": "spread",
    "preferAny": "any",
}
_ACROSS = ("SocketsCores", "CoresThreads", "SocketsCoresThreads")
_PERCENT = 100


def clone(review: Review) -> Iterator[Cause]:
    """Check a clone; whether its source exists is not asked."""
    if review.live is not None:
        return
    source, target = (review.spec.get(name) or {} for name in ("source", "target"))
    if source.get("kind") not in ("VirtualMachine", "VirtualMachineSnapshot"):
        yield cause("spec.Source.Kind", "Source kind is not supported")
    if target and target.get("kind") != "VirtualMachine":
        yield cause("spec.Target.Kind", "Target kind is not supported")
    both = source.get("kind") == target.get("kind") == "VirtualMachine"
    if both and source.get("name") == target.get("name"):
        text = "Target name cannot be equal to source name when both are VirtualMachines"
        yield cause("spec.target.name", text)
    given = review.spec.get("template") or {}
    # The real paths of the filters leave out what they filter for.
    for filters, field in (
        (review.spec.get("labelFilters"), "spec.labels"),
        (review.spec.get("annotationFilters"), "spec.annotations"),
        (given.get("labelFilters"), "spec.template.labels"),
        (given.get("annotationFilters"), "spec.template.annotations"),
    ):
        for each in filters or ():
            yield from _filter(each, field)
    for name, mac in (review.spec.get("newMacAddresses") or {}).items():
        if is_malformed(mac):
            text = f"interface {name} has malformed MAC address ({mac})."
            yield cause(f"spec.newMacAddresses.{name}", text)


def _filter(text: str, field: str) -> Iterator[Cause]:
    start = f"{field} filter {text} is invalid: cannot contain a"
    if "!" in text[1:]:
        why = "negation character (!); FilterRules: NegationChar can be only used at the beginning"
        yield cause(field, f"{start} {why} of the filter")
    if "*" in text[:-1]:
        why = "wildcard character (*); FilterRules: WildcardChar can be only at the end of the"
        yield cause(field, f"{start} {why} filter")


def _selector(review: Review, labels: Object) -> Iterator[Cause]:
    selector = review.spec.get("selector") or {}
    for each in selector.get("matchExpressions") or ():
        if each.get("operator") not in _OPERATORS:
            text = f'"{each.get("operator")}" is not a valid label selector operator'
            yield cause("spec.selector", text)
            return
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(name) != value for name, value in wanted.items()):
        yield cause("spec.selector", "selector does not match labels.")


def pool(review: Review) -> Iterator[Cause]:
    """Check a pool of machines."""
    made = review.spec.get("virtualMachineTemplate") or {}
    yield from _selector(review, (made.get("metadata") or {}).get("labels") or {})
    most = review.spec.get("maxUnavailable")
    if isinstance(most, str) and not most.endswith("%"):
        yield cause("spec.maxUnavailable", "maxUnavailable percentage must end with %")
    if review.live is not None and review.spec.get("selector") != review.old.get("selector"):
        yield cause("spec.selector", "selector is immutable after creation.")


def replica_set(review: Review) -> Iterator[Cause]:
    """Check a set of instances."""
    made = review.spec.get("template") or {}
    yield from template(Scope(made.get("spec") or {}, gates=review.gates))
    yield from _selector(review, (made.get("metadata") or {}).get("labels") or {})


def preset(review: Review) -> Iterator[Cause]:
    """Check a preset."""
    if review.spec.get("domain") is None:
        yield cause("spec.domain", "missing domain.", "FieldValueRequired")


def instance_type(review: Review) -> Iterator[Cause]:
    """Check an instance type of a cluster or of a namespace."""
    memory, here = review.spec.get("memory") or {}, "spec.memory.overcommitPercent"
    percent = memory.get("overcommitPercent") or 0
    if not 0 <= percent <= _PERCENT:
        yield cause(here, f"{here} '{percent}': must be in range between 0 and {_PERCENT}.")
    if percent and memory.get("hugepages"):
        text = "and spec.memory.hugepages should not be requested together."
        yield cause(here, f"{here} {text}")


def preference(review: Review) -> Iterator[Cause]:
    """Check a preference of a cluster or of a namespace."""
    cpu = review.spec.get("cpu") or {}
    topology, spread = cpu.get("preferredCPUTopology"), cpu.get("spreadOptions") or {}
    if topology and topology not in (*_TOPOLOGIES, *_OLD_TOPOLOGIES):
        yield cause("spec.cpu.preferredCPUTopology", f"unknown preferredCPUTopology {topology}")
    across, ratio = spread.get("across"), spread.get("ratio")
    if across and across not in _ACROSS:
        yield cause("spec.cpu.spreadOptions.across", f"across {across} is not supported")
    elif across == "CoresThreads" and ratio not in (None, 0, 2):
        text = "only a ratio of 2 (1 core 2 threads) is allowed when spreading vCPUs over cores"
        yield cause("spec.cpu.spreadOptions.ratio", f"{text} and threads")


def old_topology(review: Review) -> list[str]:
    """Return the warning about a topology whose name is to go."""
    given = (review.spec.get("cpu") or {}).get("preferredCPUTopology")
    if given not in _OLD_TOPOLOGIES:
        return []
    text = f"PreferredCPUTopology {given} is deprecated for removal in a future release,"
    return [f"{text} please use {_OLD_TOPOLOGIES[given]} instead"]


def policy(review: Review) -> Iterator[Cause]:
    """Check a migration policy."""
    if (review.spec.get("completionTimeoutPerGiB") or 0) < 0:
        yield cause("spec.completionTimeoutPerGiB", "must not be negative")


def backup(webhook: str) -> Callable[[Review], Iterator[Cause]]:
    """Return the check of a kind that a feature gate opens."""

    def check(review: Review) -> Iterator[Cause]:
        if not review.gates.on("IncrementalBackup"):
            raise refused(webhook, "IncrementalBackup feature gate not enabled")
        yield from ()

    return check
