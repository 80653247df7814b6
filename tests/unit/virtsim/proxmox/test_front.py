# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may call, what is refused, and what the answers look like."""

from __future__ import annotations

import pytest


def login(caller, server, username, password):
    api = caller(**{"X-Nobody": "1"})
    answer = api("POST", "/access/ticket", {"username": username, "password": password})
    return api, answer


def test_a_ticket_opens_and_writes_need_its_token(caller, server):
    known = server.credentials
    api, answer = login(caller, server, known["username"], known["password"])
    ticket = answer.json()["data"]
    api.session.cookies.set("PVEAuthCookie", ticket["ticket"])
    assert api.data("GET", "/version")["release"] == "9.1"
    refused = api("PUT", "/nodes/pve1/qemu/101/config", {"memory": "512"})
    assert (refused.status_code, refused.reason) == (401, "Permission denied - invalid csrf token")
    assert refused.content == b""
    api.session.headers["CSRFPreventionToken"] = ticket["CSRFPreventionToken"]
    assert api.data("PUT", "/nodes/pve1/qemu/101/config", {"memory": "512"}) is None


def test_a_ticket_ends_after_two_hours_and_can_be_renewed_before(caller, server):
    known = server.credentials
    api, answer = login(caller, server, known["username"], known["password"])
    first = answer.json()["data"]["ticket"]
    server.control.advance(7000)
    _, renewed = login(caller, server, known["username"], first)
    assert renewed.status_code == 200
    server.control.advance(300)
    api.session.cookies.set("PVEAuthCookie", first)
    ended = api("GET", "/version")
    assert (ended.status_code, ended.reason) == (401, "Authentication failed!")


@pytest.mark.parametrize("who", ["disabled", "wrong"])
def test_a_bad_login_is_refused_with_a_body(caller, server, who):
    known = server.credentials
    name = known["disabled_username"] if who == "disabled" else known["username"]
    _, answer = login(caller, server, name, "not the password")
    assert answer.status_code == 401
    assert answer.json() == {"data": None, "message": "authentication failure\n"}


def test_a_login_is_no_write(caller, server):
    known = server.credentials
    login(caller, server, known["username"], known["password"])
    assert server.control.writes() == []
    assert "virtsim-root-password" not in str(server.control.journal())


def test_an_expired_token_is_refused_with_an_empty_body(caller):
    answer = caller("expired")("GET", "/version")
    assert (answer.status_code, answer.reason) == (401, "Authentication failed!")
    assert answer.content == b""


def test_a_token_without_rights_sees_empty_lists(caller):
    limited = caller("limited")
    assert limited.data("GET", "/cluster/resources", {"type": "vm"}) == []
    assert limited.data("GET", "/nodes/pve1/qemu") == []
    refused = limited("GET", "/nodes/pve1/qemu/100/config")
    assert refused.status_code == 403
    assert refused.json()["message"] == "Permission check failed (/vms/100, VM.Audit)\n"


def test_an_auditor_reads_and_does_not_write(caller, server):
    auditor = caller("auditor")
    assert len(auditor.data("GET", "/cluster/resources", {"type": "vm"})) == 14
    refused = auditor("POST", "/nodes/pve1/qemu/101/status/start")
    assert (refused.status_code, refused.reason) == (
        403,
        "Permission check failed (/vms/101, VM.PowerMgmt)",
    )
    assert not any(row["applied"] for row in server.control.writes())


def test_unknown_and_wrong_parameters_are_named(root):
    answer = root("PUT", "/nodes/pve1/qemu/101/config", {"memory": "1", "foo": "1"})
    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {"memory", "foo"}


def test_an_unknown_call_is_not_implemented(root):
    answer = root("POST", "/nodes/pve1/qemu/100/status/pause")
    assert answer.status_code == 501
    text = "Method 'POST /nodes/pve1/qemu/100/status/pause' not implemented"
    assert answer.json()["message"] == text


def test_a_valid_call_without_a_model_says_so_after_its_checks(root, server):
    good = root("GET", "/cluster/ha/resources")
    assert (good.status_code, good.headers["x-virtsim"]) == (501, "not-modelled")
    assert "GET /cluster/ha/resources" in good.json()["message"]
    wrong = root("POST", "/cluster/ha/resources", {"sid": "vm:100", "max_restart": "x"})
    assert wrong.status_code == 400
    coverage = server.control.coverage()
    assert "GET /version" in coverage["modelled"]
    assert "GET /cluster/ha/resources" in coverage["unmodelled"]


def test_a_name_of_a_node_that_does_not_exist_cannot_be_looked_up(root):
    answer = root("GET", "/nodes/nosuch/qemu")
    assert answer.status_code == 500
    assert answer.json()["message"].startswith("hostname lookup 'nosuch' failed")
