# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A child process that is a module: forked from this one, with pipes of its own."""

from __future__ import annotations

import atexit
import ctypes
import inspect
import json
import os
import runpy
import selectors
import signal
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NoReturn

from ansible.executor import module_common
from ansible.module_utils import basic
from ansible.module_utils.common import json as common_json

_PROFILE = "legacy"
_SHEBANG = f"#!{sys.executable}"
_PIECE = 1 << 16
_PARENT_DIES = 1

try:  # ansible-core 2.19 and newer
    from ansible.module_utils import _internal
    from ansible.module_utils._internal._ansiballz import _loader
    from ansible.module_utils.common.json import Direction, get_module_encoder

    _BUILT = module_common._BuiltModule
    MODERN = True
    _SECRETS = "secrets" in inspect.signature(_loader.run_module).parameters
except (ImportError, AttributeError):
    MODERN = False

_ENCODER: Any = getattr(common_json, "AnsibleJSONEncoder", None)
_LIBC: Any = None
with suppress(OSError):
    _LIBC = ctypes.CDLL(None)
AVAILABLE = hasattr(os, "fork") and (MODERN or _ENCODER is not None)


def module_file(loaders: Any, name: str) -> str | None:
    """Return the name by which Python imports a module of a collection, None for any other."""
    found = loaders.module_loader.find_plugin_with_context(name, ".py")
    resolved = str(found.plugin_resolved_name or "") if found.resolved else ""
    path = str(found.plugin_resolved_path or "")
    ours = resolved.startswith("ansible_collections.") and path.endswith(".py")
    return resolved if ours else None


def built(module_args: Mapping[str, Any], name: str) -> Any:
    """Return what core takes for a built module: here its arguments alone."""
    content = {"ANSIBLE_MODULE_ARGS": dict(module_args)}
    path = f"{name.replace('.', '/')}.py"
    if not MODERN:
        text = json.dumps(content, cls=_ENCODER, vault_to_text=True)
        return "new", _SHEBANG, text.encode("utf-8"), path
    encoder = get_module_encoder(_PROFILE, Direction.CONTROLLER_TO_MODULE)
    text = json.dumps(content, cls=encoder)
    bits = _BUILT(
        b_module_data=text.encode("utf-8"),
        module_style="new",
        shebang=_SHEBANG,
        serialization_profile=_PROFILE,
    )
    return bits, path


def run(
    name: str, arguments: bytes, environment: Mapping[str, Any], folder: str | None
) -> dict[str, Any]:
    """Run a module in a child; return its exit code and what it printed, as core wants them.

    Whatever ends this call early, such as the task's timeout, ends the child and its children.
    """
    out, out_end = os.pipe()
    err, err_end = os.pipe()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        try:
            _apart((out_end, err_end), parent)
            _become(name, arguments, environment, folder)
        finally:
            os._exit(1)
    os.close(out_end)
    os.close(err_end)
    try:
        stdout, stderr = (text.decode("utf-8", "surrogateescape") for text in _read(out, err))
        status = os.waitpid(child, 0)[1]
    except BaseException:
        _end(child)
        raise
    finally:
        os.close(out)
        os.close(err)
    return {
        "rc": os.waitstatus_to_exitcode(status),
        "stdout": stdout,
        "stdout_lines": stdout.splitlines(),
        "stderr": stderr,
        "stderr_lines": stderr.splitlines(),
    }


def _end(child: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(child, 0)


def _read(*sources: int) -> list[bytes]:
    """Return what comes out of some pipes until all are closed."""
    texts = {source: bytearray() for source in sources}
    with selectors.DefaultSelector() as waiting:
        for source in sources:
            waiting.register(source, selectors.EVENT_READ)
        while waiting.get_map():
            for key, _events in waiting.select():
                piece = os.read(key.fd, _PIECE)
                texts[key.fd] += piece
                if not piece:
                    waiting.unregister(key.fd)
    return [bytes(texts[source]) for source in sources]


def _become(
    name: str, arguments: bytes, environment: Mapping[str, Any], folder: str | None
) -> NoReturn:
    """Turn this forked process into the module's."""
    code = 1
    try:
        if folder:
            os.chdir(folder)
        os.environ.update({key: str(value) for key, value in environment.items()})
        sys.argv = [name]
        _start(name, arguments)
    except SystemExit as end:
        code = _exit_code(end)
    except BaseException:
        traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    with suppress(Exception):
        atexit._run_exitfuncs()
    os._exit(code)


def _apart(ends: tuple[int, int], parent: int) -> None:
    """Leave what belongs to the worker: its group, its streams, its handlers."""
    os.setpgid(0, 0)
    _die_with(parent)
    for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGALRM):
        signal.signal(each, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, into in ((nothing, 0), (ends[0], 1), (ends[1], 2)):
        os.dup2(source, into)
    os.closerange(3, 1024)
    for number, mode, stream in ((0, "r", "stdin"), (1, "w", "stdout"), (2, "w", "stderr")):
        text = os.fdopen(number, mode, encoding="utf-8", errors="surrogateescape", closefd=False)
        setattr(sys, stream, text)
        setattr(sys, f"__{stream}__", text)
    atexit._clear()


def _die_with(parent: int) -> None:
    """Let the kernel end this process when the worker ends, however that happens."""
    with suppress(Exception):
        _LIBC.prctl(_PARENT_DIES, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _start(name: str, arguments: bytes) -> None:
    """Run the module as AnsiballZ does once it is unpacked."""
    if not MODERN:
        basic._ANSIBLE_ARGS = arguments
        runpy.run_module(
            name, init_globals={"_module_fqn": name}, run_name="__main__", alter_sys=True
        )
        return
    # Otherwise warnings go to the controller's display instead of into the result.
    _internal.is_controller = False
    _internal.import_controller_module = lambda _name, /: None
    _internal.get_controller_serialize_map = dict
    options: dict[str, Any] = {
        "json_params": arguments,
        "profile": _PROFILE,
        "module_fqn": name,
        "modlib_path": "",
        "extensions": {},
    }
    if _SECRETS:
        options["secrets"] = []
    _loader.run_module(**options)


def _exit_code(end: SystemExit) -> int:
    if end.code is None:
        return 0
    if isinstance(end.code, int):
        return end.code
    sys.stderr.write(f"{end.code}\n")
    return 1
