# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each generic fault, as a plain client sees it, and what the journal says about it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import requests

from tests.waiting import wait_for
from virtsim.core.control import ControlError
from virtsim.core.server import SimServer

Session = requests.Session
Connect = Callable[[SimServer], Session]
LOST = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


def _make(session: Session, name: str = "fresh", **options: Any) -> requests.Response:
    return session.post("/boxes", json={"name": name}, **options)


def _exists(sim: SimServer, name: str = "fresh") -> bool:
    return name in sim.control.snapshot()["boxes"]


def _last_write(sim: SimServer) -> tuple[Any, Any, Any]:
    row = sim.control.writes()[-1]
    return row["status"], row["applied"], row["fault"]


def test_reset_before_applies_nothing(sim: SimServer, session: Session) -> None:
    sim.control.fault("reset_before", method="POST", path="^/boxes$")
    with pytest.raises(requests.ConnectionError):
        _make(session)
    assert not _exists(sim)
    assert _last_write(sim) == (None, False, "reset_before")


def test_reset_after_applies_and_loses_the_answer(sim: SimServer, session: Session) -> None:
    sim.control.fault("reset_after", method="POST")
    with pytest.raises(requests.ConnectionError):
        _make(session)
    assert _exists(sim)
    assert _last_write(sim) == (None, True, "reset_after")


@pytest.mark.parametrize("applied", [False, True])
def test_timeout_gives_no_answer(sim: SimServer, session: Session, applied: bool) -> None:
    sim.control.fault("timeout", method="POST", applied=applied)
    with pytest.raises(requests.exceptions.ReadTimeout):
        _make(session, timeout=(30, 1.0))
    # Who waits for no answer may be gone before the request was looked at.
    wait_for(sim.control.writes)
    assert _exists(sim) is applied
    assert _last_write(sim) == (None, applied, "timeout")


@pytest.mark.parametrize("applied", [False, True])
def test_status_answers_what_the_rule_says(sim: SimServer, session: Session, applied: bool) -> None:
    sim.control.fault(
        "status", method="POST", status=596, reason="Broken pipe", applied=applied,
        headers={"Retry-After": "7"}, json={"errors": {"a": "b"}},
    )  # fmt: skip
    response = _make(session)
    assert (response.status_code, response.reason) == (596, "Broken pipe")
    assert response.headers["retry-after"] == "7"
    assert response.json() == {"errors": {"a": "b"}}
    assert _exists(sim) is applied
    assert _last_write(sim) == (596, applied, "status")


def test_html_is_a_login_page_with_200(sim: SimServer, session: Session) -> None:
    sim.control.fault("html")
    response = session.get("/boxes")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    assert "<form" in response.text


@pytest.mark.parametrize("chunked", [False, True])
def test_truncate_cuts_the_body(sim: SimServer, session: Session, chunked: bool) -> None:
    sim.control.fault("truncate", path="/boxes", chunked=chunked)
    with pytest.raises(LOST):
        session.get("/boxes")
    assert session.get("/boxes").status_code == 200


def test_wrong_length_announces_more_or_less_than_there_is(
    sim: SimServer, session: Session
) -> None:
    sim.control.fault("wrong_length", delta=10)
    sim.control.fault("wrong_length", delta=-1, nth=1)
    with pytest.raises(LOST):
        session.get("/boxes")
    with pytest.raises(json.JSONDecodeError):
        session.get("/boxes").json()


def test_slow_sends_piece_by_piece_and_complete(sim: SimServer, session: Session) -> None:
    sim.control.seed("empty")
    whole = session.get("/boxes").content
    sim.control.fault("slow", chunk=1, pause=0.05)
    began = time.monotonic()
    assert session.get("/boxes").content == whole
    assert time.monotonic() - began >= 0.05 * (len(whole) - 1)


def test_huge_sends_as_much_as_asked(sim: SimServer, session: Session) -> None:
    sim.control.fault("huge", mib=2)
    response = session.get("/boxes")
    assert len(response.content) > 2 * 1024 * 1024
    assert response.json()["data"].startswith("aaa")


@pytest.mark.parametrize(("kind", "start"), [("depth", "[["), ("duplicate", '{"d'), ("nan", '{"d')])
def test_hostile_json(sim: SimServer, session: Session, kind: str, start: str) -> None:
    sim.control.fault("hostile_json", kind=kind)
    assert session.get("/boxes").text.startswith(start)


def test_a_reset_is_a_tcp_reset(serve: Callable[..., SimServer], connect: Connect) -> None:
    sim = serve(tls=False)
    sim.control.fault("reset_before")
    with pytest.raises(requests.ConnectionError, match="Connection reset by peer"):
        connect(sim).get("/boxes")


def test_refuse_closes_the_door_for_a_while(
    sim: SimServer, session: Session, connect: Connect
) -> None:
    session.get("/boxes")
    said = ""
    for seconds in (0.3, 3.0, 30.0):
        began = time.monotonic()
        sim.control.fault("refuse", seconds=seconds)
        try:
            connect(sim).get("/boxes")
        except requests.ConnectionError as error:
            said = str(error)
            break
        # Perhaps it was closed, and we came too late to see it.
        assert time.monotonic() - began >= seconds
    assert "refused" in said

    def opened() -> bool:
        with suppress(requests.ConnectionError):
            return bool(session.get("/boxes").status_code == 200)
        return False

    wait_for(opened)


def test_handshake_fails_once(sim: SimServer, session: Session) -> None:
    sim.control.fault("handshake")
    with pytest.raises(requests.exceptions.SSLError, match="EOF"):
        session.get("/boxes")
    assert session.get("/boxes").status_code == 200


def test_nth_and_count_choose_the_requests(sim: SimServer, session: Session) -> None:
    sim.control.fault("status", path="/boxes", nth=2, count=2, status=500)
    assert [session.get("/boxes").status_code for _ in range(4)] == [200, 500, 500, 200]
    (rule,) = sim.control.faults()
    assert (rule["matched"], rule["fired"]) == (3, 2)


def test_count_0_lasts_until_cleared(sim: SimServer, session: Session) -> None:
    sim.control.fault("status", count=0, status=429)
    assert [session.get("/boxes").status_code for _ in range(3)] == [429, 429, 429]
    sim.control.clear_faults()
    assert session.get("/boxes").status_code == 200


def test_a_platform_takes_its_own_faults(sim: SimServer, session: Session) -> None:
    sim.control.fault("fail_boot", path="fresh")
    _make(session, "other")
    _make(session)
    session.get("/boxes")
    session.get("/boxes")
    boxes = sim.control.snapshot()["boxes"]
    assert (boxes["other"]["state"], boxes["fresh"]["state"]) == ("running", "failed")


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"fault": "reset_befor"}, "did you mean 'reset_before'"),
        ({"fault": "fail_boots"}, "did you mean 'fail_boot'"),
        ({"fault": "slow", "paus": 1}, "did you mean 'pause'"),
        ({"fault": "html", "path": "("}, "no pattern"),
        ({"fault": "html", "nth": 0}, "nth must be 1"),
    ],
)
def test_a_wrong_rule_says_what_is_wrong(sim: SimServer, rule: dict[str, Any], says: str) -> None:
    with pytest.raises(ControlError, match=says):
        sim.control.fault(**rule)
    assert sim.control.faults() == []
