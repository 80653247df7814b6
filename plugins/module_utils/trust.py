# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""The authorities that a TLS connection trusts, loaded once for many processes.

Loading a store costs as much as a request. So a process that is about to fork may `prepare` one:
each child then takes its copy of it. Where nobody prepared anything, a store is simply loaded.
"""

from __future__ import annotations

import os
import ssl
import stat
import time
from contextlib import suppress
from typing import Any

_new_context: Any = None
_usual = ""
with suppress(ImportError):
    from requests.utils import DEFAULT_CA_BUNDLE_PATH as _usual
    from urllib3.util.ssl_ import create_urllib3_context as _new_context

_MOST = 32
# A file that changes twice within one tick of the clock looks as if it had changed once.
_SETTLED = 0.1
_Key = tuple[str, int, int, int, int, int]
_prepared: dict[_Key, Any] = {}


def prepare(ca_path: str | None) -> None:
    """Load a store ahead, in a process whose children will want it; ``None`` is the usual one.

    What cannot be loaded is left to whoever wants it, who can say so.
    """
    with suppress(OSError):
        key = _key(ca_path)
        if key is None or key in _prepared:
            return
        context = _loaded(ca_path)
        for old in [each for each in _prepared if each[0] == key[0]]:
            del _prepared[old]
        while len(_prepared) >= _MOST:
            del _prepared[next(iter(_prepared))]
        _prepared[key] = context


def trusting(ca_path: str | None) -> Any:
    """Return a context that trusts the authorities in a file or folder, ``None``: the usual ones.

    It is the caller's alone: a client certificate that is put into it is in no other. OSError
    when they cannot be loaded.
    """
    key = _key(ca_path)
    return (key and _prepared.pop(key, None)) or _loaded(ca_path)


def unchecked() -> Any:
    """Return a context that verifies nothing, for who compares the certificate itself or not."""
    return _new_context(cert_reqs=ssl.CERT_NONE)


def _loaded(ca_path: str | None) -> Any:
    path = ca_path or _usual
    context = _new_context(cert_reqs=ssl.CERT_REQUIRED)
    context.load_verify_locations(**{"capath" if _is_folder(path) else "cafile": path})
    return context


def _is_folder(path: str) -> bool:
    return stat.S_ISDIR(os.stat(path).st_mode)  # noqa: PTH116  # see there


def _key(ca_path: str | None) -> _Key | None:
    """Return what changes when the content of the file does; None for what is not prepared."""
    if _new_context is None:
        return None
    path = str(ca_path or _usual)
    status = os.stat(path)  # noqa: PTH116  # all of pathlib would be touched in each run, for this
    if stat.S_ISDIR(status.st_mode):
        return None
    changed = max(status.st_mtime, status.st_ctime)
    if time.time() - changed < _SETTLED:
        return None
    times = status.st_mtime_ns, status.st_ctime_ns
    return (path, status.st_dev, status.st_ino, *times, status.st_size)
