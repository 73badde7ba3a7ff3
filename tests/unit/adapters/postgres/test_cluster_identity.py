"""As whom the server is to run, decided from what the machine offers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidebook.adapters.postgres.cluster_identity import (
    Account,
    Identity,
    choose_identity,
    server_environment,
)
from tidebook.errors import ForeignDirectoryError, RootRefusedError

DATA = Path("/srv/book")
POSTGRES = Account("postgres", 101, 104)
NOBODY = Account("nobody", 65534, 65534)


def choose(
    owner_uid: int | None, *, uid: int, namespaces: bool = True, accounts: tuple[Account, ...] = ()
) -> Identity:
    """Choose on an imagined machine."""
    return choose_identity(
        DATA,
        owner_uid,
        effective_uid=uid,
        namespaces=lambda: "/usr/bin/unshare" if namespaces else None,
        accounts=lambda: accounts,
    )


@pytest.mark.parametrize("owner_uid", [None, 1001])
def test_an_ordinary_user_runs_the_server_directly(owner_uid: int | None) -> None:
    chosen = choose(owner_uid, uid=1001, accounts=(POSTGRES,))
    assert (chosen.uid, chosen.prefix, chosen.account) == (1001, (), None)


@pytest.mark.parametrize("owner_uid", [0, 1002])
def test_an_ordinary_user_is_refused_the_files_of_another(owner_uid: int) -> None:
    with pytest.raises(ForeignDirectoryError, match="/srv/book belongs to the account"):
        choose(owner_uid, uid=1001)


@pytest.mark.parametrize("owner_uid", [None, 0])
def test_root_prefers_a_user_namespace(owner_uid: int | None) -> None:
    chosen = choose(owner_uid, uid=0, accounts=(POSTGRES,))
    assert chosen.command(Path("/pg/postgres"), "-D", "x") == [
        "/usr/bin/unshare",
        "--user",
        "--map-user=1000",
        "--map-group=1000",
        "--",
        "/pg/postgres",
        "-D",
        "x",
    ]
    assert chosen.account is None


def test_root_without_namespaces_takes_the_better_account() -> None:
    chosen = choose(None, uid=0, namespaces=False, accounts=(POSTGRES, NOBODY))
    assert chosen == Identity(101, 104, account=POSTGRES)
    assert chosen.command(Path("/pg/postgres")) == ["/pg/postgres"]


def test_root_keeps_to_the_account_that_has_the_files() -> None:
    chosen = choose(65534, uid=0, accounts=(POSTGRES, NOBODY))
    assert chosen == Identity(65534, 65534, account=NOBODY)


def test_root_is_refused_the_files_of_a_person() -> None:
    with pytest.raises(ForeignDirectoryError) as refused:
        choose(1001, uid=0, accounts=(POSTGRES, NOBODY))
    assert "run Tidebook as the account" in refused.value.hint


def test_root_without_any_way_is_refused_with_the_ways_out() -> None:
    with pytest.raises(RootRefusedError) as refused:
        choose(None, uid=0, namespaces=False)
    assert "ordinary user" in refused.value.hint
    assert "DATABASE_URL" in refused.value.hint


def test_the_server_inherits_no_secrets_and_speaks_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://ada:secret@db/book")
    monkeypatch.setenv("PGOPTIONS", "-c fsync=off")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    environment = server_environment()
    assert environment["LC_ALL"] == "C"
    assert {"DATABASE_URL", "PGOPTIONS"}.isdisjoint(environment)
