#!/usr/bin/python
# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: proxmox_vm
short_description: Create, change and delete Proxmox VE virtual machines
version_added: 0.1.0
author:
  - virtbridge maintainers (@virtbridge)
description:
  - Creates a virtual machine, changes what differs from what is given,
    or deletes it. Only what the task names is compared and written.
  - What a running machine takes over only after a restart is reported
    under C(pending) and C(restart_required), and is not reported
    as changed again.
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
  vmid:
    description:
      - Id of the machine. A new one gets a free id unless this is
        given.
      - From V(100) to V(999999999).
      - Used only when the object is created.
    type: int
  name:
    description:
      - Name of the machine, as a DNS name. It finds the machine unless
        O(vmid) is given.
      - Must match V([A-Za-z0-9](?:[A-Za-z0-9.-]{0,61}[A-Za-z0-9]\)?).
    type: str
  node:
    description:
      - Node to create it on; the one with most free memory unless
        given. An existing machine is found wherever it is, and stays
        there.
      - Used only when the object is created.
    type: str
  clone:
    description:
      - Create it as a clone of this machine or template.
      - Used only when the object is created.
    type: dict
    suboptions:
      vmid:
        description:
          - Id of the machine or template to clone.
          - At least V(100).
        type: int
      name:
        description:
          - Its name, where it is unique.
        type: str
      full:
        description:
          - Copy the disks instead of linking to a template's.
        type: bool
      storage:
        description:
          - Storage for a full clone's disks.
        type: str
      snapshot:
        description:
          - Snapshot to clone from.
        type: str
  pool:
    description:
      - Resource pool to create it in.
      - Used only when the object is created.
    type: str
  description:
    description:
      - Notes.
    type: str
  tags:
    description:
      - Tags.
      - What is not listed stays, unless O(exact=true).
    type: list
    elements: str
  cores:
    description:
      - Cores per socket.
      - At least V(1).
      - A running guest takes a change over when it restarts; see
        O(restart).
    type: int
  sockets:
    description:
      - Sockets.
      - At least V(1).
      - A running guest takes a change over when it restarts; see
        O(restart).
    type: int
  cpu:
    description:
      - Processor type.
      - A running guest takes a change over when it restarts; see
        O(restart).
    type: str
  memory:
    description:
      - Memory.
      - In MiB.
      - At least V(16).
      - A running guest takes a change over when it restarts; see
        O(restart).
    type: int
  balloon:
    description:
      - Least memory when ballooning; V(0) is off.
      - In MiB.
      - At least V(0).
    type: int
  ostype:
    description:
      - Kind of operating system.
    type: str
  bios:
    description:
      - Firmware.
      - A running guest takes a change over when it restarts; see
        O(restart).
    type: str
    choices:
      - seabios
      - ovmf
  machine:
    description:
      - Machine type.
      - A running guest takes a change over when it restarts; see
        O(restart).
    type: str
  scsihw:
    description:
      - SCSI controller.
      - A running guest takes a change over when it restarts; see
        O(restart).
    type: str
    choices:
      - virtio-scsi-single
      - virtio-scsi-pci
      - lsi
      - lsi53c810
      - megasas
      - pvscsi
  agent:
    description:
      - Whether the QEMU guest agent is used.
    type: bool
  onboot:
    description:
      - Start with the node.
      - The platform's own default is V(false).
    type: bool
  protection:
    description:
      - Refuse to delete it or its disks.
      - The platform's own default is V(false).
    type: bool
  boot_order:
    description:
      - Devices to boot from, first to last.
    type: list
    elements: str
  disks:
    description:
      - Disks by slot. V(absent) detaches one; its volume is kept
        as unused.
      - Entries are matched by C(slot).
      - What is not listed stays, unless O(exact=true).
    type: list
    elements: dict
    suboptions:
      slot:
        description:
          - Bus and number, such as V(scsi0).
          - Must match V((?:ide[0-3]|sata[0-5]|scsi(?:[12]?\\d|30\)|virtio(?:1[0-5]|\\d\)\)).
        type: str
        required: true
      storage:
        description:
          - Storage to allocate it on.
        type: str
      size_gib:
        description:
          - Size; an existing disk only grows.
          - In GiB.
          - At least V(1).
        type: int
      import_from:
        description:
          - Volume or image to fill a new disk from, as V(storage:volume).
          - Used only when the object is created.
        type: str
      format:
        description:
          - Format of a new disk on a storage that has several.
          - Used only when the object is created.
        type: str
        choices:
          - raw
          - qcow2
          - vmdk
      ssd:
        description:
          - Whether the guest sees a solid-state disk.
        type: bool
      discard:
        description:
          - Whether freed blocks are passed on to the storage.
        type: bool
      iothread:
        description:
          - Whether it has an I/O thread of its own.
        type: bool
      backup:
        description:
          - Whether backups include it.
        type: bool
      cache:
        description:
          - Cache mode.
        type: str
        choices:
          - none
          - writethrough
          - writeback
          - unsafe
          - directsync
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
      - Network cards by slot.
      - Entries are matched by C(slot).
      - What is not listed stays, unless O(exact=true).
    type: list
    elements: dict
    suboptions:
      slot:
        description:
          - Name of the card, such as V(net0).
          - Must match V(net(?:[12]?\\d|3[01]\)).
        type: str
        required: true
      model:
        description:
          - Model; V(virtio) unless set.
        type: str
        choices:
          - virtio
          - e1000
          - e1000e
          - rtl8139
          - vmxnet3
      bridge:
        description:
          - Bridge it is connected to.
        type: str
      mac:
        description:
          - Hardware address in upper case; one is generated unless
            given, and then kept.
          - Must match V((?:[0-9A-F]{2}:\){5}[0-9A-F]{2}).
        type: str
      vlan:
        description:
          - VLAN tag.
          - From V(1) to V(4094).
        type: int
      firewall:
        description:
          - Whether Proxmox VE's firewall filters it.
        type: bool
      link_down:
        description:
          - Whether its cable is pulled.
        type: bool
      mtu:
        description:
          - MTU; V(1) takes that of the bridge.
          - From V(1) to V(65520).
        type: int
      state:
        description:
          - Whether this entry should be there; V(absent) needs only
            its key.
        type: str
        default: present
        choices:
          - present
          - absent
  ci_storage:
    description:
      - Storage for the cloud-init drive of a new machine.
      - Used only when the object is created.
    type: str
  ci_user:
    description:
      - Cloud-init's user.
    type: str
  ci_password:
    description:
      - Cloud-init's password.
      - Cannot be read back, and so follows O(update_secrets).
    type: str
  ci_ssh_keys:
    description:
      - Cloud-init's public keys.
      - What is not listed stays, unless O(exact=true).
    type: list
    elements: str
  ci_addresses:
    description:
      - Addresses that cloud-init sets.
      - Entries are matched by C(nic).
      - What is not listed stays, unless O(exact=true).
    type: list
    elements: dict
    suboptions:
      nic:
        description:
          - Card it is for, such as V(net0).
          - Must match V(net(?:[12]?\\d|3[01]\)).
        type: str
        required: true
      address:
        description:
          - IPv4 address with prefix length, or V(dhcp).
        type: str
      gateway:
        description:
          - IPv4 gateway.
        type: str
      address6:
        description:
          - IPv6 address with prefix length, V(auto) or V(dhcp).
        type: str
      gateway6:
        description:
          - IPv6 gateway.
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
  ci_nameservers:
    description:
      - Name servers that cloud-init sets.
    type: list
    elements: str
  ci_search_domain:
    description:
      - Search domain that cloud-init sets.
    type: str
  force:
    description:
      - Switch it off where it must be stopped.
    type: bool
    default: false
  purge:
    description:
      - On deletion also remove it from backup and replication jobs
        and from HA.
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
  update_secrets:
    description:
      - When to write values that cannot be read back and so cannot
        be compared.
      - V(always) reports a change in each run that gives such a value.
    type: str
    default: on_create
    choices:
      - on_create
      - always
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
- name: Create a machine with a disk and a network card, and start it
  virtbridge.core.proxmox_vm:
    target: lab
    name: web9
    node: pve1
    state: started
    cores: 2
    memory: 2048
    ostype: l26
    scsihw: virtio-scsi-single
    tags: [web, prod]
    disks:
      - {slot: scsi0, storage: local-lvm, size_gib: 20, discard: true}
    nics:
      - {slot: net0, bridge: vmbr0, vlan: 7}

- name: Give it more memory, and restart it only if it must be
  virtbridge.core.proxmox_vm:
    target: lab
    name: web9
    memory: 4096
    restart: if_needed

- name: Clone a template and let cloud-init set it up
  virtbridge.core.proxmox_vm:
    target: lab
    name: db9
    clone: {name: debian-12-template, full: true}
    memory: 4096
    ci_user: debian
    ci_addresses:
      - {nic: net0, address: dhcp}

- name: Switch a machine off and delete it with its disks
  virtbridge.core.proxmox_vm:
    target: lab
    name: web9
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
    vmid:
      description:
        - Id of the machine.
      type: int
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
from ..module_utils.proxmox.resources.vm import VM


def main() -> None:
    run(VM)


if __name__ == "__main__":
    main()
