# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `doctor`: what is wrong with this installation, and how to mend it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from .cli_options import FAILED, as_json, config_option, examples, targets_option

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command(epilog=examples("virtbridge doctor", "virtbridge doctor --quick --json"))
@click.option("--quick", is_flag=True, help="Leave out the run against a simulator.")
@config_option
@targets_option
@as_json
def doctor(
    quick: bool, config_file: Path | None, targets_file: Path | None, json_output: bool
) -> None:
    """Say what is wrong with this installation, and how to mend it.

    No target is contacted. A real run is made, end to end, against a simulator that is started
    for it. Exit code 1 when a check fails; a warning is no failure.
    """
    from .cli_output import write_json
    from .doctor import examine

    # An odd locale is a thing to report, not to stumble over.
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
    found = []
    for each in examine(config_file, targets_file, rehearse=not quick):
        found.append(each)
        if json_output:
            continue
        click.echo(click.style(f"{each.verdict:<5}", fg=_COLOURS[each.verdict]), nl=False)
        click.echo(f"{each.name}: {each.words}")
        if each.mend:
            click.echo(f"     → {each.mend}")
    failed = [each for each in found if each.verdict == "fail"]
    if json_output:
        write_json({"ok": not failed, "checks": [asdict(each) for each in found]})
    else:
        warned = sum(each.verdict == "warn" for each in found)
        click.echo(f"{len(found)} checks: {len(failed)} failed, {warned} could be better")
    sys.exit(FAILED if failed else 0)
