#!/usr/bin/python
# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: kubevirt_vm
short_description: Create, change and delete KubeVirt virtual machines
version_added: 0.1.0
author:
  - virtbridge maintainers (@virtbridge)
description:
  - Creates a virtual machine, changes what differs from what is given,
    or deletes it. Only what the task names is compared and written;
    disks and cards that it does not name stay.
  - What a running machine takes over only after a restart is reported
    under C(pending) and C(restart_required), and is not reported
    as changed again.
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
    support: full
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
      - 'Name of the machine: lower-case letters, digits, hyphens
        and dots.'
      - Must match V([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9]\)?).
    type: str
    required: true
  namespace:
    description:
      - Namespace that it is in.
      - Must match V([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9]\)?).
    type: str
    default: default
  run_strategy:
    description:
      - How KubeVirt keeps a new machine running once it is started;
        V(Always) unless given.
      - Used only when the object is created.
    type: str
    choices:
      - Always
      - RerunOnFailure
      - Manual
      - Once
  labels:
    description:
      - Labels.
      - What is not listed stays, unless O(exact=true).
    type: dict
  annotations:
    description:
      - Annotations.
      - What is not listed stays, unless O(exact=true).
    type: dict
  cpu_sockets:
    description:
      - Sockets. More of them reach a running guest that can migrate.
      - At least V(1).
      - A running guest takes a change over when it restarts; see
        O(restart).
    type: int
  cpu_cores:
    description:
      - Cores of a socket.
      - At least V(1).
      - A running guest takes a change over when it restarts; see
        O(restart).
    type: int
  cpu_threads:
    description:
      - Threads of a core.
      - At least V(1).
      - A running guest takes a change over when it restarts; see
        O(restart).
    type: int
  memory_mib:
    description:
      - Memory. More of it reaches a running guest that can migrate.
      - In MiB.
      - At least V(1).
      - A running guest takes a change over when it restarts; see
        O(restart).
    type: int
  instancetype:
    description:
      - Instance type that sizes the machine, instead of processors
        and memory of its own.
      - A running guest takes a change over when it restarts; see
        O(restart).
    type: str
  preference:
    description:
      - Preference, which says what suits the guest.
      - A running guest takes a change over when it restarts; see
        O(restart).
    type: str
  types_scope:
    description:
      - Where O(instancetype) and O(preference) are looked for.
    type: str
    default: cluster
    choices:
      - cluster
      - namespaced
  disks:
    description:
      - Disks, in the order in which they are tried unless one has
        a boot order.
      - A running guest takes a change over when it restarts; see
        O(restart).
      - Entries are matched by C(name).
      - What is not listed stays, unless O(exact=true).
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - Name of the disk in the machine.
          - Must match V([a-z0-9](?:[a-z0-9-]*[a-z0-9]\)?).
        type: str
        required: true
      bus:
        description:
          - Bus; V(virtio) for a new disk.
        type: str
        choices:
          - virtio
          - sata
          - scsi
          - usb
      boot_order:
        description:
          - Place in the order in which disks are tried.
          - At least V(1).
        type: int
      container_image:
        description:
          - Image with a disk that forgets its changes.
          - Used only when the object is created.
        type: str
      claim:
        description:
          - Name of a claim that is there, to use as the disk.
          - Used only when the object is created.
        type: str
      size_gib:
        description:
          - Size of a claim to make for the machine, which is deleted
            with it.
          - In GiB.
          - At least V(1).
          - Used only when the object is created.
        type: int
      image_url:
        description:
          - Image to fill that claim from, with C(https://) or C(docker://);
            empty unless given.
          - Used only when the object is created.
        type: str
      data_source:
        description:
          - DataSource to fill it from, as V(name) or V(namespace/name).
          - Used only when the object is created.
        type: str
      storage_class:
        description:
          - Storage class of that claim.
          - Used only when the object is created.
        type: str
      state:
        description:
          - Whether this entry should be there; V(absent) needs only
            its key.
        type: str
        default: present
        choices:
          - present
          - absent
  nics:
    description:
      - Network cards; a new machine gets one on the pod network unless
        told.
      - A running guest takes a change over when it restarts; see
        O(restart).
      - Entries are matched by C(name).
      - What is not listed stays, unless O(exact=true).
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - Name of the card in the machine.
          - Must match V([A-Za-z0-9-_]+).
        type: str
        required: true
      network:
        description:
          - V(pod), or the name of a network attachment definition,
            as V(namespace/name) in another namespace.
        type: str
      model:
        description:
          - Model of the card.
        type: str
        choices:
          - virtio
          - e1000
          - e1000e
          - rtl8139
      mac:
        description:
          - Hardware address in lower case; one is generated unless
            given.
          - Must match V((?:[0-9a-f]{2}:\){5}[0-9a-f]{2}).
        type: str
      binding:
        description:
          - How it is connected; V(masquerade) to the pod network,
            V(bridge) to others.
        type: str
        choices:
          - masquerade
          - bridge
          - sriov
      state:
        description:
          - Whether this entry should be there; V(absent) needs only
            its key.
        type: str
        default: present
        choices:
          - present
          - absent
  user_data:
    description:
      - Text for cloud-init, at most 2048 bytes. It may hold secrets,
        and is never shown.
      - A running guest takes a change over when it restarts; see
        O(restart).
    type: str
  hostname:
    description:
      - Host name of the guest; that of the machine unless given.
      - A running guest takes a change over when it restarts; see
        O(restart).
    type: str
  termination_grace_seconds:
    description:
      - How long the guest may take to shut down.
      - In seconds.
      - At least V(0).
      - A running guest takes a change over when it restarts; see
        O(restart).
    type: int
  node_selector:
    description:
      - Labels that a node must have to run it.
      - What is not listed stays, unless O(exact=true).
    type: dict
  eviction_strategy:
    description:
      - What happens to it when its node is drained.
      - A running guest takes a change over when it restarts; see
        O(restart).
    type: str
    choices:
      - None
      - LiveMigrate
      - LiveMigrateIfPossible
      - External
  force:
    description:
      - Switch off instead of asking the guest to shut down. Unsaved
        work in it is lost.
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
  restart:
    description:
      - Whether to restart a running guest when a change takes effect,
        or can be made, only so.
    type: str
    default: never
    choices:
      - never
      - if_needed
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
- name: A virtual machine from a container image, running
  virtbridge.core.kubevirt_vm:
    target: cluster
    name: shop-web
    namespace: default
    memory_mib: 2048
    cpu_sockets: 2
    disks:
      - name: root
        container_image: quay.io/containerdisks/fedora:latest
    labels:
      env: lab
    user_data: |
      #cloud-config
      packages: [nginx]
    state: started

- name: One that an instance type sizes, with a disk of its own
  virtbridge.core.kubevirt_vm:
    target: cluster
    name: shop-db
    instancetype: u1.medium
    disks:
      - name: root
        size_gib: 30
        data_source: default/debian-12
      - name: data
        size_gib: 100
    nics:
      - name: default
        network: pod
      - name: lab
        network: lab-net

- name: Give it more memory, and restart it if it runs
  virtbridge.core.kubevirt_vm:
    target: cluster
    name: shop-web
    memory_mib: 4096
    restart: if_needed

- name: Delete it though it runs
  virtbridge.core.kubevirt_vm:
    target: cluster
    name: shop-web
    state: absent
    force: true
"""

RETURN = r"""
---
object:
  description:
    - The object as it is now; in check mode as it was.
  returned: when it exists
  type: dict
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

from ..module_utils.engine.module import run
from ..module_utils.kubevirt.resources.vm import VM_RESOURCE


def main() -> None:
    run(VM_RESOURCE)


if __name__ == "__main__":
    main()
