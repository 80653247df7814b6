# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``virtsim`` command: start a simulator, list what there is, show what is modelled."""

from __future__ import annotations

import json
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import click

from . import SimServer, UnknownPlatform, create, platforms, start
from .core.clock import MODES
from .core.seeds import SEEDS, UnknownSeed
from .core.tls import KINDS


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Simulate the API of a virtualization platform on this machine.

    A simulator is a real HTTPS server on 127.0.0.1 with made-up hosts, guests and credentials.
    It keeps state: what you create is there until it stops. Nothing outside is touched.

    \b
    Try it:
      virtsim list
      virtsim start proxmox --port 8006 --seed 1000
      curl --cacert CA_FILE URL/_sim/journal      (CA_FILE, URL: from the line it prints)
    """  # noqa: D301  # \b is click's mark for text to leave as it is


@main.command("start", short_help="Run a simulator until Ctrl-C or SIGTERM.")
@click.argument("platform")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0: any free one.")
@click.option("--seed", default="small", show_default=True, help=f"{', '.join(SEEDS)}.")
@click.option(
    "--clock",
    type=click.Choice(MODES),
    default="real",
    show_default=True,
    help="real: tasks take their time. jump: asking for a task's state ends the wait at once.",
)
@click.option("--speed", type=float, default=1.0, show_default=True, help="Of the real clock.")
@click.option("--latency", type=float, default=0.0, help="Seconds to hold each request back.")
@click.option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep certificates here, for the same CA and fingerprint next time. Objects are not kept.",
)
@click.option("--certificate", type=click.Choice(KINDS), default="valid", show_default=True)
@click.option("--json", "only_json", is_flag=True, help="No explanation beside the JSON line.")
def start_command(platform: str, only_json: bool, **options: Any) -> None:
    """Run the simulator of PLATFORM until Ctrl-C or SIGTERM; then exit 0.

    Prints one line of JSON to standard output once it listens: platform, url, ca_file,
    fingerprint (SHA-256 of its certificate) and credentials. The same port answers below
    /_sim/: reset, seed, faults, clock, journal, snapshot, coverage.

    \b
    Examples:
      virtsim start proxmox --port 8006
      virtsim start proxmox --seed 5000 --speed 10
      virtsim start proxmox --clock jump --json > sim.json &
    """  # noqa: D301  # \b is click's mark for text to leave as it is
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: ended.set())
    with _started(platform, options) as server:
        click.echo(json.dumps(server.describe()))
        if not only_json and sys.stderr.isatty():
            click.echo(f"Simulating {platform} at {server.url}; Ctrl-C ends it.", err=True)
        ended.wait()


def _started(platform: str, options: dict[str, Any]) -> SimServer:
    try:
        return start(platform, **options)
    except (UnknownPlatform, UnknownSeed, ValueError) as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        port = options["port"]
        raise click.ClickException(
            f"cannot listen on 127.0.0.1:{port}: {error.strerror}. Choose another --port."
        ) from error


@main.command("list", short_help="Show platforms and seeds.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def list_command(as_json: bool) -> None:
    """Show which platforms can be simulated, and how large a world can be."""
    seeds = {name: {"guests": seed.guests, "hosts": seed.hosts} for name, seed in SEEDS.items()}
    if as_json:
        click.echo(json.dumps({"platforms": platforms(), "seeds": seeds}))
        return
    click.echo("Platforms: " + ", ".join(platforms()))
    click.echo("Seeds:")
    for name, size in seeds.items():
        click.echo(f"  {name:<6} {size['guests']:>6} guests on {size['hosts']} hosts")


@main.command("coverage", short_help="Show which operations are modelled.")
@click.argument("platform")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def coverage_command(platform: str, as_json: bool) -> None:
    """Show which operations of PLATFORM's catalog the simulator models.

    All others answer a clear error, never an invented success.
    """
    try:
        coverage = create(platform, seed="empty").coverage()
    except UnknownPlatform as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        click.echo(json.dumps(vars(coverage)))
        return
    for operation in coverage.modelled:
        click.echo(operation)
    known = len(coverage.modelled) + len(coverage.unmodelled)
    click.echo(f"{len(coverage.modelled)} of {known} operations are modelled.", err=True)


if __name__ == "__main__":
    main()
