# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Derive the vendor catalogs that the collection ships from the collected vendor facts.

``tools/catalogs.py --source DIR`` reads the fact files in DIR and writes
``plugins/module_utils/<platform>/catalog.json``: one record per line, sorted, so that the same
facts always give the same bytes. ``--check`` writes nothing and fails when a file would change.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RISK_KEYS = ("risk", "raise", "exception", "interactive", "secret_params", "secret_response")


class CatalogError(Exception):
    """The facts contradict each other or are not there."""


def read_json(path: Path) -> Any:
    """Return the content of a fact file; CatalogError when it is missing or not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CatalogError(f"{path}: {error}") from error


def proxmox(source: Path) -> str:
    """Return the text of the Proxmox catalog: endpoints with risk, formats, CPU models."""
    facts = read_json(source / "proxmox.json")
    risks = read_json(source / "proxmox_risk.json")
    formats = read_json(source / "proxmox_formats.json")
    by_call = {(row["path"], row["method"]): row for row in risks["pve"]}
    endpoints = [_with_risk(record, by_call) for record in facts["endpoints"]]
    if by_call:
        raise CatalogError(f"risk of an unknown endpoint: {sorted(by_call)[0]}")
    endpoints.sort(key=lambda record: (record["path"], record["method"]))
    meta = dict(facts["meta"])
    meta["keys"] = {**meta["keys"], "raise": risks["meta"]["raise"]} | formats["meta"]["keys"]
    meta["risk"] = risks["meta"]["pve"]
    meta["formats_source"] = formats["meta"]["source"]
    parts = [
        f'"meta":{_line(meta)}',
        f'"endpoints":[\n{_rows(map(_line, endpoints))}\n]',
        f'"formats":{{"nested":{_table(formats["nested"])},\n"named":{_table(formats["named"])}}}',
        f'"cpu_models":{_table(formats["cpu_models"])}',
    ]
    return "{" + ",\n".join(parts) + "}\n"


def _with_risk(
    record: Mapping[str, Any], by_call: dict[tuple[str, str], dict[str, Any]]
) -> dict[str, Any]:
    """Return the endpoint with its risk facts, and take them out of ``by_call``."""
    call = (record["path"], record["method"])
    risk = by_call.pop(call, None)
    if risk is None:
        raise CatalogError(f"{call[1]} {call[0]}: no risk is known")
    unknown = set(risk) - {"path", "method", *RISK_KEYS}
    if unknown:
        raise CatalogError(f"{call[1]} {call[0]}: unknown risk key {sorted(unknown)[0]}")
    return {**record, **{key: risk[key] for key in RISK_KEYS if key in risk}}


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _rows(lines: Iterable[str]) -> str:
    return ",\n".join(lines)


def _table(entries: Mapping[str, Any]) -> str:
    rows = (f"{_line(name)}:{_line(entries[name])}" for name in sorted(entries))
    return "{\n" + _rows(rows) + "\n}"


def cloudstack(source: Path) -> str:
    """Return the text of the CloudStack catalog: commands with risk, entities, nested types."""
    facts = read_json(source / "cloudstack.json")
    risks = read_json(source / "cloudstack_risk.json")
    by_name = {row["name"]: row for row in risks["commands"]}
    unknown = set(by_name) - {record["name"] for record in facts["commands"]}
    if unknown:
        raise CatalogError(f"risk of an unknown command: {sorted(unknown)[0]}")
    commands = sorted(
        ({**record, **by_name[record["name"]]} for record in facts["commands"]),
        key=lambda record: str(record["name"]),
    )
    meta = {**facts["meta"], "risk": risks["meta"]["counts"], "risk_keys": risks["meta"]["keys"]}
    parts = [
        f'"meta":{_line(meta)}',
        f'"commands":[\n{_rows(map(_line, commands))}\n]',
        f'"entities":{_table(facts["entities"])}',
        f'"types":{_table(facts["types"])}',
    ]
    return "{" + ",\n".join(parts) + "}\n"


def kubevirt(source: Path) -> str:
    """Return the text of the KubeVirt catalog: kinds, subresources, types, constraints."""
    facts = read_json(source / "kubevirt.json")
    types = read_json(source / "kubevirt_openapi.json")
    kept = ("group", "resource", "singular", "kind", "namespaced", "short", "versions", "verbs")
    kinds = [
        {name: row[name] for name in (*kept, "subresources", "secret_fields") if name in row}
        for row in (*facts["kubevirt"], *facts["cdi"], *facts["core"])
    ]
    kinds.sort(key=lambda row: (str(row["group"]), str(row["resource"])))
    routes = sorted(facts["subresources"], key=lambda row: (str(row["path"]), str(row["method"])))
    parts = [
        f'"meta":{_line({"releases": facts["meta"]["releases"], "kinds": len(kinds)})}',
        f'"kinds":[\n{_rows(map(_line, kinds))}\n]',
        f'"subresources":[\n{_rows(map(_line, routes))}\n]',
        f'"constraints":{_table(types["crd_constraints"])}',
        f'"definitions":{_table(types["definitions"])}',
        f'"cdi_definitions":{_table(types["cdi_definitions"])}',
    ]
    return "{" + ",\n".join(parts) + "}\n"


CATALOGS: Mapping[str, Callable[[Path], str]] = {
    "proxmox": proxmox,
    "cloudstack": cloudstack,
    "kubevirt": kubevirt,
}


def main(argv: list[str] | None = None) -> int:
    """Write or check every catalog; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--source", type=Path, required=True, help="directory of the fact files")
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    options = parser.parse_args(argv)
    stale = 0
    for platform, derive in CATALOGS.items():
        path = ROOT / "plugins" / "module_utils" / platform / "catalog.json"
        try:
            text = derive(options.source)
        except CatalogError as error:
            sys.stderr.write(f"{platform}: {error}\n")
            return 2
        present = path.read_text(encoding="utf-8") if path.exists() else ""
        if text == present:
            continue
        if options.check:
            sys.stderr.write(f"{path} is stale; run tools/catalogs.py --source {options.source}\n")
            stale = 1
        else:
            path.write_text(text, encoding="utf-8")
    return stale


if __name__ == "__main__":
    sys.exit(main())
