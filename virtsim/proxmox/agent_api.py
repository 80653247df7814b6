# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guest agent of a running guest answers."""

from __future__ import annotations

from typing import Any

from .api import Call, operation
from .errors import ApiError
from .guest_view import status_row
from .model import Guest

AGENT = "/nodes/{node}/qemu/{vmid}/agent"


def _ask(call: Call) -> Guest:
    """Find the guest, or say why its agent cannot be asked."""
    guest = call.guest()
    if not status_row(call, guest).get("agent"):
        raise ApiError("No QEMU guest agent configured\n")
    if not guest.running:
        raise ApiError(f"VM {guest.vmid} is not running\n")
    if not guest.agent or "interfaces" not in guest.agent:
        raise ApiError("QEMU guest agent is not running\n")
    return guest


def _facts(guest: Guest) -> dict[str, Any]:
    return guest.agent or {}


@operation(f"GET {AGENT}/network-get-interfaces")
def interfaces(call: Call) -> Any:
    """List the interfaces inside the guest."""
    return {"result": _facts(_ask(call))["interfaces"]}


@operation(f"GET {AGENT}/get-osinfo")
def os_info(call: Call) -> Any:
    """Name the system inside the guest."""
    return {"result": _facts(_ask(call)).get("os", {})}


@operation(f"GET {AGENT}/get-host-name")
def host_name(call: Call) -> Any:
    """Give the host name inside the guest."""
    return {"result": {"host-name": _ask(call).name}}


@operation(f"POST {AGENT}/ping")
def ping(call: Call) -> Any:
    """Tell that the agent listens."""
    _ask(call)
    return {"result": {}}
