# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""KubeVirt behind the kube-apiserver: webhooks, subresources, controllers."""
