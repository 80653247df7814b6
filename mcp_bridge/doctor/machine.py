# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the machine and of the state folder on it."""

from __future__ import annotations

import codecs
import locale
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from ..audit_file import Places
from ..audit_parts import closed
from ..audit_verify import public_key, verify
from ..cli_open import audit_places, open_store
from ..config import Config
from ..errors import RunnerBroken
from ..private import open_private
from ..runner.guarded import GUARD
from ..runner.possible import why_not
from ..runner.workspace import SHARED_MEMORY, base_folder, dead
from .finding import Finding, fail, ok, warn

_MIB = 1024 * 1024
_LEAST, _ENOUGH = 64 * _MIB, 512 * _MIB
_SECONDS = 30
# Longer audits are left to the command that is made for them.
_LARGE = 64 * _MIB
_ISOLATES = (
    "import ctypes, runpy, sys; guard = runpy.run_path(sys.argv[1]); "
    "sys.exit(0 if guard['_isolate'](ctypes.CDLL(None, use_errno=True)) else 1)"
)


def state_dir(folder: Path) -> Finding:
    """Check that the state folder can be written, and by nobody else."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        words = f"{folder} cannot be written: {error.strerror}"
        return fail("state folder", words, "Correct it, or set runner.state_dir.")
    if status.st_uid != os.geteuid():
        words = f"{folder} belongs to another user"
        return fail("state folder", words, "Set runner.state_dir to a folder of this user.")
    if status.st_mode & 0o022:
        return fail("state folder", f"others may write to {folder}", f"Run chmod 700 {folder}.")
    if status.st_mode & 0o055:
        return warn("state folder", f"others may look into {folder}", f"Run chmod 700 {folder}.")
    return ok("state folder", f"{folder} is this user's alone")


def audit(places: Places) -> Finding:
    """Check that the audit can be written, or nothing is run, and that it is whole."""
    parts = (places.log, places.head, places.checkpoints, places.key)
    try:
        for path in parts:
            if path.exists() or path.is_symlink():
                os.close(open_private(path, os.O_RDWR | os.O_APPEND))
        if not places.log.exists() and not places.head.exists():
            places.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=places.log.parent):
                pass
            return ok("audit", f"{places.log} can be made; nothing was run yet")
        sizes = [each.stat().st_size for _number, each in closed(places.log)]
        if sum(sizes) + (places.log.stat().st_size if places.log.exists() else 0) > _LARGE:
            return ok("audit", f"{places.log} can be written; virtbridge audit verify checks it")
        checked = verify(places, public_key(places, None))
        if not checked.ok and verify(places, public_key(places, None), archived=True).ok:
            mend = "Keep the parts that were moved away; virtbridge audit verify --archived."
            return warn("audit", f"{places.log}: {checked.problem}; the rest is whole", mend)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        words = f"{getattr(error, 'filename', None) or places.log} cannot be used: {reason}"
        return fail("audit", words, "Correct its disk, owner and mode, or set audit.path.")
    if not checked.ok:
        mend = "Find out who changed it: virtbridge audit verify. Restore it, or begin a new one."
        return fail("audit", f"{places.log}: {checked.problem}", mend)
    return ok("audit", f"{places.log} can be written, and its {checked.lines} lines are whole")


def store(config: Config) -> Finding:
    """Check that what the bridge remembers can be opened."""
    try:
        open_store(config).close()
    except click.ClickException as error:
        return fail("store", str(error), "Put it aside: what it remembers is lost with it.")
    return ok("store", "runs can be written down")


def disk(folder: Path, free: int | None = None) -> Finding:
    """Check the room for what the bridge remembers."""
    place = next((each for each in (folder, *folder.parents) if each.exists()), Path("/"))
    free = shutil.disk_usage(place).free if free is None else free
    words = f"{free // _MIB} MiB are free for {folder}"
    mend = "Make room, or set runner.state_dir; without room for audit and runs nothing is run."
    if free < _LEAST:
        return fail("disk", words, mend)
    return warn("disk", words, mend) if free < _ENOUGH else ok("disk", words)


def run_folders(folder: Path, shared: Path = SHARED_MEMORY) -> Finding:
    """Check where runs live while they run: in memory, where that is possible."""
    try:
        base = base_folder(folder, shared)
    except RunnerBroken as error:
        return fail("run folders", str(error), "Set runner.state_dir to a folder of this user.")
    left = len(list(dead(base)))
    if left:
        words = f"{left} of runs that died are left in {base}"
        return warn("run folders", words, "The next start of virtbridge serve removes them.")
    if not base.is_relative_to(shared):
        words = f"{base}, because {shared} cannot be used"
        return warn("run folders", words, "Runs are quicker in memory: give it a /dev/shm.")
    return ok("run folders", f"{base}, in memory")


def isolation() -> Finding:
    """Check whether a run gets a PID namespace, which ends with it whatever happens."""
    lack = why_not()
    if lack:
        words = f"{lack}, and so no fork server: every run starts cold"
        return warn("isolation", words, "Run the bridge on Linux; a killed one may leave a run.")
    done = subprocess.run(  # noqa: S603 - our own interpreter and file
        [sys.executable, "-I", "-c", _ISOLATES, str(GUARD)],
        capture_output=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode == 0:
        return ok("isolation", "each run has a PID namespace of its own")
    words = "no PID namespaces here: runs are ended by their guard instead"
    return warn(
        "isolation",
        words,
        "Allow user namespaces (sysctl user.max_user_namespaces, or the container's profile); "
        "until then a guard that is killed by force may leave its run.",
    )


def encoding() -> Finding:
    """Check that texts are UTF-8; Ansible refuses to start otherwise."""
    found = {codecs.lookup(locale.getencoding()).name, codecs.lookup(sys.stdout.encoding).name}
    if found == {"utf-8"}:
        return ok("encoding", "UTF-8")
    words = f"the locale is of {', '.join(sorted(found))}"
    mend = "Set LC_ALL=C.UTF-8: runs of the bridge have it, your own playbooks and terminal do not."
    return warn("encoding", words, mend)


def every(config: Config | None) -> list[Finding]:
    """Return what all of these find; what needs the configuration only when there is one."""
    found = [encoding(), isolation()]
    if config is None:
        return found
    folder = config.state_dir
    found += [state_dir(folder), audit(audit_places(config))]
    if found[-2].verdict != "fail":
        found.append(store(config))
    return [*found, disk(folder), run_folders(folder)]
