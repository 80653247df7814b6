# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the connection options of cloudstack; written by tools/gen_docs.py."""

from __future__ import annotations


class ModuleDocFragment:
    """Shared text."""

    DOCUMENTATION = r"""
---
options:
  target:
    description:
      - Name of the endpoint in C(targets.yml), which holds its address
        and credentials.
      - The file is E(VIRTBRIDGE_TARGETS), else C($XDG_CONFIG_HOME/virtbridge/targets.yml),
        on the controller. Connection options given in the task win
        over the file.
    type: str
  api_url:
    description:
      - Addresses of the API, such as V(https://cloud.example.org/client/api).
        They are tried in order as long as nothing was sent.
      - Must match V(https?://\\S+).
      - When it is not given, the environment variable E(CLOUDSTACK_ENDPOINT)
        is used.
    type: list
    elements: str
  api_key:
    description:
      - API key of the user. It goes with each request and is masked
        like a secret.
      - When it is not given, the environment variable E(CLOUDSTACK_KEY)
        is used.
    type: str
  api_secret:
    description:
      - Secret key of the user; it signs each request and is never
        sent.
      - When it is not given, the environment variable E(CLOUDSTACK_SECRET)
        is used.
    type: str
  validate_certs:
    description:
      - Whether the server's certificate must be trusted. On unless
        set to false. Use O(ca_path) or O(fingerprint) for a self-signed
        one instead of switching it off.
      - When it is not given, the environment variable E(CLOUDSTACK_VALIDATE_CERTS)
        is used.
    type: bool
  ca_path:
    description:
      - File with the CA certificate to trust.
      - When it is not given, the environment variable E(CLOUDSTACK_CA_PATH)
        is used.
    type: path
  fingerprint:
    description:
      - SHA-256 fingerprint of the server's certificate. When set,
        exactly this certificate is trusted, and it is compared before
        a credential is sent.
      - Must match V((?:[0-9A-Fa-f]{2}:?\){31}[0-9A-Fa-f]{2}).
      - When it is not given, the environment variable E(CLOUDSTACK_FINGERPRINT)
        is used.
    type: str
  proxy:
    description:
      - HTTP proxy to go through, as a URL.
    type: str
  timeout:
    description:
      - Longest time to wait for one answer. 60 unless set.
      - In seconds.
      - At least V(1).
    type: int
"""
