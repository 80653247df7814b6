# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `runs`: what ran, what runs now, also in other processes, and how to stop it."""

from __future__ import annotations

import datetime
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .cli_options import FAILED, as_json, config_option, examples, moment

if TYPE_CHECKING:
    from .run_store import RunBook, StoredRun

# The states of `run_store`, which is not imported for --help.
_STATES = ("running", "succeeded", "failed", "uncertain", "refused")
_STOP_SECONDS = 15.0
_POLL = 0.2


@click.group(
    invoke_without_command=True,
    epilog=examples(
        "virtbridge runs --since 2h --state failed",
        "virtbridge runs --target lab --tool vm_power --json",
        "virtbridge runs show 1f0c…            its answer, and what it printed",
        "virtbridge runs cancel 1f0c…          stop it, whichever process has it",
    ),
)
@click.option("--state", type=click.Choice(_STATES), help="Only of this state.")
@click.option("--tool", help="Only of this tool.")
@click.option("--target", help="Only on this target.")
@click.option(
    "--since",
    metavar="WHEN",
    callback=moment,
    help="Only begun since then: 30m, 2h, 7d, or a date.",
)
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="The most."
)
@config_option
@as_json
@click.pass_context
def runs(
    context: click.Context,
    /,
    since: float,
    limit: int,
    config_file: Path | None,
    json_output: bool,
    **given: str | None,
) -> None:
    """List the runs of every bridge that uses this state folder, the latest first.

    Also while bridges run. What was begun by a bridge that is dead is uncertain: nobody knows
    whether it was applied, and it is never run again by itself.
    """
    if context.invoked_subcommand is not None:
        return
    from .cli_open import open_runs
    from .cli_output import show_rows, write_json

    filters = {name: value for name, value in given.items() if value is not None}
    with open_runs(config_file) as book:
        found = [_row(run) for run in book.listed(filters, since=since, limit=limit)]
    if json_output:
        write_json({"runs": found})
    elif found:
        columns = ("run_id", "began", "seconds", "state", "tool", "targets", "principal", "how")
        show_rows(columns, [{**row, "state": row["code"] or row["state"]} for row in found])
    else:
        click.echo("no such run" if filters or since else "no run yet")


@runs.command()
@click.argument("run_id")
@config_option
@as_json
def show(run_id: str, config_file: Path | None, json_output: bool) -> None:
    """Show one run: who asked for what, its answer, and what it printed."""
    from .cli_open import open_runs
    from .cli_output import show_pairs, write_json
    from .plaintext import clean_text

    with open_runs(config_file) as book:
        run = _found(book, run_id)
    row = _row(run)
    if json_output:
        write_json({**row, "answer": run.answer, "log": run.log})
        return
    show_pairs(row)
    if run.answer is not None:
        show_pairs(run.answer)
    for line in run.log.splitlines():
        click.secho(clean_text(line), dim=True)


@runs.command()
@click.argument("run_id")
@config_option
@as_json
def cancel(run_id: str, config_file: Path | None, json_output: bool) -> None:
    """Stop a run, whichever process has it, and wait for its end.

    What the platform has begun may still be finished there. Exit code 1 when it goes on.
    """
    from .cli_open import open_runs
    from .cli_output import write_json

    with open_runs(config_file) as book:
        run = _found(book, run_id)
        was_running = run.state == "running"
        if was_running:
            book.cancel(run_id)
        until = time.monotonic() + _STOP_SECONDS
        while run.state == "running" and time.monotonic() < until:
            time.sleep(_POLL)
            run = _found(book, run_id)
    if json_output:
        write_json(_row(run))
    elif run.state == "running":
        click.secho(f"It still runs after {_STOP_SECONDS:.0f} s.", fg="red", err=True)
    else:
        said = run.code or run.state
        click.echo(f"ended: {said}" if was_running else f"It had ended already: {said}")
    sys.exit(FAILED if run.state == "running" else 0)


def _found(book: RunBook, run_id: str) -> StoredRun:
    run = book.find(run_id)
    if run is None:
        raise click.ClickException(
            f"There is no run {run_id!r}, or it is no longer kept; virtbridge runs lists them."
        )
    return run


def _row(run: StoredRun) -> dict[str, Any]:
    began = datetime.datetime.fromtimestamp(run.began, datetime.UTC)
    return {
        "run_id": run.run_id,
        "began": began.isoformat(timespec="seconds"),
        "seconds": run.seconds,
        "state": run.state,
        "code": run.code,
        "tool": run.tool,
        "operation": run.operation,
        "risk": run.risk,
        "targets": list(run.targets),
        "principal": run.principal,
        "client": run.client,
        "how": run.how,
    }
