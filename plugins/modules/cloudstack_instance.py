#!/usr/bin/python
# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cloudstack_instance
short_description: Create, change and delete CloudStack instances
version_added: 0.1.0
author:
  - virtbridge maintainers (@virtbridge)
description:
  - Deploys an instance, changes what differs from what is given,
    or destroys it. Only what the task names is compared and written.
  - What CloudStack changes only on a stopped instance needs O(restart=if_needed)
    while it runs, and is refused before anything is changed otherwise.
  - A destroyed instance counts as absent, though it can be recovered
    until it is expunged.
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
  id:
    description:
      - Id of the instance.
      - Must match V([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}\){3}-[0-9a-fA-F]{12}).
    type: str
  name:
    description:
      - 'Host name: a letter, then letters, digits and hyphens, at
        most 63. With O(id) a different one renames the instance.'
      - Must match V([A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9]\)?).
      - A running guest takes a change over when it restarts; see
        O(restart).
    type: str
  zone:
    description:
      - Name or id of the zone. Needed to create something where there
        are several.
    type: str
  project:
    description:
      - Name or id of the project that it belongs to.
    type: str
  account:
    description:
      - Account that it belongs to, with O(domain). The user's own
        unless given.
    type: str
  domain:
    description:
      - Path or id of the domain of O(account).
    type: str
  template:
    description:
      - Name or id of the template to make the root disk of.
      - Used only when the object is created.
    type: str
  service_offering:
    description:
      - Name or id of the offering that sizes the instance.
    type: str
  cpus:
    description:
      - Virtual processors, with an offering that leaves them open.
      - At least V(1).
    type: int
  memory_mib:
    description:
      - Memory, with an offering that leaves it open.
      - In MiB.
      - At least V(32).
    type: int
  root_disk_gib:
    description:
      - Size of the root disk; that of the template unless given.
        It only grows.
      - In GiB.
      - At least V(1).
    type: int
  disk_offering:
    description:
      - Name or id of the offering of a data disk to create with the
        instance.
      - Used only when the object is created.
    type: str
  disk_gib:
    description:
      - Size of that disk, with an offering that leaves it open.
      - In GiB.
      - At least V(1).
      - Used only when the object is created.
    type: int
  nics:
    description:
      - Networks that the instance is in. The first is its default
        network when it is created. Needed in a zone with advanced
        networking.
      - Entries are matched by C(network).
      - What is not listed stays, unless O(exact=true).
    type: list
    elements: dict
    suboptions:
      network:
        description:
          - Name or id of the network.
        type: str
        required: true
      ip_address:
        description:
          - Address to take in the network; one is chosen unless given.
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
  display_name:
    description:
      - Name that is shown to people; the host name unless given.
    type: str
  group:
    description:
      - Instance group.
    type: str
  user_data:
    description:
      - Text for cloud-init, not encoded. It may hold secrets, and
        is never shown.
      - A running guest takes a change over when it restarts; see
        O(restart).
    type: str
  ssh_keys:
    description:
      - Names of registered SSH key pairs to put into the instance.
      - Used only when the object is created.
    type: list
    elements: str
  affinity_groups:
    description:
      - Names of the affinity groups that it is in.
      - What is not listed stays, unless O(exact=true).
    type: list
    elements: str
  tags:
    description:
      - Resource tags.
      - What is not listed stays, unless O(exact=true).
    type: dict
  ha_enabled:
    description:
      - Start it elsewhere when its host fails.
      - The platform's own default is V(false).
    type: bool
  dynamic_scaling:
    description:
      - Whether its size may change while it runs, where the offering
        and the guest allow.
      - The platform's own default is V(false).
    type: bool
  delete_protection:
    description:
      - Refuse to delete it; from CloudStack 4.20 on.
      - The platform's own default is V(false).
    type: bool
  host:
    description:
      - Name or id of the host to start on; for the root admin.
      - Used only when the object is created.
    type: str
  force:
    description:
      - Switch off instead of asking the guest to shut down, also
        to delete it while it runs. Unsaved work in it is lost.
    type: bool
    default: false
  expunge:
    description:
      - With O(state=absent), also remove what is kept for recovery
        (a day unless the operator changed that).
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
    default: 900
"""

EXAMPLES = r"""
- name: A web server on an isolated network, running
  virtbridge.core.cloudstack_instance:
    target: cloud
    name: shop-web
    zone: zone1
    template: debian-12
    service_offering: small
    root_disk_gib: 20
    nics:
      - network: lab-net
    ssh_keys:
      - ops
    user_data: |
      #cloud-config
      packages: [nginx]
    tags:
      env: lab
    state: started

- name: Give it more memory; it is restarted if it runs
  virtbridge.core.cloudstack_instance:
    target: cloud
    name: shop-web
    service_offering: medium
    restart: if_needed

- name: Connect it to one more network, and keep the other
  virtbridge.core.cloudstack_instance:
    target: cloud
    name: shop-web
    nics:
      - network: back-net

- name: Delete it for good, though it runs
  virtbridge.core.cloudstack_instance:
    target: cloud
    name: shop-web
    state: absent
    force: true
    expunge: true
"""

RETURN = r"""
---
object:
  description:
    - The object as it is now; in check mode as it was.
  returned: when it exists
  type: dict
  contains:
    id:
      description:
        - Id of the instance.
      type: str
    project:
      description:
        - Project that it belongs to, if it does.
      type: str
    account:
      description:
        - Account that it belongs to, if to no project.
      type: str
    domain:
      description:
        - Path of the domain.
      type: str
    zone:
      description:
        - Zone that it is in.
      type: str
    display_name:
      description:
        - Name that is shown to people.
      type: str
    service_offering:
      description:
        - Offering that sizes it.
      type: str
    template:
      description:
        - Template that it was made of.
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

from ..module_utils.cloudstack.resources.instance import INSTANCE
from ..module_utils.engine.module import run


def main() -> None:
    run(INSTANCE)


if __name__ == "__main__":
    main()
