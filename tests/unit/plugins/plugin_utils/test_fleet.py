# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facade's declarations, held against the modules that they stand for."""

from __future__ import annotations

import pytest

from plugins.module_utils.engine.resource import Action, Declaration
from plugins.module_utils.engine.spec import own_fields
from plugins.module_utils.machine import STATES
from plugins.plugin_utils import fleet
from plugins.plugin_utils.fleet_platforms import PLATFORMS, FleetPlatform
from tools.declarations import load

MODULES = {each.name: each.declaration for each in load()}
PAIRS = [
    pytest.param(platform, fleet.DECLARATIONS[facade], MODULES[module], id=module)
    for platform in PLATFORMS.values()
    for facade, module in platform.modules.items()
    if facade not in platform.options
]


def test_every_facade_that_is_declared_can_be_run() -> None:
    assert {each.name for each in load() if each.is_facade} == set(fleet.DECLARATIONS)


@pytest.mark.parametrize("platform", PLATFORMS.values())
def test_the_states_of_a_platform_are_those_that_its_module_takes(
    platform: FleetPlatform,
) -> None:
    states = MODULES[platform.modules["vm_info"]].field("state").choices
    assert platform.states == set(states) <= set(STATES)


@pytest.mark.parametrize(("platform", "facade", "module"), PAIRS)
def test_what_a_facade_documents_its_module_takes(
    platform: FleetPlatform, facade: Declaration, module: Declaration
) -> None:
    theirs = {item.name: item for item in own_fields(module)}
    for item in own_fields(facade):
        if item.name in fleet._STEERING:
            continue
        if item.name == "tags":
            assert set(platform.tags(["a=b"])) <= set(theirs)
            continue
        other = theirs[item.name]
        assert (item.type_name, item.elements_name) == (other.type_name, other.elements_name)
        if item.name != "state":
            assert set(item.choices) <= set(other.choices or item.choices)
        assert item.default == other.default
    if isinstance(facade, Action):
        assert platform.powers == set(theirs["state"].choices) <= set(facade_states(facade))


def facade_states(facade: Action) -> list[str]:
    return [each.name for each in facade.transitions]


@pytest.mark.parametrize(("platform", "facade", "module"), PAIRS)
def test_a_facade_is_no_less_risky_than_its_module(
    platform: FleetPlatform, facade: Declaration, module: Declaration
) -> None:
    assert facade.risk == module.risk
    if isinstance(facade, Action):
        assert isinstance(module, Action)
        risks = {each.name: each.risk for each in module.transitions}
        ours = {each.name: each.risk for each in facade.transitions}
        assert {name: ours[name] for name in platform.powers} == risks


@pytest.mark.parametrize("platform", PLATFORMS.values())
def test_a_ref_names_what_its_example_says(platform: FleetPlatform) -> None:
    identity = platform.identity(*platform.example.split("/"))
    assert platform.ref(identity) == platform.example
