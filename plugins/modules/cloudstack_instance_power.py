#!/usr/bin/python
# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cloudstack_instance_power
short_description: Start, stop, restart or reset a CloudStack instance
version_added: 0.1.0
author:
  - virtbridge maintainers (@virtbridge)
description:
  - Brings an existing instance to a power state, and verifies that
    it got there.
  - An instance that is already there is left alone and reported as
    unchanged. CloudStack cannot pause one.
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
      - Host name of the instance, where it is unique.
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
  force:
    description:
      - Switch off instead of asking the guest to shut down. Unsaved
        work in it is lost.
    type: bool
    default: false
  state:
    description:
      - 'V(started): Running.'
      - 'V(stopped): Shut down by the guest, or switched off with
        O(force).'
      - 'V(restarted): Rebooted; a stopped instance is started.'
      - 'V(reset): Switched off and on again.'
    type: str
    required: true
    choices:
      - started
      - stopped
      - restarted
      - reset
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
    default: 300
"""

EXAMPLES = r"""
- name: Start an instance
  virtbridge.core.cloudstack_instance_power:
    target: cloud
    name: web2
    state: started

- name: Reboot an instance of a project
  virtbridge.core.cloudstack_instance_power:
    target: cloud
    name: shop1
    project: shop
    state: restarted

- name: Shut it down, or switch it off when it does not answer
  virtbridge.core.cloudstack_instance_power:
    target: cloud
    name: web2
    state: stopped
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

from ..module_utils.cloudstack.resources.instance_power import INSTANCE_POWER
from ..module_utils.engine.module import run


def main() -> None:
    run(INSTANCE_POWER)


if __name__ == "__main__":
    main()
