# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""One corpus of targets files, through both readers and the schema: the same verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mcp_bridge import targets as bridge
from mcp_bridge.targets_problems import TargetsInvalid
from plugins.module_utils.engine.errors import ValidationFailed
from plugins.plugin_utils import schema_check
from plugins.plugin_utils import targets as collection

CORPUS = Path(__file__).parents[3] / "corpus" / "targets"
GOOD = sorted(CORPUS.glob("good/*.yml"))
BAD = sorted(CORPUS.glob("bad/*.yml"))


def stem(path: Path) -> str:
    return path.stem


@pytest.fixture
def copied(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A corpus file with the mode of a file that only its owner changes."""
    path = tmp_path / "targets.yml"
    path.write_bytes(request.param.read_bytes())
    path.chmod(0o600)
    return path


def test_the_corpus_is_there() -> None:
    assert len(GOOD) >= 7
    assert len(BAD) >= 40


@pytest.mark.parametrize("copied", GOOD, indirect=True, ids=stem)
def test_both_readers_and_the_schema_accept_a_good_file(copied: Path) -> None:
    read = collection.read(copied)
    assert bridge.load(copied).keys() == read.keys()
    validator = jsonschema.Draft202012Validator(collection.schema())
    assert validator.is_valid({"targets": read})


@pytest.mark.parametrize("copied", BAD, indirect=True, ids=stem)
def test_both_readers_refuse_a_bad_file_in_the_same_words(copied: Path) -> None:
    with pytest.raises(TargetsInvalid) as from_bridge:
        bridge.load(copied)
    with pytest.raises(ValidationFailed) as from_collection:
        collection.read(copied)
    assert str(from_bridge.value) == from_collection.value.message

    text = str(from_bridge.value)
    lines = copied.read_text(encoding="utf-8").splitlines()
    wanted = [line.split(": ", 1)[1] for line in lines if line.startswith("# expect: ")]
    assert wanted
    for expected in wanted:
        assert expected in text
    assert len(from_bridge.value.problems) == len(wanted)
    assert "hunter2secret" not in text


def test_the_schema_uses_only_keywords_that_the_collection_checks() -> None:
    """The collection's checker would raise on another keyword only where it is reached."""
    known = schema_check._ANNOTATIONS | set(schema_check._SIMPLE) | {"$ref"}
    known |= {"required", "properties", "additionalProperties", "propertyNames", "items"}
    known |= {"allOf", "anyOf", "oneOf", "not", "if"}

    def keywords(schema: Any) -> set[str]:
        if not isinstance(schema, dict):
            return set()
        found = set(schema)
        for name in ("properties", "$defs"):
            found |= {word for part in schema.get(name, {}).values() for word in keywords(part)}
        for name in ("allOf", "anyOf", "oneOf"):
            found |= {word for part in schema.get(name, ()) for word in keywords(part)}
        for name in ("additionalProperties", "propertyNames", "items", "not", "if", "then"):
            found |= keywords(schema.get(name))
        return found

    assert keywords(collection.schema()) <= known
