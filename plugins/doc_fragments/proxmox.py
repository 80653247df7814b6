# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the connection options of proxmox; written by tools/gen_docs.py."""

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
  api_host:
    description:
      - Nodes of one cluster, each as host or host:port. They are
        tried in order as long as nothing was sent.
      - When it is not given, the environment variable E(PROXMOX_HOST)
        is used.
    type: list
    elements: str
  api_port:
    description:
      - Port where O(api_host) names none. The API listens on 8006.
      - From V(1) to V(65535).
      - When it is not given, the environment variable E(PROXMOX_PORT)
        is used.
    type: int
  api_token_id:
    description:
      - 'API token as user@realm!name. Preferred over a password:
        it needs no login.'
      - Must match V([^@\\s!]+@[^@\\s!]+![^@\\s!]+).
      - When it is not given, the environment variable E(PROXMOX_TOKEN_ID)
        is used.
    type: str
  api_token_secret:
    description:
      - Secret of the API token.
      - When it is not given, the environment variable E(PROXMOX_TOKEN_SECRET)
        is used.
    type: str
  api_user:
    description:
      - User as user@realm, with O(api_password).
      - Must match V([^@\\s!]+@[^@\\s!]+).
      - When it is not given, the environment variable E(PROXMOX_USER)
        is used.
    type: str
  api_password:
    description:
      - Password of O(api_user).
      - When it is not given, the environment variable E(PROXMOX_PASSWORD)
        is used.
    type: str
  api_totp:
    description:
      - Time-based one-time password, for users with a second factor.
    type: str
  validate_certs:
    description:
      - Whether the server's certificate must be trusted. On unless
        set to false. Use O(ca_path) or O(fingerprint) for a self-signed
        one instead of switching it off.
      - When it is not given, the environment variable E(PROXMOX_VALIDATE_CERTS)
        is used.
    type: bool
  ca_path:
    description:
      - File with the CA certificate to trust, such as a copy of the
        cluster's C(/etc/pve/pve-root-ca.pem).
      - When it is not given, the environment variable E(PROXMOX_CA_PATH)
        is used.
    type: path
  fingerprint:
    description:
      - SHA-256 fingerprint of the server's certificate. When set,
        exactly this certificate is trusted, and it is compared before
        a credential is sent.
      - Must match V((?:[0-9A-Fa-f]{2}:?\){31}[0-9A-Fa-f]{2}).
      - When it is not given, the environment variable E(PROXMOX_FINGERPRINT)
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
