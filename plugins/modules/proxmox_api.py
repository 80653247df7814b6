#!/usr/bin/python
# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: proxmox_api
short_description: Call any operation of the Proxmox VE API
version_added: 0.1.0
author:
  - virtbridge maintainers (@virtbridge)
description:
  - Calls one operation of the API, checked against the catalog of
    Proxmox VE 9.1 before anything is sent, and waits for the task
    that it starts.
  - 'It is not idempotent: what changes something is sent each time,
    and reported as a change. Prefer the module of the resource where
    there is one.'
requirements:
  - proxmoxer >= 2.0
  - requests >= 2.28
extends_documentation_fragment:
  - virtbridge.core.proxmox
  - virtbridge.core.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    platforms: posix
    support: full
  action_group:
    support: full
    membership:
      - virtbridge.core.proxmox
      - virtbridge.core.all
options:
  method:
    description:
      - What is done with the path.
    type: str
    default: GET
    choices:
      - GET
      - POST
      - PUT
      - DELETE
  path:
    description:
      - Path below C(/api2/json), such as C(/nodes/pve1/qemu/100/config).
      - It may hold placeholders, as in C(/nodes/{node}/qemu/{vmid}/config),
        with their values in O(params).
    type: str
    required: true
  params:
    description:
      - Parameters of the operation, by the names that the platform
        gives them.
    type: dict
  secret_params:
    description:
      - Parameters that are never shown. Those that the catalog knows
        to be secret are taken for such also when they stand in O(params).
    type: dict
  reveal:
    description:
      - Return the secrets of the answer, such as a new token, which
        are masked otherwise. Set C(no_log) on the task.
    type: bool
    default: false
  operation:
    description:
      - 'What the catalog says of the operation. Leave it unset: the
        collection''s action plugin looks it up on the controller.'
    type: dict
  wait:
    description:
      - Wait until the platform has finished, and verify the end state.
    type: bool
    default: true
  wait_timeout:
    description:
      - How long to wait at most.
      - In seconds.
      - At least V(1).
    type: int
    default: 600
"""

EXAMPLES = r"""
- name: Read the version of the cluster
  virtbridge.core.proxmox_api:
    target: lab
    path: /version
  register: version

- name: Look at one machine's configuration
  virtbridge.core.proxmox_api:
    target: lab
    path: /nodes/pve1/qemu/100/config
    params:
      current: true

- name: Write a comment into the configuration of a machine
  virtbridge.core.proxmox_api:
    target: lab
    method: PUT
    path: /nodes/{node}/qemu/{vmid}/config
    params:
      node: pve1
      vmid: 101
      description: Written by Ansible

- name: Shut a machine down, and wait for the task
  virtbridge.core.proxmox_api:
    target: lab
    method: POST
    path: /nodes/pve1/qemu/100/status/shutdown
    params:
      timeout: 60
"""

RETURN = r"""
---
result:
  description:
    - What the platform answered; none in check mode.
  returned: success
  type: raw
operations:
  description:
    - Every write that was sent, also when the module failed.
  returned: always
  type: list
  elements: dict
  contains:
    call:
      description:
        - What was called.
      type: str
      sample: POST /nodes/pve1/qemu/100/status/start
    id:
      description:
        - The platform's id of the operation, if it has one.
      type: str
    seconds:
      description:
        - How long it took.
      type: float
error:
  description:
    - What went wrong, in a form for programs; RV(ignore:msg) says
      it for people.
  returned: failure
  type: dict
  contains:
    kind:
      description:
        - One of C(auth), C(permission), C(not_found), C(exists),
          C(ambiguous), C(locked), C(conflict), C(validation), C(unsupported),
          C(limit), C(capacity), C(unavailable), C(timeout), C(operation_failed),
          C(cancelled), C(uncertain) and C(internal).
      type: str
      sample: not_found
    message:
      description:
        - What, where, and what to do about it.
      type: str
    http_status:
      description:
        - Status of the answer, if there was one.
      type: int
    fields:
      description:
        - What is wrong with which option.
      type: dict
    retryable:
      description:
        - Whether the same call may succeed later.
      type: bool
    request:
      description:
        - The call that failed.
      type: str
    log:
      description:
        - The last lines that the platform logged.
      type: list
      elements: str
"""

from ..module_utils.engine.module import run
from ..module_utils.proxmox.resources.api import API


def main() -> None:
    run(API)


if __name__ == "__main__":
    main()
