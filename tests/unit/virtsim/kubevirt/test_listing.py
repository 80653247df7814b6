# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists and watches: pages of one state, versions, selectors, metadata alone, over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.virtsim.kubevirt.conftest import Call
from virtsim.kubevirt import store, watching

ALL = "/apis/kubevirt.io/v1/virtualmachines"
VMS = "/apis/kubevirt.io/v1/namespaces/default/virtualmachines"
META = "application/json;as={};g=meta.k8s.io;v=v1"


def named(answer: Any) -> list[str]:
    return [each["metadata"]["name"] for each in answer.json()["items"]]


def label(call: Call, name: str, **labels: str | None) -> Any:
    return call("PATCH", f"{VMS}/{name}", {"metadata": {"labels": labels}}, "merge")


def test_pages_show_the_state_of_the_first_one(call: Call) -> None:
    first = call("GET", VMS, limit="2")
    metadata = first.json()["metadata"]
    assert (named(first), metadata["remainingItemCount"]) == (["app", "db1"], 4)
    assert call("DELETE", f"{VMS}/manual1").status_code == 200
    label(call, "web2", new="yes")
    rest = call("GET", VMS, limit="9", **{"continue": metadata["continue"]})
    assert named(rest) == ["db2", "manual1", "web1", "web2"]
    assert "new" not in rest.json()["items"][-1]["metadata"]["labels"]
    assert rest.json()["metadata"]["resourceVersion"] == metadata["resourceVersion"]
    assert named(call("GET", VMS)) == ["app", "db1", "db2", "web1", "web2"]


def test_an_exact_version_shows_the_past(call: Call) -> None:
    label(call, "web2", new="yes")
    then = call("GET", VMS).json()["metadata"]["resourceVersion"]
    made = {**call("GET", f"{VMS}/web2").json(), "metadata": {"name": "later"}}
    assert call("POST", VMS, made).status_code == 201
    label(call, "web2", new=None)
    past = call("GET", VMS, resourceVersion=then, resourceVersionMatch="Exact")
    assert "later" not in named(past)
    assert past.json()["items"][-1]["metadata"]["labels"]["new"] == "yes"
    now = call("GET", VMS, resourceVersion=then, resourceVersionMatch="NotOlderThan")
    assert "later" in named(now)


@pytest.mark.parametrize(
    ("query", "code", "said"),
    [
        ({"resourceVersion": "99999999"}, 504, "Too large resource version: 99999999"),
        ({"resourceVersion": "x"}, 422, "invalid syntax"),
        ({"resourceVersionMatch": "Exact"}, 422, "forbidden unless resourceVersion is provided"),
        ({"resourceVersion": "1", "resourceVersionMatch": "Exact"}, 410, "is too old"),
        ({"limit": "many"}, 400, "invalid syntax"),
        ({"continue": "AAAA"}, 400, "continue key is not valid"),
        ({"continue": "AAAA", "resourceVersion": "5"}, 400, "not allowed when using continue"),
        ({"labelSelector": "a b in (c)"}, 400, "unable to parse requirement"),
        ({"fieldSelector": "status.phase=Running"}, 400, "field label not supported"),
        ({"fieldSelector": "metadata.name"}, 400, "can't understand 'metadata.name'"),
    ],
)
def test_a_list_that_cannot_be_made_says_why(
    call: Call, query: dict[str, str], code: int, said: str
) -> None:
    answer = call("GET", VMS, **query)
    assert (answer.status_code, said in answer.json()["message"]) == (code, True), answer.text


def test_a_page_of_a_state_that_is_forgotten_is_gone(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = call("GET", VMS, limit="1").json()["metadata"]["continue"]
    monkeypatch.setattr(store, "KEPT_EVENTS", 4)
    for number in range(8):
        label(call, "web2", turn=str(number))
    gone = call("GET", VMS, **{"continue": token})
    assert (gone.status_code, "too old" in gone.json()["message"]) == (410, True)


def test_built_in_kinds_have_selectors_of_their_own(call: Call) -> None:
    for name in ("a", "b"):
        body = {"metadata": {"name": name}, "type": f"example.org/{name}"}
        call("POST", "/api/v1/namespaces/default/secrets", body)
    found = call("GET", "/api/v1/secrets", fieldSelector="type!=example.org/a")
    assert named(found) == ["b"]


def test_metadata_alone(call: Call) -> None:
    listed = call("GET", ALL, accept=META.format("PartialObjectMetadataList")).json()
    assert listed["kind"] == "PartialObjectMetadataList"
    assert {frozenset(each) for each in listed["items"]} == {
        frozenset({"kind", "apiVersion", "metadata"})
    }
    one = call("GET", f"{VMS}/web2", accept=META.format("PartialObjectMetadata")).json()
    assert (one["kind"], one["metadata"]["name"], "spec" in one) == (
        "PartialObjectMetadata",
        "web2",
        False,
    )


def test_tables_are_not_made_but_what_the_client_takes_instead(call: Call) -> None:
    table = META.format("Table")
    assert call("GET", VMS, accept=f"{table},application/json").json()["kind"] == (
        "VirtualMachineList"
    )
    refused = call("GET", VMS, accept=table)
    assert (refused.status_code, "not modelled" in refused.json()["message"]) == (406, True)


def events(answer: Any) -> list[tuple[str, str]]:
    rows = [json.loads(line) for line in answer.text.splitlines()]
    return [(each["type"], each["object"]["metadata"].get("name", "")) for each in rows]


def test_a_watcher_sees_objects_come_into_its_selection_and_leave_it(call: Call) -> None:
    since = call("GET", VMS).json()["metadata"]["resourceVersion"]
    for value in ("in", "still", "in", None):
        label(call, "web2", group=value)
    label(call, "db1", other="x")
    watched = {"watch": "1", "resourceVersion": since, "timeoutSeconds": "1"}
    seen = call("GET", VMS, labelSelector="group=in", **watched)
    assert events(seen) == [
        ("ADDED", "web2"),
        ("DELETED", "web2"),
        ("ADDED", "web2"),
        ("DELETED", "web2"),
    ]
    form = META.format("PartialObjectMetadata")
    one = json.loads(call("GET", VMS, accept=form, **watched).text.splitlines()[0])["object"]
    assert (one["kind"], "spec" in one) == ("PartialObjectMetadata", False)


def test_bookmarks_are_of_the_kind_that_is_watched(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_BOOKMARK_EVERY", 0.2)
    asked = {"watch": "1", "allowWatchBookmarks": "true", "timeoutSeconds": "1"}
    since = call("GET", VMS).json()["metadata"]["resourceVersion"]
    for form, kind in (
        ("application/json", "VirtualMachine"),
        (META.format("PartialObjectMetadata"), "PartialObjectMetadata"),
    ):
        lines = call("GET", VMS, accept=form, resourceVersion=since, **asked).text.splitlines()
        last = json.loads(lines[-1])
        assert (last["type"], last["object"]["kind"]) == ("BOOKMARK", kind)
        assert last["object"]["metadata"]["resourceVersion"] >= since


def test_the_preferred_version_of_a_group_comes_first(call: Call) -> None:
    groups = {each["name"]: each for each in call("GET", "/apis").json()["groups"]}
    preferred = {
        name: groups[name]["preferredVersion"]["version"]
        for name in ("kubevirt.io", "snapshot.kubevirt.io", "instancetype.kubevirt.io")
    }
    assert preferred == {
        "kubevirt.io": "v1",
        "snapshot.kubevirt.io": "v1beta1",
        "instancetype.kubevirt.io": "v1beta1",
    }
