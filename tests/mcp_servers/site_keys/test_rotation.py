"""Another signing key follows a site's: what holds on, what no longer does, a kill midway."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from mcp_servers.backup.store_snapshot import draft_folder
from mcp_servers.cli import app
from mcp_servers.commands.opening import open_site
from mcp_servers.egress.ledger import LEDGER_FILE, EgressLedger, read_entries
from mcp_servers.serving import identity
from mcp_servers.serving.identity import OwnKeys, SiteKeys, TokenVerifier
from mcp_servers.site_keys import rotation
from mcp_servers.site_keys.handover import TOKENS_HOLD, hand_over, keep_handover
from telecom.errors import (
    IdentityError,
    LedgerBrokenError,
    OperatorError,
    SiteDirectoryError,
    StoreOwnedError,
)
from tests.mcp_servers.small_site import IMSI

ALARM = "Mar  1 10:15:00 pe1 1: %LINK-3-UPDOWN: Interface Hu0/0, changed state to down\n"


def typed(*arguments: str | Path, stdin: str = "") -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments], input=stdin)


def done(*arguments: str | Path, stdin: str = "") -> str:
    result = typed(*arguments, stdin=stdin)
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.stdout


def pseudonym(site: Path) -> str:
    return done("anonymize", site, stdin=f"{IMSI}").strip()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with one alarm, one pseudonym and one ledger entry."""
    folder = tmp_path_factory.mktemp("keys") / "site"
    (folder / "alarms").mkdir(parents=True)
    (folder / "alarms" / "pe1.log").write_text(ALARM)
    settings = {"site_id": "small", "country": "DE", "alarms": {"year": 2026}}
    (folder / "site.yaml").write_text(yaml.safe_dump(settings))
    done("ingest", folder, "alarms")
    pseudonym(folder)
    return folder


@pytest.fixture
def site(original: Path, tmp_path: Path) -> Path:
    return shutil.copytree(original, tmp_path / "site")


def release(site: Path) -> None:
    """Something leaves the site, as far as the ledger knows."""
    (entry, *_) = read_entries(site / "store")
    with EgressLedger.open(site / "store", keys_of(site).signing_key) as ledger:
        ledger.append(entry)


def keys_of(site: Path) -> SiteKeys:
    return SiteKeys.open(site / "store" / "keys")


def token(site: Path) -> str:
    return done("token", site, "--scopes", "alarms:read", "--ttl", "90d").strip()


def believes(site: Path, token: str) -> bool:
    verifier = TokenVerifier.open("small", keys_of(site), ())
    try:
        return verifier.verify(token).client == "region"
    except IdentityError:
        return False


def alarm_ids(site: Path) -> list[str]:
    window = {"from_time": "2026-03-01T10:00:00+00:00", "to_time": "2026-03-01T11:00:00+00:00"}
    with open_site(site) as opened:
        told: Any = opened.call("summarize", window | {"budget_tokens": 500})
    return [str(handle) for handle in told["handles"]]


def test_a_key_that_is_replaced_in_peace_leaves_nothing_behind_but_its_signatures(
    site: Path,
) -> None:
    """Issue 12, key rotation: one ledger, tokens that go on, pseudonyms and ids that stay."""
    before, name, ids = token(site), pseudonym(site), alarm_ids(site)
    old = keys_of(site)
    told = json.loads(done("keys", "rotate", site, "--json"))
    new = keys_of(site)
    assert (told["predecessor"], told["successor"]) == (old.key_id, new.key_id)
    assert old.key_id != new.key_id
    secret = old.signing_key.private_bytes_raw()
    kept = (file for file in (site / "store" / "keys").rglob("*") if file.is_file())
    assert not any(secret in file.read_bytes() for file in kept)
    assert [believes(site, each) for each in (before, token(site))] == [True, True]
    done("ingest", site, "alarms", "--rebuild")
    assert (pseudonym(site), alarm_ids(site)) == (name, ids)
    assert done("reveal", site, name).strip() == IMSI
    verdict = json.loads(done("ledger", "verify", site, "--json"))
    assert verdict["holds"]
    events = [each.event for each in read_entries(site / "store")]
    assert events.count("key_rotated") == 1
    assert verdict["entries"] == len(events)
    done("keys", "rotate", site)
    assert json.loads(done("ledger", "verify", site, "--json"))["holds"]
    does = [(each["what"], each["id"]) for each in json.loads(done("keys", "list", site, "--json"))]
    assert does == [
        ("signing key", keys_of(site).key_id),
        ("former signing key", new.key_id),
        ("former signing key", old.key_id),
        ("key of pseudonyms", "epoch 1"),
    ]


def test_after_a_leak_no_token_of_the_key_or_of_one_before_it_holds(site: Path) -> None:
    """Issue 12, key rotation: a leaked key opens nothing, and ids it could guess are made anew."""
    first, ids = token(site), alarm_ids(site)
    done("keys", "rotate", site)
    second = token(site)
    told = typed("keys", "rotate", site, "--leaked").stderr
    assert "--rebuild" in told
    third = token(site)
    assert [believes(site, each) for each in (first, second, third)] == [False, False, True]
    done("ingest", site, "alarms", "--rebuild")
    assert alarm_ids(site) != ids
    assert json.loads(done("ledger", "verify", site, "--json"))["holds"]


def test_tokens_of_a_former_key_end_with_its_time(tmp_path: Path) -> None:
    """Us: a key that lies in some old backup must not sign in for ever."""
    keys = SiteKeys.open(tmp_path / "keys")
    for age, holds in ((TOKENS_HOLD - timedelta(days=1), True), (TOKENS_HOLD, False)):
        new, moment = Ed25519PrivateKey.generate(), datetime.now(UTC) - age
        handover = hand_over(
            keys.signing_key, new, now=moment, leaked=False, entries=1, head="ab" * 32
        )
        keep_handover(keys.folder, handover)
        own = OwnKeys(SiteKeys(keys.folder, new))
        assert (own.get(keys.key_id) is not None) is holds


def test_whoever_has_the_old_key_cannot_rewrite_what_it_signed(site: Path) -> None:
    """Us: after a leak the new key fixes the ledger as it stood."""
    old = keys_of(site)
    done("keys", "rotate", site, "--leaked")
    ledger = site / "store" / LEDGER_FILE
    entries = list(read_entries(site / "store"))
    ledger.unlink()
    with EgressLedger.open(site / "store", old.signing_key) as forged:
        for entry in entries:
            forged.append(entry.model_copy(update={"tool": "nothing_much"}))
    verdict = json.loads(typed("ledger", "verify", site, "--json").stdout)
    assert not verdict["holds"]
    assert "cut off or rewritten" in verdict["problems"][-1]
    ledger.unlink()
    assert not json.loads(typed("ledger", "verify", site, "--json").stdout)["holds"]


def _dies(*_: object, **__: object) -> None:
    raise SystemExit(137)


KILLS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "before the ledger is told": lambda patch: patch.setattr(EgressLedger, "append", _dies),
    "before the handover": lambda patch: patch.setattr(rotation, "keep_handover", _dies),
    "before the key": lambda patch: patch.setattr(rotation, "replace_signing_key", _dies),
    "with half a key": lambda patch: patch.setattr(Path, "replace", _dies),
    "before the old key is destroyed": lambda patch: patch.setattr(identity, "sync_folder", _dies),
}


@pytest.mark.parametrize("kill", KILLS)
def test_a_rotation_that_is_killed_leaves_a_site_that_works_and_may_be_repeated(
    site: Path, kill: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 12, key rotation: crash-safe; one key signs at any time, and the ledger holds."""
    before = token(site)
    with monkeypatch.context() as patch:
        KILLS[kill](patch)
        assert typed("keys", "rotate", site).exit_code == 137
    assert believes(site, before)
    release(site)
    assert json.loads(done("ledger", "verify", site, "--json"))["holds"]
    done("keys", "rotate", site)
    assert [believes(site, each) for each in (before, token(site))] == [True, True]
    assert json.loads(done("ledger", "verify", site, "--json"))["holds"]


def test_a_handover_that_was_altered_or_is_gone_is_found(site: Path) -> None:
    """Us: nothing vouches for an old key but the new one's signature."""
    done("keys", "rotate", site)
    (file,) = (site / "store" / "keys" / "handovers").iterdir()
    good = file.read_text()
    file.write_text(good.replace('"leaked": false', '"leaked": true'))
    assert isinstance(typed("ledger", "verify", site).exception, IdentityError)
    file.unlink()
    verdict = json.loads(typed("ledger", "verify", site, "--json").stdout)
    assert "its signature is not this site's" in verdict["problems"][0]


def test_a_key_is_not_replaced_under_a_running_site_a_backup_or_over_a_broken_ledger(
    site: Path, tmp_path: Path
) -> None:
    """Us: what cannot be done safely is refused with what to do first, and nothing changes."""
    before = keys_of(site).key_id
    with open_site(site) as owner:
        owner.own()
        assert isinstance(typed("keys", "rotate", site).exception, StoreOwnedError)
    with draft_folder(site / "store"):
        assert isinstance(typed("keys", "rotate", site).exception, OperatorError)
    ledger = site / "store" / LEDGER_FILE
    ledger.write_bytes(ledger.read_bytes().replace(b'"region"', b'"nobody"', 1))
    assert isinstance(typed("keys", "rotate", site).exception, LedgerBrokenError)
    assert keys_of(site).key_id == before
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "site.yaml").write_text("site_id: empty\n")
    assert isinstance(typed("keys", "rotate", empty).exception, SiteDirectoryError)


def test_a_backup_made_after_a_rotation_brings_both_keys_of_the_ledger_back(
    site: Path, tmp_path: Path
) -> None:
    """Issue 12: restore after a rotation; the ledger of both keys is proven first."""
    name = pseudonym(site)
    done("keys", "rotate", site)
    done("backup", site, "--to", tmp_path / "kept.tar.gz")
    shutil.rmtree(site / "store")
    done("restore", site, "--from", tmp_path / "kept.tar.gz")
    assert json.loads(done("ledger", "verify", site, "--json"))["holds"]
    assert done("reveal", site, name).strip() == IMSI


def test_the_doctor_tells_the_age_of_keys_and_wants_old_ones_replaced(site: Path) -> None:
    """Issue 12: doctor shows how old keys are."""
    keys = site / "store" / "keys"
    two_years_ago = (datetime.now(UTC) - timedelta(days=730)).timestamp()
    for file in (keys / "site_ed25519.pem", keys / "epochs" / "epoch-1.key"):
        os.utime(file, (two_years_ago, two_years_ago))

    def checks() -> dict[str, dict[str, str]]:
        return {each["what"]: each for each in json.loads(typed("doctor", site, "--json").stdout)}

    found = checks()
    assert [(found[each]["verdict"], "730 days old" in found[each]["says"]) for each in AGED] == [
        ("warn", True),
        ("warn", True),
    ]
    assert "keys rotate" in found["keys"]["next"]
    assert "epochs start" in found["vault"]["next"]
    done("keys", "rotate", site)
    done("epochs", "start", site)
    assert [checks()[each]["verdict"] for each in AGED] == ["ok", "ok"]


AGED = ("keys", "vault")
