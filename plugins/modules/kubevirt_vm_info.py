#!/usr/bin/python
# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: kubevirt_vm_info
short_description: List the virtual machines of a KubeVirt cluster
version_added: 0.1.0
author:
  - virtbridge maintainers (@virtbridge)
description:
  - Returns the virtual machines that match all given options, ordered
    by namespace and name.
  - Machines and what runs of them are two lists. The sizes of disks
    are a third, and come only with O(details).
requirements:
  - requests >= 2.28
  - kubernetes >= 24.2, for kubeconfigs
extends_documentation_fragment:
  - virtbridge.core.kubevirt
  - virtbridge.core.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  platform:
    platforms: posix
    support: full
  action_group:
    support: full
    membership:
      - virtbridge.core.kubevirt
      - virtbridge.core.all
options:
  name:
    description:
      - Only those of this name; V(*) and V(?) stand for any text
        and any character.
    type: str
  namespace:
    description:
      - Only those in this namespace; all that may be seen unless
        given.
      - Must match V([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9]\)?).
    type: str
  labels:
    description:
      - Only those with all these labels.
    type: dict
  state:
    description:
      - Only those in one of these states.
    type: list
    elements: str
    choices:
      - running
      - stopped
      - starting
      - stopping
      - paused
      - migrating
      - provisioning
      - error
      - unknown
  details:
    description:
      - Also return the sizes of disks.
    type: bool
    default: false
  limit:
    description:
      - The most objects to return; V(0) returns all.
      - At least V(0).
    type: int
    default: 1000
"""

EXAMPLES = r"""
- name: List what runs in all namespaces
  virtbridge.core.kubevirt_vm_info:
    target: cluster
    state:
      - running
  register: running

- name: Show the machines of one namespace with a label
  virtbridge.core.kubevirt_vm_info:
    target: cluster
    namespace: default
    labels:
      env: prod
"""

RETURN = r"""
---
objects:
  description:
    - What was found.
  returned: success
  type: list
  elements: dict
  contains:
    namespace:
      description:
        - Namespace that it is in.
      type: str
    uid:
      description:
        - What tells it from another of its name.
      type: str
    run_strategy:
      description:
        - How KubeVirt keeps it running.
      type: str
    instancetype:
      description:
        - Instance type that sizes it, if one does.
      type: str
    platform:
      description:
        - Platform it lives on.
      type: str
    name:
      description:
        - Its name; not unique on every platform.
      type: str
    state:
      description:
        - Its power state.
      type: str
      sample: running
    cpus:
      description:
        - Virtual processors in total.
      type: int
    memory_mib:
      description:
        - Memory in MiB.
      type: int
    disks:
      description:
        - Its disks, where asked for.
      type: list
      elements: dict
      contains:
        name:
          description:
            - Slot or name of the disk.
          type: str
        size_gib:
          description:
            - Size in GiB.
          type: float
        storage:
          description:
            - Where it is stored.
          type: str
        boot:
          description:
            - Whether the machine boots from it.
          type: bool
    nics:
      description:
        - Its network cards, where asked for.
      type: list
      elements: dict
      contains:
        name:
          description:
            - Slot or name of the card.
          type: str
        mac:
          description:
            - Hardware address.
          type: str
        network:
          description:
            - Bridge or network it is connected to.
          type: str
        addresses:
          description:
            - Addresses, where the platform knows them.
          type: list
          elements: str
    host:
      description:
        - Node that runs it or would run it.
      type: str
    tags:
      description:
        - Its tags or labels.
      type: list
      elements: str
    os:
      description:
        - Operating system as the platform names it.
      type: str
total:
  description:
    - How many there are.
  returned: success
  type: int
truncated:
  description:
    - Whether O(limit) left some out.
  returned: success
  type: bool
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
from ..module_utils.kubevirt.resources.vm_info import VM_INFO


def main() -> None:
    run(VM_INFO)


if __name__ == "__main__":
    main()
