#!/usr/bin/python
# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: vm_snapshot
short_description: Take and delete snapshots of a virtual machine
  of any platform
version_added: 0.1.0
author:
  - virtbridge maintainers (@virtbridge)
description:
  - Takes a snapshot of a virtual machine, or deletes it. A snapshot
    of that name that exists is left as it is.
  - It runs on the controller and calls the module of the target's
    platform.
extends_documentation_fragment:
  - virtbridge.core.fleet
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
      - virtbridge.core.all
options:
  snapshot:
    description:
      - Name of the snapshot.
    type: str
    required: true
  ref:
    description:
      - Names one machine for good, as V(TARGET/-/VMID) or as other
        platforms have it; take it from a list.
    type: str
  name:
    description:
      - Name of the machine, where it is unique.
    type: str
  namespace:
    description:
      - Namespace on KubeVirt (V(default) unless given), project on
        CloudStack; Proxmox VE has neither.
    type: str
  description:
    description:
      - What it is for; not on KubeVirt.
      - Used only when the object is created.
    type: str
  memory:
    description:
      - Keep the memory of a running machine too; not on KubeVirt.
      - Used only when the object is created.
    type: bool
  state:
    description:
      - V(present) creates it or changes what differs, and leaves
        its power alone.
      - V(absent) deletes it; nothing to delete is a success.
    type: str
    default: present
    choices:
      - present
      - absent
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
- name: Take a snapshot before an upgrade
  virtbridge.core.vm_snapshot:
    target: lab
    name: web2
    snapshot: before-upgrade
    description: Before the upgrade

- name: Delete it when all went well
  virtbridge.core.vm_snapshot:
    target: lab
    name: web2
    snapshot: before-upgrade
    state: absent
"""

RETURN = r"""
---
object:
  description:
    - The object as it is now; in check mode as it was.
  returned: when it exists
  type: dict
  contains:
    snapshot:
      description:
        - Name of the snapshot.
      type: str
    target:
      description:
        - Target it lives on.
      type: str
    platform:
      description:
        - Platform it lives on.
      type: str
    description:
      description:
        - What it is for, where the platform keeps that.
      type: str
    created:
      description:
        - When it was taken, as the platform says it.
      type: raw
pending:
  description:
    - Values that take effect after a restart, by option.
  returned: success
  type: dict
restart_required:
  description:
    - Whether a restart is needed for them.
  returned: success
  type: bool
diff:
  description:
    - The fields that change, and only those; a secret shows only
      that it changes.
  returned: success
  type: dict
  contains:
    before:
      description:
        - Values as they were found.
      type: dict
    after:
      description:
        - Values as they are now, or would be.
      type: dict
uid:
  description:
    - Tells the object that was seen from another that is made later
      under the same id or name.
  returned: in check mode, where the platform has such
  type: str
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
