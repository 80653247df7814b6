# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of KubeVirt that rules depend on, and its feature gates (v1.9.0)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..store import Object, Store

KUBEVIRTS = "kubevirts.kubevirt.io"
# Beta gates are on unless they are switched off; all others are off unless they are listed.
_BETA = frozenset(
    {
        "DeclarativeHotplugVolumes",
        "NodeRestriction",
        "RebootPolicy",
        "Snapshot",
        "Template",
        "VMExport",
    }
)


@dataclass(frozen=True)
class Gates:
    """What spec.configuration of the KubeVirt object says."""

    configuration: Object = field(default_factory=dict)
    methods: tuple[str, ...] = ()

    def on(self, gate: str) -> bool:
        """Whether a feature gate is enabled."""
        developer = self.configuration.get("developerConfiguration") or {}
        if gate in (developer.get("featureGates") or ()):
            return True
        return gate in _BETA and gate not in (developer.get("disabledFeatureGates") or ())

    def setting(self, *path: str, default: Any = None) -> Any:
        """Return one setting, or the default where it is not set."""
        found: Any = self.configuration
        for name in path:
            found = (found or {}).get(name)
        return default if found is None else found


def gates_of(store: Store) -> Gates:
    """Read the configuration of the first KubeVirt object."""
    for each in store.list(KUBEVIRTS):
        spec = each.get("spec") or {}
        methods = (spec.get("workloadUpdateStrategy") or {}).get("workloadUpdateMethods") or ()
        return Gates(spec.get("configuration") or {}, tuple(methods))
    return Gates()
