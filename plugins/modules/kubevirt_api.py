#!/usr/bin/python
# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: kubevirt_api
short_description: Call the Kubernetes API for any kind that KubeVirt
  uses
version_added: 0.1.0
author:
  - virtbridge maintainers (@virtbridge)
description:
  - Reads, lists, creates, patches, applies, replaces or deletes an
    object, or calls a subresource of KubeVirt, checked against the
    catalog of KubeVirt 1.9 before anything is sent.
  - 'It is not idempotent: what changes something is sent each time,
    and reported as a change. Prefer the module of the resource where
    there is one.'
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
  verb:
    description:
      - What is done. V(patch) is a merge patch, V(apply) a server-side
        apply. A O(subresource) of KubeVirt knows its own verb.
    type: str
    default: get
    choices:
      - get
      - list
      - create
      - patch
      - apply
      - replace
      - delete
  kind:
    description:
      - Kind of object, as V(VirtualMachine).
    type: str
    required: true
  api_version:
    description:
      - Version to use, as V(kubevirt.io/v1); the one it is stored
        in unless given.
    type: str
  namespace:
    description:
      - Namespace of the object; for a list, of all.
    type: str
  name:
    description:
      - Name of the object.
    type: str
  subresource:
    description:
      - Subresource to call, such as V(migrate), V(addvolume) or V(status).
    type: str
  body:
    description:
      - Object, patch, or options of a subresource. The contents of
        a Secret and the cloud-init of a machine in it are masked
        wherever it is shown.
    type: dict
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
- name: List the instance types of the cluster
  virtbridge.core.kubevirt_api:
    target: cluster
    verb: list
    kind: VirtualMachineClusterInstancetype
  register: types

- name: Put a label on a machine
  virtbridge.core.kubevirt_api:
    target: cluster
    verb: patch
    kind: VirtualMachine
    namespace: default
    name: web1
    body:
      metadata:
        labels:
          tier: web

- name: Move a running machine to another node
  virtbridge.core.kubevirt_api:
    target: cluster
    kind: VirtualMachine
    namespace: default
    name: web1
    subresource: migrate
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
from ..module_utils.kubevirt.resources.api import API


def main() -> None:
    run(API)


if __name__ == "__main__":
    main()
