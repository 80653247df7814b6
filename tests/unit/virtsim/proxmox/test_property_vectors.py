# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Property strings against recorded answers of the real parser."""

from __future__ import annotations

from virtsim.proxmox.schema import Checker, _indexed

# Keys that came with 9.2, and a format that only 9.2 uses.
NEWER = ("host-tunnel=", "idmap=")


def schema_of(catalog, at):
    operation = catalog.operations.get(f"{at['method']} {at['path']}")
    if operation is None:
        return None
    key = at["param"]
    found = operation.params.get(key) or operation.params.get(key.split("[")[0])
    found = found or _indexed(operation.params, key)
    return found["items"] if found and found.get("type") == "array" else found


def test_property_strings_are_read_as_the_real_parser_reads_them(catalog, vectors, capsys):
    checker, good, outside, differing = Checker(catalog), 0, 0, []
    for row in vectors("property_strings.jsonl"):
        schema, errors = schema_of(catalog, row["at"]), {}
        if not schema or any(word in row["input"] for word in NEWER):
            outside += 1
            continue
        key = row["at"]["param"]
        wanted = row.get("rest_errors") or {}
        path = next(iter(wanted), key)
        checker.check_prop(schema, row["input"], path, errors)
        same = {k: sorted(v.split("\n")) for k, v in errors.items()} == {
            k: sorted(v.split("\n")) for k, v in wanted.items()
        }
        if same and bool(errors) != row["ok"]:
            good += 1
        else:
            differing.append((row["id"], row["format"], row["input"], errors, wanted))
    with capsys.disabled():
        print(f"\nproperty strings: {good} agree, {outside} newer than the catalog", differing)
    assert not differing
