# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Started beside the fork server: lets its children share as much of its memory as they can.

A forked process shares a page until one of both writes to it, and Python writes wherever it looks:
it counts references in the objects themselves. So what every run would look up, remember or
import is done before the first fork, and new objects get pages of their own.
"""

from __future__ import annotations

import argparse
import collections.abc
import contextlib
import ctypes
import fnmatch
import gc
import importlib
import re
import ssl
import sys
from typing import Any

from ansible.cli.playbook import PlaybookCLI

# What core imports only in the middle of a run. What another core lacks of it is left out.
_LATE = (
    "ansible._internal._errors._task_timeout",
    "ansible.cli.scripts",
    "ansible.executor.process.worker",
    "ansible.executor.task_executor",
    "ansible.module_utils._internal._json._profiles._module_legacy_c2m",
    "ansible.module_utils._internal._json._profiles._module_legacy_m2c",
    "ansible.module_utils.connection",
    "ansible.playbook.handler",
    "ansible.playbook.handler_task_include",
    "ansible.playbook.included_file",
    "ansible.playbook.role_include",
    "ansible.plugins.cache.memory",
    "ansible.plugins.callback.default",
    "ansible.plugins.callback.junit",
    "ansible.plugins.callback.minimal",
    "ansible.plugins.callback.oneline",
    "ansible.plugins.callback.tree",
    "ansible.plugins.doc_fragments.default_callback",
    "ansible.plugins.doc_fragments.result_format_callback",
    "ansible.plugins.doc_fragments.vars_plugin_staging",
    "ansible.plugins.inventory.yaml",
    "ansible.plugins.strategy.linear",
    "ansible.plugins.vars.host_group_vars",
    "ansible.utils._junit_xml",
    "multiprocessing.popen_fork",
    "multiprocessing.synchronize",
    "pprint",
)
# Hosts of a play, and patterns that core and ansible-runner write where they use them.
_HOSTS = ("all", "virtbridge_targets")
_INLINE = (
    r"/ansible_collections/(?P<ns>\w+)/(?P<coll>\w+)/plugins/(?P<plugin_type>\w+)/"
    r"(?P<plugin_name>\w+)",
    r"\x1b\[\d+D",
)
_MODULES = ".plugins.modules."
_TAGS = "ansible.module_utils._internal._datatag"
_SIMPLE: tuple[type, ...] = (
    *(str, bytes, int, float, bool, type(None), list, tuple, dict, set, frozenset),
    *(type({}.keys()), type({}.values()), type({}.items())),
    type(collections.OrderedDict().values()),
)
# Python's allocator: pools of 16 KiB, of places of one size each, in steps of 16 up to 512 bytes.
_STEP, _LARGEST, _PIECE = 16, 512, 12 * 1024
# C's allocator: chunks in steps of 16, of which 8 bytes are its own; small ones are kept by size.
_CHUNK_HEAD, _LARGEST_CHUNK, _IN_TURN, _MOST_CHUNKS = 8, 1040, 3, 2000
_EMPTY = sys.getsizeof(b"")
_kept: list[bytes] = []


def prepare() -> None:
    """Do once what every child would; to be called when all else is imported."""
    for name in _LATE:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    # OpenSSL sets itself up when the first context is made.
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _ask_abstract_classes()
    _compile_patterns()
    gc.collect()
    _fill_gaps()
    _fill_heap()
    settle()


def _ask_abstract_classes() -> None:
    """Ask each abstract class what it says of the types in every run; it remembers the answer."""
    kinds = [*_SIMPLE]
    with contextlib.suppress(ImportError):
        tags: Any = importlib.import_module(_TAGS)
        kinds += [
            kind
            for name, kind in vars(tags).items()
            if isinstance(kind, type) and name.startswith("_AnsibleTagged")
        ]
    for name in collections.abc.__all__:
        for kind in kinds:
            issubclass(kind, getattr(collections.abc, name))


def _compile_patterns() -> None:
    """Compile what the command line and ansible-runner would in each run; Python remembers it."""
    command: Any = PlaybookCLI
    command(["ansible-playbook"]).init_parser()
    reader = argparse.ArgumentParser()
    reader.add_argument("-i")
    reader.add_argument("names", nargs="+")
    reader.parse_args(["-i", "x", "x"])
    modules = {name.rpartition(".")[2] for name in sys.modules if _MODULES in name}
    for shell in (*_HOSTS, *(f"{name}.*" for name in sorted(modules))):
        re.compile(fnmatch.translate(shell))
    for pattern in _INLINE:
        re.compile(pattern)


def _fill_gaps() -> None:
    """Occupy the free places between objects that stay, until new ones come in one piece.

    Otherwise each new object of a child takes a page away from what is shared.
    """
    for size in range(_EMPTY // _STEP * _STEP + _STEP, _LARGEST + 1, _STEP):
        piece, last = 0, 0
        while piece < _PIECE:
            _kept.append(bytes(size - _EMPTY))
            place = id(_kept[-1])
            piece = piece + size if place == last + size else 0
            last = place


def _fill_heap() -> None:
    """Do the same where C allocates: OpenSSL asks for thousands of small places and frees them."""
    with contextlib.suppress(OSError, AttributeError):
        allocate = ctypes.CDLL(None).malloc
        allocate.restype, allocate.argtypes = ctypes.c_void_p, (ctypes.c_size_t,)
        for size in range(_LARGEST_CHUNK, _STEP, -_STEP):
            in_turn, last = 0, 0
            for _turn in range(_MOST_CHUNKS):
                place = allocate(size - _CHUNK_HEAD)
                in_turn = in_turn + 1 if place == last + size else 0
                if in_turn == _IN_TURN:
                    break
                last = place


def settle() -> None:
    """Before a fork: keep the collector away from what is there, and forget cached look-ups.

    To replace one of them, a child would write to the name of the one before.
    """
    gc.freeze()
    sys._clear_type_cache()
