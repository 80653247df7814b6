# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands `search`, `describe` and `bench`; each imports what it needs when it runs."""

from __future__ import annotations

import sys
from typing import Any

import click

from .cli_options import FAILED, as_json, configured, examples


@click.command(
    epilog=examples(
        "virtbridge search add a disk to a vm --platform proxmox",
        "virtbridge search backup --risk read --limit 20",
    ),
)
@click.argument("words", nargs=-1, required=True)
@click.option("--platform", help="Only of fleet, proxmox, cloudstack or kubevirt.")
@click.option("--risk", help="Only read, write, disruptive or destructive.")
@click.option("--limit", type=int, default=10, show_default=True, help="The most to show.")
@configured
@as_json
def search(
    words: tuple[str, ...],
    platform: str | None,
    risk: str | None,
    limit: int,
    json_output: bool,
    **chosen: Any,
) -> None:
    """Find modules and vendor operations by WORDS that say what they should do."""
    from .cli_call import call_tool
    from .cli_open import open_surface
    from .cli_output import show_answer

    narrowed = {"platform": platform, "risk": risk}
    given = {name: value for name, value in narrowed.items() if value is not None}
    with open_surface(**chosen) as surface:
        query = {"query": " ".join(words), "limit": limit}
        answer = call_tool(surface, "tool_search", query | given)
    show_answer(answer, json_output)
    sys.exit(0 if answer.ok else FAILED)


@click.command(
    epilog=examples(
        "virtbridge describe proxmox_vm",
        "virtbridge describe 'proxmox:POST /nodes/{node}/qemu/{vmid}/clone'",
    ),
)
@click.argument("operation")
@configured
@as_json
def describe(operation: str, json_output: bool, **chosen: Any) -> None:
    """Show the arguments, the risk and the answer of one OPERATION that search has found."""
    from .cli_call import call_tool
    from .cli_open import open_surface
    from .cli_output import show_answer, show_description

    with open_surface(**chosen) as surface:
        answer = call_tool(surface, "tool_describe", {"operation": operation})
    if answer.ok and not json_output:
        show_description(answer.body["data"])
    else:
        show_answer(answer, json_output)
    sys.exit(0 if answer.ok else FAILED)


@click.command(epilog=examples("virtbridge bench", "virtbridge bench --platform kubevirt --json"))
@click.option(
    "--platform",
    "platforms",
    multiple=True,
    type=click.Choice(["proxmox", "cloudstack", "kubevirt"]),
    help="Only this one; may be repeated.",
)
@click.option("--calls", type=click.IntRange(2, 1000), default=20, show_default=True)
@as_json
def bench(platforms: tuple[str, ...], calls: int, json_output: bool) -> None:
    """Measure runs against simulators: from nothing, with direct execution, and warm.

    Measured are a read, and a write that finds its machine as it should be (vm_...), each way;
    and what one more task or item of a loop costs a plain ansible-playbook, with direct execution
    and with AnsiballZ. It needs no cloud and takes some minutes for each platform. The ways are
    measured in turn, so trust the ratios.
    """
    from .bench import PLATFORMS, BenchFailed, run_bench
    from .cli_output import show_figures, write_json

    try:
        figures = list(run_bench(platforms or PLATFORMS, calls))
    except BenchFailed as error:
        click.secho(str(error), fg="red", err=True)
        sys.exit(FAILED)
    write_json(figures) if json_output else show_figures(figures)
