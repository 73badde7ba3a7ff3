"""The places of a data directory, and the locks that share it out."""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path

import pytest

from tidebook.adapters.postgres.cluster_directory import (
    DataDirectory,
    Lease,
    my_turn,
    open_directory,
    open_log,
    socket_folder,
    write_password,
)
from tidebook.adapters.postgres.cluster_identity import Identity
from tidebook.errors import DataDirectoryError, DirectoryInUseError

WE = Identity(os.geteuid(), os.getegid())


def test_a_new_directory_is_for_its_owner_alone(tmp_path: Path) -> None:
    directory = open_directory(tmp_path / "a" / "b")
    assert directory.path.stat().st_mode & 0o777 == 0o700


def test_a_relative_path_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_directory(Path("book")).path == tmp_path / "book"


def test_the_major_is_none_before_there_are_files(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    assert directory.major() is None
    directory.pgdata.mkdir()
    (directory.pgdata / "PG_VERSION").write_text("16\n")
    assert directory.major() == 16


def test_a_directory_that_cannot_be_looked_into_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataDirectoryError, match="cannot be used: Not a directory"):
        DataDirectory(tmp_path / "file").owner_uid()


def test_a_version_that_is_none_is_refused(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    directory.pgdata.mkdir()
    (directory.pgdata / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(DataDirectoryError, match=r"says '9\.6'"):
        directory.major()


def test_two_passwords_differ(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    assert write_password(directory, WE) != write_password(directory, WE)


def test_a_pointed_at_folder_that_others_may_enter_is_not_taken_again(tmp_path: Path) -> None:
    directory = open_directory(tmp_path / ("deep" * 25))
    mine = socket_folder(directory, WE)
    assert socket_folder(directory, WE) == mine
    mine.chmod(0o755)
    another = socket_folder(directory, WE)
    assert another != mine
    assert another.stat().st_mode & 0o777 == 0o700
    for folder in (mine, another):
        folder.rmdir()


def test_a_pointed_at_folder_of_another_account_is_not_taken_again(tmp_path: Path) -> None:
    directory = open_directory(tmp_path / ("deep" * 25))
    mine = socket_folder(directory, WE)
    theirs = socket_folder(directory, Identity(WE.uid + 1, WE.gid))
    assert theirs != mine
    for folder in (mine, theirs):
        folder.rmdir()


def test_a_link_in_place_of_the_pointed_at_folder_is_not_followed(tmp_path: Path) -> None:
    directory = open_directory(tmp_path / ("deep" * 25))
    target = tmp_path / "target"
    target.mkdir(mode=0o700)
    link = tmp_path / "link"
    link.symlink_to(target)
    directory.socket_pointer.write_text(f"{link}\n")
    folder = socket_folder(directory, WE)
    assert folder != link
    folder.rmdir()


@pytest.mark.parametrize(("length", "fits"), [(86, True), (87, False)])
def test_a_socket_path_of_one_hundred_bytes_is_the_longest(length: int, fits: bool) -> None:
    parent = f"{tempfile.gettempdir()}/"
    name = parent + "x" * (length - len(parent) - len("/socket"))
    directory = open_directory(Path(name))
    folder = socket_folder(directory, WE)
    # 86 bytes of folder, a slash and the 13 of ".s.PGSQL.5432" make one hundred.
    assert (folder == directory.path / "socket") is fits
    folder.rmdir()
    directory.socket_pointer.unlink(missing_ok=True)
    directory.path.rmdir()


def test_a_long_log_is_set_aside_and_a_short_one_is_continued(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    directory.log_file.write_bytes(b"x" * (8 * 1024 * 1024))
    os.close(open_log(directory))
    assert directory.log_file.stat().st_size == 8 * 1024 * 1024
    with directory.log_file.open("ab") as file:
        file.write(b"x")
    os.close(open_log(directory))
    assert directory.log_file.stat().st_size == 0
    assert (tmp_path / "cluster.log.1").stat().st_size == 8 * 1024 * 1024 + 1


def test_a_share_knows_whether_it_is_the_first_and_the_last(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    first = Lease(directory)
    second = Lease(directory)
    assert (first.alone, second.alone) == (True, False)
    assert not first.is_last()
    first.close()
    assert second.is_last()
    assert (first.held, second.held) == (False, True)
    second.close()


def test_a_forked_child_has_no_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    share = Lease(DataDirectory(tmp_path))
    with monkeypatch.context() as child:
        child.setattr(os, "getpid", lambda: 1)
        assert not share.held
    assert share.held
    share.close()


def test_a_turn_is_waited_for_and_not_for_ever(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    with (
        my_turn(directory, timeout_seconds=1),
        pytest.raises(DirectoryInUseError, match="starting or stopping") as refused,
        my_turn(directory, timeout_seconds=0.05),
    ):
        pytest.fail("two had their turn at once")
    assert refused.value.pid == os.getpid()


def test_a_turn_is_passed_on(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    order: list[str] = []
    began = threading.Event()

    def first() -> None:
        with my_turn(directory, timeout_seconds=90):
            began.set()
            threading.Event().wait(0.1)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    began.wait(90)
    with my_turn(directory, timeout_seconds=90):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]
