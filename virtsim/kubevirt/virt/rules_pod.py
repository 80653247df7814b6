# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on names, placement, probes, DNS and annotations of a template. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from .rules import Cause, Scope, cause, label_fault

_PROBES = ("httpGet", "tcpSocket", "exec", "guestAgentPing")
_EVICTIONS = ("None", "LiveMigrate", "LiveMigrateIfPossible", "External")
_MAX_NAMESERVERS = 3
# Each annotation is refused while its feature gate is off.
_GATED = (
    ("hooks.kubevirt.io/hookSidecars", "Sidecar", "sidecar"),
    (
        "kubevirt.io/ignitiondata",
        "ExperimentalIgnitionSupport",
        "ExperimentalIgnitionSupport",
    ),
)


def names(scope: Scope) -> Iterator[Cause]:
    """Check the host name."""
    name = scope.spec.get("hostname")
    why = label_fault(name) if name else None
    if why:
        path = scope.at("hostname")
        yield cause(path, f"{path} does not conform to the kubernetes DNS_LABEL rules : {why}")


def scheduling(scope: Scope) -> Iterator[Cause]:
    """Check how the guest starts and where it may run."""
    if scope.spec.get("startStrategy") and scope.spec.get("livenessProbe"):
        path = scope.at("startStrategy")
        text = f"either {path} or {scope.at('livenessProbe')} should be provided."
        yield cause(path, f"{text}Pausing VMI with LivenessProbe is not supported")
    for row, constraint in enumerate(scope.spec.get("topologySpreadConstraints") or ()):
        skew = constraint.get("maxSkew") or 0
        if skew <= 0:
            path = scope.at(f"topologySpreadConstraints[{row}].maxSkew")
            yield cause(path, f"{path}: Invalid value: {skew}: must be greater than zero")


def probes(scope: Scope) -> Iterator[Cause]:
    """Check the probes."""
    pod = any("pod" in each for each in scope.networks)
    for kind in ("readinessProbe", "livenessProbe"):
        probe = scope.spec.get(kind)
        if not probe:
            continue
        given = [name for name in _PROBES if probe.get(name) is not None]
        if len(given) > 1:
            path = scope.at(kind)
            yield cause(path, f"{path} must have exactly one probe type set")
        elif given and given[0] in ("httpGet", "tcpSocket") and not pod:
            path = scope.at(f"{kind}.{given[0]}")
            yield cause(path, f"{path} is only allowed if the Pod Network is attached")


def cluster(scope: Scope) -> Iterator[Cause]:
    """Check DNS, eviction and annotations."""
    dns = scope.spec.get("dnsConfig")
    if scope.spec.get("dnsPolicy") == "None" and not dns:
        text = "must provide `dnsConfig` when `dnsPolicy` is None"
        yield cause(scope.at("dnsConfig"), text, "FieldValueRequired")
    servers = (dns or {}).get("nameservers") or []
    if len(servers) > _MAX_NAMESERVERS:
        text = f"must not have more than {_MAX_NAMESERVERS} nameservers: [{' '.join(servers)}]"
        yield cause("nameservers", text)
    eviction = scope.spec.get("evictionStrategy")
    if eviction and eviction not in _EVICTIONS:
        path = scope.at("evictionStrategy")
        yield cause(path, f"{path} is set with an unrecognized option: {eviction}")


def features(scope: Scope) -> Iterator[Cause]:
    """Check annotations that ask for a feature."""
    path = "spec.template.metadata.annotations"
    for name, gate, shown in _GATED:
        if name in scope.annotations and not scope.gates.on(gate):
            text = f"{shown} feature gate is not enabled in kubevirt-config, invalid entry"
            yield cause(path, f"{text} {path}.{name}")
