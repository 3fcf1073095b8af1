"""The disk of a site's store is lost; what a backup brings back, and what it refuses."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from mcp_servers.cli import app
from mcp_servers.commands.opening import open_site
from mcp_servers.egress.ledger import read_entries
from mcp_servers.site_directory import SiteDirectory
from telecom.errors import (
    LedgerBrokenError,
    SettingsError,
    SiteDirectoryError,
    StoreDamagedError,
    StoreOwnedError,
    TierwiseError,
)
from tests.command import served
from tests.mcp_servers.small_site import IMSI, WINDOW, make_site

WORDS = f"session of IMSI {IMSI} lost\n"
QUERY = {"id": "q", "text": "administrative reset"}


def typed(*arguments: str | Path, stdin: str = "") -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments], input=stdin)


def answers(site: Path) -> list[Any]:
    """What an operator and a caller are told; the same as long as nothing is lost."""
    window = {"from_time": WINDOW[0], "to_time": WINDOW[1], "budget_tokens": 2000}
    part = {"managed_object": "pe1", "section": "router bgp", "times": []}
    with open_site(site) as opened:
        return [
            *(
                opened.call("search", {"corpus": corpus, "limit": 3, "queries": [QUERY]})
                for corpus in ("tickets", "docs")
            ),
            opened.call("summarize", window),
            opened.call("show_config", part),
            opened.call("anonymize", {"text": WORDS, "caller": "region"})["text"],
        ]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_site(tmp_path_factory.mktemp("drill") / "small")
    assert typed("ingest", folder).exit_code == 0
    assert typed("anonymize", folder, stdin=WORDS).exit_code == 0
    return folder


@pytest.fixture
def site(original: Path, tmp_path: Path) -> Path:
    return shutil.copytree(original, tmp_path / "site")


def test_a_lost_store_comes_back_with_its_ledger_and_its_answers(
    site: Path, tmp_path: Path
) -> None:
    """Issue 12: kill the store's disk, restore, the ledger verifies, answers are equal."""
    file, keys = tmp_path / "kept" / "site.tar.gz", tmp_path / "safe" / "site.keys"
    file.parent.mkdir()
    keys.parent.mkdir()
    stop = threading.Event()

    def go_on() -> None:
        number = 0
        with open_site(site) as client:
            while not stop.is_set():
                number += 1
                words = {"text": f"IMSI 2620112345{number:05d}", "caller": "region"}
                client.call("anonymize", words)

    with served(site):
        busy = threading.Thread(target=go_on)
        busy.start()
        done = typed("backup", site, "--to", file, "--keys-to", keys, "--json")
        stop.set()
        busy.join(30)
    assert done.exit_code == 0, done.stderr
    before = answers(site)

    shutil.rmtree(site / "store")
    restored = typed("restore", site, "--from", file, "--keys", keys, "--json")
    assert restored.exit_code == 0, restored.stderr
    told = json.loads(restored.stdout)
    assert told["ledger_head"] == json.loads(done.stdout)["ledger_head"]
    verified = typed("ledger", "verify", site, "--anchor", told["ledger_head"])
    assert verified.exit_code == 0, verified.stderr
    entries = list(read_entries(site / "store"))
    assert entries[told["ledger_entries"]].event == "restored"
    assert answers(site) == before
    assert json.loads(typed("knowledge", "health", site, "--json").stdout)["dense"] is True
    pseudonym = before[-1].split()[3]
    assert IMSI in typed("reveal", site, pseudonym).stdout
    assert {each.stat().st_mode & 0o077 for each in (site / "store" / "keys").rglob("*")} == {0}


def test_a_passphrase_seals_everything_in_one_file(site: Path, tmp_path: Path) -> None:
    """Issue 12: encrypted by choice; nothing raw is readable in it, and no other word opens it."""
    file, right, wrong = tmp_path / "site.sealed", tmp_path / "right", tmp_path / "wrong"
    right.write_text("correct horse battery staple\n")
    wrong.write_text("incorrect horse battery\n")
    before = answers(site)
    assert typed("backup", site, "--to", file, "--passphrase-file", right).exit_code == 0
    assert not file.with_name("site.sealed.keys").exists()
    assert b"administrative" not in file.read_bytes()
    shutil.rmtree(site / "store")
    for arguments, error in (
        (("--passphrase-file", wrong), StoreDamagedError),
        ((), SettingsError),
    ):
        refused = typed("restore", site, "--from", file, *arguments)
        assert isinstance(refused.exception, error)
    assert [each.name for each in (site / "store").iterdir()] == ["owner.lock"]
    assert typed("restore", site, "--from", file, "--passphrase-file", right).exit_code == 0
    assert answers(site) == before


def refusal(site: Path, file: Path, *more: str | Path) -> TierwiseError:
    refused = typed("restore", site, "--from", file, *more).exception
    assert isinstance(refused, TierwiseError), refused
    return refused


def test_what_is_altered_cut_off_or_not_its_own_is_refused_and_nothing_changes(
    site: Path, tmp_path: Path
) -> None:
    """Issue 12: verified on restore (digests, signature, ledger)."""
    file, other = tmp_path / "site.tar.gz", tmp_path / "other.tar.gz"
    assert typed("backup", site, "--to", file).exit_code == 0
    assert typed("backup", site, "--to", other).exit_code == 0
    assert isinstance(
        typed("backup", site, "--to", file).exception, SiteDirectoryError
    )  # never over another
    holds = refusal(site, file)
    assert "would destroy" in str(holds)
    shutil.rmtree(site / "store")
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    assert isinstance(refusal(site, file), StoreDamagedError)
    file.write_bytes(whole)
    strange = refusal(site, file, "--keys", tmp_path / "other.tar.gz.keys")
    assert "another backup" in str(strange)
    (site / "site.yaml").write_text("site_id: elsewhere\n")
    assert "is of site 'small'" in str(refusal(site, file))
    assert [each.name for each in (site / "store").iterdir()] == ["owner.lock"]


def test_a_running_site_is_not_restored_and_a_broken_ledger_is_not_kept(
    site: Path, tmp_path: Path
) -> None:
    """DESIGN section 4: one owner; a ledger that does not hold is evidence, not a backup."""
    file = tmp_path / "site.tar.gz"
    assert typed("backup", site, "--to", file).exit_code == 0
    with open_site(site) as client:
        client.own()
        assert isinstance(refusal(site, file), StoreOwnedError)
    ledger = SiteDirectory.open(site).store / "egress.jsonl"
    ledger.write_bytes(ledger.read_bytes().replace(b'"client":"region"', b'"client":"nobody"', 1))
    again = typed("backup", site, "--to", tmp_path / "again.tar.gz")
    assert isinstance(again.exception, LedgerBrokenError)
    assert sorted(each.name for each in tmp_path.glob("again*")) == []
