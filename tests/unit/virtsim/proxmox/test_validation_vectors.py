# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parameter check against recorded answers of the real one."""

from __future__ import annotations

from virtsim.proxmox.errors import ApiError
from virtsim.proxmox.schema import Checker, normalise

# Needs an API newer than the catalog, or a resolver of host names.
OUTSIDE = {500}


def outcome(catalog, row):
    found = catalog.find(row["method"], row["path"])
    if found is None:
        return 501, {}
    operation, values = found
    params = normalise(operation.params, {**values, **row["params"]})
    try:
        loose = bool(operation.facts.get("additional_params"))
        Checker(catalog).verify(params, operation.params, loose)
    except ApiError as error:
        return error.status, error.errors
    return 200, {}


def lines(text):
    return sorted(text.split("\n"))


def test_the_same_parameters_are_refused_with_the_same_texts(catalog, vectors, capsys):
    rows = [r for r in vectors("validation.jsonl") if not r.get("new_in_9_2")]
    rows = [r for r in rows if r["status"] not in OUTSIDE]
    names = texts = 0
    differing = []
    for row in rows:
        status, errors = outcome(catalog, row)
        wanted = row.get("errors") or {}
        same_names = status == row["status"] and set(errors) == set(wanted)
        names += same_names
        texts += same_names and all(lines(errors[k]) == lines(v) for k, v in wanted.items())
        if not same_names:
            differing.append(f"{row['id']} {row['method']} {row['path']}: {row['case']}")
    with capsys.disabled():
        print(f"\nvalidation: {names}/{len(rows)} names, {texts}/{len(rows)} texts", differing)
    assert names >= len(rows) - 1
    assert texts >= len(rows) - 1
