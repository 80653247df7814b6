# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with this installation, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..auth import IssuerSilent, open_verifier
from ..cli_open import Read, read_configuration
from ..config_auth import Auth
from ..errors import ConfigInvalid
from . import installation, machine, rehearsal
from .finding import Finding, fail, ok, warn

_SHOW = "Correct it; virtbridge check-config shows it again."


def examine(
    config_file: Path | None, targets_file: Path | None, *, rehearse: bool
) -> Iterator[Finding]:
    """Yield what each check finds, one after the other.

    ``rehearse`` also makes a real run against a simulator, when nothing is in its way.
    """
    read = read_configuration(config_file, targets_file)
    first = [
        installation.python(),
        installation.ansible_core(),
        installation.libraries(),
        installation.collection(),
        installation.other_copy(),
        *_configured(read),
    ]
    yield from first
    yield from machine.every(read.config)
    if not rehearse:
        return
    if read.config is None:
        yield warn("a run", "not tried: the configuration cannot be read", _SHOW)
    else:
        yield from rehearsal.run(read.config)


def _configured(read: Read) -> Iterator[Finding]:
    if read.problems:
        yield fail("configuration", "; ".join(map(str, read.problems)), _SHOW)
    else:
        count = len(read.targets)
        named = f"{count} target{'' if count == 1 else 's'} in {read.targets_path}"
        yield ok("configuration", named if count else "no target yet; target_list says how to add")
    if read.secrets:
        advice = "Correct it; a file with a secret must be its owner's alone: chmod 600."
        yield fail("secrets", "; ".join(map(str, read.secrets)), advice)
    else:
        yield ok("secrets", "each can be read, by this user alone")
    if read.config is not None and read.config.auth is not None:
        yield _login(read.config.auth, str(read.config.server.public_url))


def _login(auth: Auth, public_url: str) -> Finding:
    try:
        open_verifier(auth, auth.audience or public_url).reach()
    except (ConfigInvalid, IssuerSilent) as error:
        advice = "Check the addresses, files and credentials below auth, and the way to the issuer."
        return fail("login", f"{auth.issuer}: {error}", advice)
    return ok("login", f"{auth.issuer} can be asked")
