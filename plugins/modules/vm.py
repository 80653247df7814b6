#!/usr/bin/python
# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: vm
short_description: Create, change and delete a virtual machine of
  any platform
version_added: 0.1.0
author:
  - virtbridge maintainers (@virtbridge)
description:
  - Creates a virtual machine, changes what differs from what is given,
    or deletes it. Only what the task names is compared and written.
  - It runs on the controller and calls the module of the target's
    platform. What only one platform has is an option of its own module.
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
  ref:
    description:
      - Names one machine for good, as V(TARGET/-/VMID) or as other
        platforms have it; take it from a list.
    type: str
  name:
    description:
      - Name of the machine.
    type: str
  namespace:
    description:
      - Namespace on KubeVirt (V(default) unless given), project on
        CloudStack; Proxmox VE has neither.
    type: str
  place:
    description:
      - 'Where to create it: the node on Proxmox VE, the zone on CloudStack.'
      - Used only when the object is created.
    type: str
  image:
    description:
      - 'What to make it of: a machine or template to clone on Proxmox
        VE (name or id), a template on CloudStack, on KubeVirt a DataSource
        (V(name) or V(namespace/name)), or a container image as V(docker://registry/image).'
      - Used only when the object is created.
    type: str
  size:
    description:
      - 'Named size: the service offering on CloudStack, the instance
        type on KubeVirt; Proxmox VE has none.'
    type: str
  cpus:
    description:
      - Virtual processors.
      - At least V(1).
    type: int
  memory_mib:
    description:
      - Memory.
      - In MiB.
      - At least V(16).
    type: int
  disk_gib:
    description:
      - Size of the first disk; it only grows.
      - In GiB.
      - At least V(1).
    type: int
  storage:
    description:
      - 'Where to put the first disk: the storage on Proxmox VE, the
        storage class on KubeVirt.'
      - Used only when the object is created.
    type: str
  networks:
    description:
      - 'Networks to connect it to: bridges on Proxmox VE, networks
        on CloudStack, V(pod) or network attachment definitions on
        KubeVirt.'
      - Used only when the object is created.
    type: list
    elements: str
  tags:
    description:
      - Tags; written V(key=value) on CloudStack and KubeVirt.
      - What is not listed stays, unless O(exact=true).
    type: list
    elements: str
  user_data:
    description:
      - Text for cloud-init, on CloudStack and KubeVirt.
      - Used only when the object is created.
    type: str
  restart:
    description:
      - Whether to restart a running machine when a change takes effect,
        or can be made, only so.
    type: str
    default: never
    choices:
      - never
      - if_needed
  force:
    description:
      - Switch off instead of asking the guest to shut down, also
        to delete it while it runs. Unsaved work in it is lost.
    type: bool
    default: false
  state:
    description:
      - V(present) creates it or changes what differs, and leaves
        its power alone.
      - V(absent) deletes it; nothing to delete is a success.
      - V(started) is V(present) and running.
      - V(stopped) is V(present) and not running.
    type: str
    default: present
    choices:
      - present
      - absent
      - started
      - stopped
  existing:
    description:
      - What may be there already.
      - V(required) never creates, so that a mistyped name does not.
      - 'V(forbidden) never changes what exists: it is left alone
        when it is what the task says, and the task fails with the
        differences when not.'
    type: str
    default: any
    choices:
      - any
      - required
      - forbidden
  exact:
    description:
      - Remove what the lists and mappings in this task do not name.
        Others are not touched.
    type: bool
    default: false
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
- name: A machine on Proxmox VE, cloned from a template
  virtbridge.core.vm:
    target: lab
    name: shop-web
    image: debian-12-template
    memory_mib: 2048
    tags:
      - shop
    state: started

- name: The same on CloudStack
  virtbridge.core.vm:
    target: cloud
    name: shop-api
    image: debian-12
    size: small
    networks:
      - lab-net
    tags:
      - app=shop

- name: The same on KubeVirt
  virtbridge.core.vm:
    target: cluster
    name: shop-db
    image: docker://quay.io/containerdisks/fedora:latest
    memory_mib: 1024
    state: started
"""

RETURN = r"""
---
object:
  description:
    - The object as it is now; in check mode as it was.
  returned: when it exists
  type: dict
  contains:
    ref:
      description:
        - Names this machine for good.
      type: str
    target:
      description:
        - Target it lives on.
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
    raw:
      description:
        - What only this platform knows, on request.
      type: dict
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
