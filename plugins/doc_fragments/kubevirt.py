# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the connection options of kubevirt; written by tools/gen_docs.py."""

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
      - Addresses of the Kubernetes API, tried in order as long as
        nothing was sent.
      - Must match V(https?://\\S+).
      - When it is not given, the environment variable E(K8S_AUTH_HOST)
        is used.
    type: list
    elements: str
  api_token:
    description:
      - Bearer token, such as that of a service account.
      - When it is not given, the environment variable E(K8S_AUTH_API_KEY)
        is used.
    type: str
  client_cert:
    description:
      - File with the client certificate, with O(client_key).
      - When it is not given, the environment variable E(K8S_AUTH_CERT_FILE)
        is used.
    type: path
  client_key:
    description:
      - File with the key of O(client_cert).
      - When it is not given, the environment variable E(K8S_AUTH_KEY_FILE)
        is used.
    type: path
  kubeconfig:
    description:
      - File that says where the cluster is and how to log in. Without
        it and O(api_url), the service account of the pod that this
        runs in is used. O(api_token) or O(client_cert) beside it
        replaces its login.
      - When it is not given, the environment variable E(K8S_AUTH_KUBECONFIG)
        is used.
    type: path
  context:
    description:
      - Context of O(kubeconfig); the current one unless given.
      - When it is not given, the environment variable E(K8S_AUTH_CONTEXT)
        is used.
    type: str
  impersonate_user:
    description:
      - Name of the Kubernetes user to act as. The credential must
        have the right to impersonate it; what that user may do decides.
      - Must match V([!-~]+).
      - When it is not given, the environment variable E(K8S_AUTH_IMPERSONATE_USER)
        is used.
    type: str
  impersonate_groups:
    description:
      - Groups to act as a member of, beside O(impersonate_user),
        which they need. The credential must have the right to impersonate
        each of them.
      - Must match V([!-~]([ -~]*[!-~]\)?).
      - When it is not given, the environment variable E(K8S_AUTH_IMPERSONATE_GROUPS)
        is used.
    type: list
    elements: str
  validate_certs:
    description:
      - Whether the server's certificate must be trusted. On unless
        set to false. Use O(ca_path) or O(fingerprint) for a self-signed
        one instead of switching it off.
      - When it is not given, the environment variable E(KUBEVIRT_VALIDATE_CERTS)
        is used.
    type: bool
  ca_path:
    description:
      - File with the CA certificate to trust.
      - When it is not given, the environment variable E(KUBEVIRT_CA_PATH)
        is used.
    type: path
  fingerprint:
    description:
      - SHA-256 fingerprint of the server's certificate. When set,
        exactly this certificate is trusted, and it is compared before
        a credential is sent.
      - Must match V((?:[0-9A-Fa-f]{2}:?\){31}[0-9A-Fa-f]{2}).
      - When it is not given, the environment variable E(KUBEVIRT_FINGERPRINT)
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
