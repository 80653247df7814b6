# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal and the control plane: what was received, what took effect, starting again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest
import requests

from virtsim.core.control import Control, ControlError
from virtsim.core.journal import Journal, Row
from virtsim.core.server import SimServer

Session = requests.Session


def test_a_write_is_journalled_with_its_user_and_without_its_secrets(
    sim: SimServer, session: Session
) -> None:
    wanted = {"name": "a", "password": "hunter22", "inner": {"api_key": "k"}, "token_id": "t"}
    session.post("/boxes", params={"secret": "s"}, json=wanted, headers={"x-user": "eve"})
    (row,) = sim.control.writes()
    assert row["params"] == {
        "secret": "********",
        "name": "a",
        "password": "********",
        "inner": {"api_key": "********"},
        "token_id": "t",
    }
    assert {key: row[key] for key in ("n", "method", "path", "status", "user", "fault")} == {
        "n": 1, "method": "POST", "path": "/boxes", "status": 201, "user": "eve", "fault": None,
    }  # fmt: skip
    assert row["write"]
    assert row["applied"]


def test_form_parameters_are_journalled(sim: SimServer, session: Session) -> None:
    session.get("/boxes", params={"a": ["1", "2"], "b": ""})
    assert sim.control.journal()[0]["params"] == {"a": ["1", "2"], "b": ""}
    session.post("/login", data={"username": "u", "password": "p"})
    assert sim.control.journal()[1]["params"] == {"username": "u", "password": "********"}


def test_a_login_is_no_write_even_when_a_fault_meets_it(sim: SimServer, session: Session) -> None:
    sim.control.fault("status", path="/login", status=500)
    session.post("/login")
    session.post("/login")
    assert sim.control.writes() == []
    assert [row["status"] for row in sim.control.journal()] == [500, 200]


def test_a_rejected_write_changes_nothing(sim: SimServer, session: Session) -> None:
    before = sim.control.snapshot()
    assert session.post("/boxes", json={"name": "a", "refused": True}).status_code == 409
    assert sim.control.snapshot() == before
    assert sim.control.clock()["pending"] == []
    (row,) = sim.control.writes()
    assert (row["status"], row["applied"]) == (409, False)


def test_a_dry_run_is_answered_like_the_write_but_not_applied(
    sim: SimServer, session: Session
) -> None:
    assert session.post("/boxes", json={"name": "a", "dry_run": True}).status_code == 201
    assert "a" not in sim.control.snapshot()["boxes"]
    (row,) = sim.control.writes()
    assert (row["status"], row["applied"]) == (201, False)


def test_a_defect_is_loud_and_changes_nothing(
    sim: SimServer, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, logger="virtsim"):
        response = session.post("/boom")
    assert response.status_code == 500
    assert "defect in the simulator" in response.json()["virtsim_defect"]
    assert "a defect" in caplog.text
    assert "half" not in sim.control.snapshot()["boxes"]
    assert sim.control.writes()[0]["applied"] is False


def test_reset_brings_back_the_seed(sim: SimServer, session: Session) -> None:
    first = sim.control.snapshot()
    session.post("/boxes", json={"name": "a"})
    sim.control.fault("html", count=0)
    sim.control.reset()
    assert sim.control.snapshot() == first
    assert (sim.control.journal(), sim.control.faults()) == ([], [])
    assert sim.control.clock()["pending"] == []


def test_a_seed_replaces_the_world_and_a_wrong_one_leaves_it(
    sim: SimServer, session: Session
) -> None:
    sim.control.seed("1000")
    boxes = session.get("/boxes").json()
    assert len(boxes) == 1000
    with pytest.raises(ControlError, match=r"unknown seed '100'.*'1000'"):
        sim.control.seed("100")
    assert len(sim.control.snapshot()["boxes"]) == 1000


def test_clearing_the_journal_keeps_the_numbers(sim: SimServer, session: Session) -> None:
    session.get("/boxes")
    sim.control.clear_journal()
    session.get("/boxes")
    assert [row["n"] for row in sim.control.journal()] == [2]


def test_a_bounded_journal_keeps_the_newest() -> None:
    journal = Journal(limit=2)
    for n in range(5):
        journal.record(
            Row(
                time=n, method="GET", path=f"/{n}", params={}, status=200, write=False,
                applied=False,
            )
        )  # fmt: skip
    assert [row["path"] for row in journal.rows()] == ["/3", "/4"]


def test_control_recognises_another_server(sim: SimServer) -> None:
    with pytest.raises(ControlError, match="another server"):
        Control(sim.url, "00:11").journal()


def test_control_answers_nonsense_with_a_reason(sim: SimServer, session: Session) -> None:
    assert session.post("/_sim/clock", data="[]").json()["error"].startswith("expected a JSON")
    assert session.post("/_sim/faults", data="{").status_code == 400
    assert session.get("/_sim/nothing").status_code == 404
    assert session.get("/_sim/").json()["platform"] == "toy"
    assert sim.control.coverage() == {
        "modelled": ["GET /boxes", "POST /boxes"],
        "unmodelled": ["PUT /boxes"],
    }


def test_concurrent_writers_are_all_applied_once(
    sim: SimServer, connect: Callable[[SimServer], Session]
) -> None:
    def write(worker: int) -> None:
        session = connect(sim)
        for n in range(10):
            assert session.post("/boxes", json={"name": f"{worker}-{n}"}).status_code == 201

    workers = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    rows = sim.control.writes()
    assert len({row["params"]["name"] for row in rows if row["applied"]}) == 40
    assert [row["n"] for row in rows] == sorted(row["n"] for row in rows)
