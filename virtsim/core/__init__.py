# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every simulated platform shares: HTTP, TLS, time, faults, journal, seeds."""
