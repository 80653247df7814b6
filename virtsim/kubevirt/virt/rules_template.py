# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the validating webhook refuses in the template of a machine (virt-api v1.9.0). Pure."""

from __future__ import annotations

from collections.abc import Iterator

from . import rules_compute, rules_guest, rules_network, rules_pod, rules_storage
from .rules import Cause, Scope


def template(scope: Scope) -> Iterator[Cause]:
    """Yield what is wrong in the spec of a template, in the order of the webhook."""
    yield from rules_pod.names(scope)
    yield from rules_compute.resources(scope)
    yield from rules_pod.scheduling(scope)
    yield from rules_network.networks(scope)
    yield from rules_storage.boot_orders(scope)
    yield from rules_guest.devices(scope)
    yield from rules_pod.probes(scope)
    yield from rules_guest.domain(scope)
    yield from rules_storage.disks(scope)
    yield from rules_storage.volumes(scope)
    yield from rules_storage.credentials(scope)
    yield from rules_pod.cluster(scope)
    yield from rules_pod.features(scope)
