# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Privileges and small texts against recorded answers of the real code."""

from __future__ import annotations

import pytest

from virtsim.proxmox import permissions as perms
from virtsim.proxmox import transport
from virtsim.proxmox.config_text import encode, render
from virtsim.proxmox.config_text import parse as read
from virtsim.proxmox.disks import format_size, parse_size
from virtsim.proxmox.errors import ApiError
from virtsim.proxmox.formats import split_list
from virtsim.proxmox.guest_config import check_keys, unique_tags
from virtsim.proxmox.privileges import ROLES
from virtsim.proxmox.propstring import parse_boolean
from virtsim.proxmox.tasks import well_formed
from virtsim.proxmox.usercfg import parse


def of_kind(vectors, kind):
    return [row for row in vectors("update_semantics.jsonl") if row["kind"] == kind]


def spelled(values):
    return {key: str(value) for key, value in values.items()}


def test_roles_hold_the_shipped_privileges(vectors):
    assert {k: sorted(v) for k, v in ROLES.items()} == of_kind(vectors, "builtin_roles")[0][
        "output"
    ]


def test_privileges_on_a_path(vectors):
    for row in of_kind(vectors, "permissions"):
        given = row["input"]
        held = perms.permissions(parse(given["user_cfg"]), given["user"], given["path"])
        assert spelled(held) == row["output"], given


def test_privileges_on_all_paths(vectors):
    for row in of_kind(vectors, "effective_permissions"):
        access, who = parse(row["input"]["user_cfg"]), row["input"]["user"]
        held = {p: perms.permissions(access, who, p) for p in perms.interesting_paths(access)}
        assert {p: spelled(v) for p, v in held.items() if v} == row["output"], row["input"]


def test_capabilities_of_a_login(vectors):
    for row in of_kind(vectors, "login_cap"):
        found = perms.login_capabilities(parse(row["input"]["user_cfg"]), row["input"]["user"])
        assert {k: spelled(v) for k, v in found.items()} == row["output"], row["input"]


def test_declared_permission_of_an_operation(vectors, catalog):
    for row in of_kind(vectors, "api_permission"):
        given = row["input"]
        operation, values = catalog.find(given["method"], given["path"])
        params = {**values, **given["params"]}
        found = {"status": "200"}
        try:
            perms.check_operation(parse(given["user_cfg"]), operation.facts, given["user"], params)
        except ApiError as error:
            found = {"status": str(error.status), "message": error.message}
        assert found == row["output"], given


@pytest.mark.parametrize(
    ("kind", "function"),
    [
        ("normalize_path", perms.normalize_path),
        ("check_path", lambda value: str(int(perms.is_path(value)))),
        ("parse_size", lambda value: None if parse_size(value) is None else str(parse_size(value))),
        ("format_size", lambda value: format_size(int(value))),
        ("parse_boolean", parse_boolean),
        ("split_list", split_list),
        ("encode_text", encode),
    ],
)
def test_small_texts(vectors, kind, function):
    for row in of_kind(vectors, kind):
        assert function(row["input"]["value"]) == row.get("output"), row["input"]


def test_tags_are_sorted_and_united(vectors):
    for row in of_kind(vectors, "get_unique_tags"):
        if row["input"]["tag_style"] in {"", "shape=circle"}:
            assert unique_tags(row["input"]["tags"]) == row["output"]


def test_form_bodies_are_split_as_perl_splits_them(vectors):
    for row in of_kind(vectors, "decode_urlencoded"):
        assert transport.decode_form(row["input"]["body"]) == row["output"]


def test_ssh_keys_are_checked(vectors):
    for row in of_kind(vectors, "validate_ssh_public_keys"):
        try:
            check_keys(row["input"]["value"])
            found = "ok"
        except ApiError as error:
            found = error.message
        assert found == row.get("output", row.get("error", {}).get("msg")), row["input"]


def test_task_ids_are_recognised(vectors):
    for row in of_kind(vectors, "upid_decode"):
        assert well_formed(row["input"]["upid"]) == ("output" in row), row["input"]


def test_configuration_files_are_read_and_written_alike(vectors):
    differing = []
    for row in vectors("config_roundtrip.jsonl"):
        plain = row["kind"] == "qemu" and row["stable"] and "[special:" not in row["raw"]
        if plain and render(read(100, "pve1", row["raw"])) != row["raw"]:
            differing.append(row["id"])
    assert differing == []
