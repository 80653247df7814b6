#!/usr/bin/python
# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cloudstack_instance_info
short_description: List the instances of a CloudStack cloud
version_added: 0.1.0
author:
  - virtbridge maintainers (@virtbridge)
description:
  - Returns the instances that match all given options, ordered by
    name and id.
  - Without O(project) and O(account), it lists what the user may
    see in all accounts and projects. Destroyed instances are left
    out.
requirements:
  - requests >= 2.28
extends_documentation_fragment:
  - virtbridge.core.cloudstack
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
      - Only those of this host name; V(*) and V(?) stand for any
        text and any character.
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
  host:
    description:
      - Only those on this host, by name or id.
    type: str
  tags:
    description:
      - Only those with all these resource tags.
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
      - migrating
      - provisioning
      - error
      - unknown
  details:
    description:
      - Also return the disks.
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
- name: List what runs, in all accounts and projects
  virtbridge.core.cloudstack_instance_info:
    target: cloud
    state:
      - running
  register: running

- name: Show the web servers of an environment with their disks
  virtbridge.core.cloudstack_instance_info:
    target: cloud
    name: web*
    tags:
      env: prod
    details: true
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

from ..module_utils.cloudstack.resources.instance_info import INSTANCE_INFO
from ..module_utils.engine.module import run


def main() -> None:
    run(INSTANCE_INFO)


if __name__ == "__main__":
    main()
