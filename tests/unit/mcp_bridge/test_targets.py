# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bridge's reader of targets: no secret in memory, and a private file for each run."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_bridge.targets import Target, check_secrets, load, location, lookup, write_run_targets
from mcp_bridge.targets_problems import TargetsInvalid
from plugins.plugin_utils import targets as collection

SECRET = "5f1d3c9e-canary"
HEAD = "    platform: proxmox\n    url: https://pve:8006\n    ca_file: ca.pem\n    credential: "
TOKEN = "{token_id: root@pam!vb, token_secret_file: token}"
ENV = "{username: root@pam, password_env: VB_TEST_PASSWORD}"
VAULT = "{token_id: root@pam!vb, token_secret: !vault $ANSIBLE_VAULT;1.1;AES256}"


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., dict[str, Target]]:
    """Load a file with these targets, beside it a secret file `token`."""
    folder = tmp_path / "config"
    folder.mkdir()
    token = folder / "token"
    token.touch(mode=0o600)
    token.write_text(SECRET)

    def load_these(**credentials: str) -> dict[str, Target]:
        path = folder / "targets.yml"
        parts = [f"  {name}:\n{HEAD}{text}\n" for name, text in credentials.items()]
        path.write_text("targets:\n" + "".join(parts))
        return load(path)

    return load_these


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    return folder


def test_no_file_means_no_targets(tmp_path: Path) -> None:
    assert load(tmp_path / "targets.yml") == {}


def test_the_file_is_never_looked_for_in_the_working_directory() -> None:
    assert location({"XDG_CONFIG_HOME": "/c"}) == Path("/c/virtbridge/targets.yml")
    assert location({"XDG_CONFIG_HOME": "c"}) == Path.home() / ".config/virtbridge/targets.yml"
    assert location({"VIRTBRIDGE_TARGETS": "/etc/vb.yml"}) == Path("/etc/vb.yml")
    with pytest.raises(TargetsInvalid, match="absolute"):
        location({"VIRTBRIDGE_TARGETS": "targets.yml"})


def test_a_target_is_known_by_what_is_no_secret(read: Callable[..., dict[str, Target]]) -> None:
    target = read(lab=TOKEN)["lab"]
    assert (target.platform, target.urls, target.read_only) == (
        "proxmox",
        ("https://pve:8006",),
        False,
    )
    assert SECRET not in repr(target)
    assert SECRET not in str(target.spec)


def test_an_unknown_target_names_the_nearest(read: Callable[..., dict[str, Target]]) -> None:
    targets = read(lab=TOKEN, prod=TOKEN)
    assert lookup(targets, "lab") is targets["lab"]
    with pytest.raises(KeyError, match="Unknown target labb; did you mean lab"):
        lookup(targets, "labb")
    with pytest.raises(KeyError, match="none is configured"):
        lookup({}, "lab")


def test_the_file_of_a_run_holds_only_its_targets_and_is_private(
    read: Callable[..., dict[str, Target]], run_folder: Path, tmp_path: Path
) -> None:
    targets = read(lab=TOKEN, prod=TOKEN)
    path = write_run_targets(run_folder, [targets["lab"]])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    written = json.loads(path.read_text())["targets"]
    assert list(written) == ["lab"]
    assert written["lab"]["ca_file"] == str(tmp_path / "config/ca.pem")
    assert SECRET not in path.read_text()


@pytest.mark.parametrize(
    ("credential", "name"), [(TOKEN, "token_secret"), (ENV, "password")], ids=["file", "env"]
)
def test_the_collection_reads_the_same_secret_from_the_file_of_a_run(
    read: Callable[..., dict[str, Target]],
    run_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    credential: str,
    name: str,
) -> None:
    monkeypatch.setenv("VB_TEST_PASSWORD", SECRET + "\n ü")
    path = write_run_targets(run_folder, read(lab=credential).values())
    monkeypatch.delenv("VB_TEST_PASSWORD")
    assert {stat.S_IMODE(file.stat().st_mode) for file in run_folder.iterdir()} == {0o600}
    found = collection.find("lab", path, str).credential[name]
    assert found == (SECRET if credential == TOKEN else SECRET + "\n ü")


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\r", "\n\n"])
def test_a_secret_of_the_environment_is_the_same_with_and_without_a_bridge(
    read: Callable[..., dict[str, Target]],
    run_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    end: str,
) -> None:
    monkeypatch.setenv("VB_TEST_PASSWORD", SECRET + end)
    path = write_run_targets(run_folder, read(lab=ENV).values())
    direct = collection.find("lab", tmp_path / "config/targets.yml", str)
    assert collection.find("lab", path, str).credential == direct.credential


def test_a_vault_value_is_handed_on_as_it_is_when_its_password_is_configured(
    read: Callable[..., dict[str, Target]], run_folder: Path, tmp_path: Path
) -> None:
    path = write_run_targets(run_folder, read(lab=VAULT).values(), tmp_path / "vault-password")
    found = collection.find("lab", path, lambda text: text[::-1])
    assert found.credential["token_secret"] == "$ANSIBLE_VAULT;1.1;AES256"[::-1]


def test_every_secret_that_cannot_be_handed_on_is_named_at_once(
    read: Callable[..., dict[str, Target]], run_folder: Path
) -> None:
    with pytest.raises(TargetsInvalid) as refusal:
        write_run_targets(run_folder, read(a=ENV, b=VAULT).values())
    first, second = refusal.value.problems
    assert first.path == "targets.a.credential.password_env"
    assert "VB_TEST_PASSWORD is not set" in first.text
    assert second.path == "targets.b.credential.token_secret"
    assert "vault password file" in second.text
    assert not (run_folder / "targets.yml").exists()


def linked(path: Path) -> None:
    path.rename(path.with_name("real"))
    path.symlink_to("real")


def replaced(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (linked, "is a symbolic link"),
        (replaced, "is not a regular file"),
        (lambda path: path.unlink(), "No such file"),
        (lambda path: path.chmod(0o640), "has mode 0640"),
        (lambda path: path.write_text(""), "is empty"),
        (lambda path: os.chown(path, 65534, 65534), "belongs to another user"),
    ],
    ids=["link", "folder", "missing", "mode", "empty", "owner"],
)
def test_a_secret_file_that_a_run_would_refuse_is_told_before(
    read: Callable[..., dict[str, Target]], change: Callable[[Path], object], says: str
) -> None:
    target = read(lab=TOKEN)["lab"]
    assert check_secrets(target) == []
    if change.__name__ == "<lambda>" and says.startswith("belongs") and os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    change(target.folder / "token")
    (problem,) = check_secrets(target)
    assert problem.path == "targets.lab.credential.token_secret_file"
    assert says in problem.text


def test_a_secret_of_the_environment_is_there_or_named(
    read: Callable[..., dict[str, Target]], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = read(lab=ENV)["lab"]
    monkeypatch.delenv("VB_TEST_PASSWORD", raising=False)
    assert "VB_TEST_PASSWORD is not set" in str(check_secrets(target)[0])
    monkeypatch.setenv("VB_TEST_PASSWORD", "x")
    assert check_secrets(target) == []


def test_a_targets_file_has_a_largest_size(tmp_path: Path) -> None:
    path = tmp_path / "targets.yml"
    path.write_text("#" * (1 << 20) + "#")
    with pytest.raises(TargetsInvalid, match="larger than"):
        load(path)


def test_a_planted_link_is_not_followed(
    read: Callable[..., dict[str, Target]], run_folder: Path, tmp_path: Path
) -> None:
    (run_folder / "targets.yml").symlink_to(tmp_path / "victim")
    with pytest.raises(FileExistsError):
        write_run_targets(run_folder, read(lab=TOKEN).values())
    assert not (tmp_path / "victim").exists()


def test_secrets_are_checked_without_being_read(
    read: Callable[..., dict[str, Target]], tmp_path: Path
) -> None:
    target = read(lab=TOKEN)["lab"]
    assert check_secrets(target) == []
    token = tmp_path / "config/token"
    token.chmod(0o644)
    [problem] = check_secrets(target)
    assert problem.path == "targets.lab.credential.token_secret_file"
    assert "has mode 0644" in problem.text
    token.unlink()
    assert "No such file" in check_secrets(target)[0].text
    assert "VB_TEST_PASSWORD is not set" in check_secrets(read(lab=ENV)["lab"])[0].text


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_targets_file_that_others_may_change_is_refused(
    read: Callable[..., dict[str, Target]], tmp_path: Path, mode: int
) -> None:
    read(lab=TOKEN)
    path = tmp_path / "config/targets.yml"
    path.chmod(mode)
    with pytest.raises(TargetsInvalid, match="where credentials are sent"):
        load(path)
