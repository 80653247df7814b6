# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that Ansible let through and that must not be sent."""

from __future__ import annotations

from typing import Any

import pytest

from plugins.module_utils.engine.checks import check_values
from plugins.module_utils.engine.errors import ValidationFailed
from plugins.module_utils.engine.field import Field
from plugins.module_utils.engine.spec import all_fields
from tests.unit.plugins.module_utils.engine.tiny import BOX


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"cpus": 0}, {"cpus": "0 is below the least allowed, 1"}),
        ({"cpus": 65}, {"cpus": "65 is above the most allowed, 64"}),
        ({"wait_timeout": 0}, {"wait_timeout": "0 is below the least allowed, 1 seconds"}),
        ({"name": "Web 1"}, {"name": "'Web 1' does not match [a-z][a-z0-9-]*"}),
        ({"name": ""}, {"name": "'' does not match [a-z][a-z0-9-]*"}),
        (
            {"disks": [{"slot": "a"}, {"slot": "b", "size": 0}]},
            {"disks[1].size": "0 is below the least allowed, 1 GiB"},
        ),
        ({"disks": [{"slot": "a"}, {"slot": "a"}]}, {"disks": "names slot 'a' twice"}),
        (
            {"notes": "a\ud800"},
            {"notes": "holds half of a surrogate pair at character 1; send whole text"},
        ),
        (
            {"labels": {"a": ["\udfff"]}},
            {"labels": "holds half of a surrogate pair at character 0; send whole text"},
        ),
        ({"labels": {"a": float("nan")}}, {"labels": "is not a finite number"}),
        (
            {"tags": ["ok", "\ud800"], "cpus": 0},
            {
                "cpus": "0 is below the least allowed, 1",
                "tags[1]": "holds half of a surrogate pair at character 0; send whole text",
            },
        ),
    ],
)
def test_what_is_wrong_is_named_by_option(values: dict[str, Any], wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationFailed, match="Nothing was sent") as found:
        check_values(all_fields(BOX), values)
    assert found.value.fields == wrong


def test_good_values_pass() -> None:
    disks = [{"slot": "a", "size": 1, "import_from": None}, {"slot": "b"}]
    check_values(all_fields(BOX), {"name": "web", "cpus": 64, "disks": disks, "wait": True})


def test_a_secret_that_does_not_match_is_not_quoted() -> None:
    secret = Field("token", secret=True, pattern="[a-z]+", doc="x")
    with pytest.raises(ValidationFailed) as found:
        check_values((secret,), {"token": "S3CRET"})
    assert found.value.fields == {"token": "the value does not match [a-z]+"}
