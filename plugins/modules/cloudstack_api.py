#!/usr/bin/python
# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cloudstack_api
short_description: Call any command of the CloudStack API
version_added: 0.1.0
author:
  - virtbridge maintainers (@virtbridge)
description:
  - Calls one command of the API, checked against the catalog of CloudStack
    4.20 to 4.22 before anything is sent, and waits for the job that
    it starts.
  - 'It is not idempotent: what changes something is sent each time,
    and reported as a change. Prefer the module of the resource where
    there is one.'
  - The rows of all pages of a list are returned as one list.
requirements:
  - requests >= 2.28
extends_documentation_fragment:
  - virtbridge.core.cloudstack
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
      - virtbridge.core.cloudstack
      - virtbridge.core.all
options:
  command:
    description:
      - Name of the command, such as V(listZones). Maps in O(params),
        such as tags and details, are given as mappings, and sent
        as the command wants them.
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
- name: List the zones
  virtbridge.core.cloudstack_api:
    target: cloud
    command: listZones
    params:
      available: true
  register: zones

- name: Register a public key
  virtbridge.core.cloudstack_api:
    target: cloud
    command: registerSSHKeyPair
    params:
      name: deploy
      publickey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample
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

from ..module_utils.cloudstack.resources.api import API
from ..module_utils.engine.module import run


def main() -> None:
    run(API)


if __name__ == "__main__":
    main()
