"""A disk without room: nothing leaves, nothing is spoilt, and there is no trace to read."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mcp_servers.egress.approvals import Approvals, new_request
from mcp_servers.egress.private_database import open_private_database
from mcp_servers.egress.vault import Vault
from mcp_servers.ownership.store_lock import StoreLock, is_owned
from telecom.errors import EgressRefusedError, SiteDirectoryError, StoreDamagedError


@contextmanager
def no_room(size: int = 0) -> Iterator[None]:
    """Let no file of this process grow beyond a size; a test needs no mount and no root for it."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_store_can_be_locked_on_a_full_disk(tmp_path: Path) -> None:
    """Issue 12: whoever has to look what is wrong needs the lock, and the lock needs no room."""
    with no_room():
        lock = StoreLock.take(tmp_path / "store")
    assert lock is not None
    assert is_owned(tmp_path / "store")
    lock.release()


def test_a_key_of_pseudonyms_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """Issue 4: half a key file would close the vault for good."""
    vault = Vault.open(tmp_path)
    with no_room(10), pytest.raises(OSError, match="File too large"):
        vault.start_epoch()
    vault.close()
    again = Vault.open(tmp_path)
    assert again.epochs == (1,)
    assert again.start_epoch() == 2
    again.close()


def test_a_vault_that_cannot_be_opened_now_is_not_called_broken(tmp_path: Path) -> None:
    """Issue 4: "move it away" would be the end of every pseudonym, because of a full disk."""
    Vault.open(tmp_path).close()
    with no_room(), pytest.raises(SiteDirectoryError, match="keep it, and make room"):
        Vault.open(tmp_path)


def test_what_the_vault_cannot_keep_does_not_leave(tmp_path: Path) -> None:
    """Issue 4: a pseudonym that nobody could ever reverse is not given out; closed by default."""
    vault = Vault.open(tmp_path)
    with no_room(), pytest.raises(EgressRefusedError) as refusal:
        vault.keep([("SUBSCRIBER_k3f9x2mq7abc", "262011234567890")])
    assert refusal.value.rule == "gate.store"
    vault.keep([("SUBSCRIBER_k3f9x2mq7abc", "262011234567890")])
    assert vault.original("SUBSCRIBER_k3f9x2mq7abc") == "262011234567890"
    vault.close()


def test_a_yes_that_cannot_be_kept_is_none(tmp_path: Path) -> None:
    """Issue 4: an approval is on disk before it counts."""
    approvals = Approvals.open(tmp_path)
    asked = new_request(
        principal="idp/noc",
        client="noc",
        tier="region",
        tool="export",
        data_classes=("grey_area",),
        form="anonymized",
        tokens=1,
        payload="{}",
        payload_sha256="0" * 64,
        investigation=None,
    )
    approvals.ask(asked)
    with no_room(), pytest.raises(EgressRefusedError, match="cannot be written"):
        approvals.decide(asked.id, approve=True, by="A. Keller")
    assert [each.state for each in approvals.all()] == ["waiting"]
    approvals.close()


def test_a_file_that_is_no_database_is_still_called_so(tmp_path: Path) -> None:
    """Us: the cure for a damaged file is another one."""
    file = tmp_path / "vault.sqlite"
    file.write_bytes(b"no database" * 200)
    with pytest.raises(StoreDamagedError, match="not a vault: file is not a database; begin anew"):
        open_private_database(file, "", what="not a vault", cure="begin anew")


@pytest.mark.parametrize(
    "command",
    [
        ("anonymize", "{site}", "--caller", "region"),
        ("init", "{site}/new"),
        ("keys", "rotate", "{site}"),
    ],
    ids=lambda command: command[0],
)
def test_a_command_on_a_full_disk_says_so(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Issue 12: one message that names the cure, exit code 1, no traceback and no output."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "site.yaml").write_text("site_id: full\ncountry: DE\n")
    done = subprocess.run(
        [sys.executable, "-m", "mcp_servers", *(word.format(site=site) for word in command)],
        input=b"imsi-262011234567890 lost service",
        capture_output=True,
        timeout=120,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
    )
    told = done.stderr.decode()
    assert (done.returncode, done.stdout) == (1, b""), told
    assert told.startswith("tierwise-site: ")
    assert "Traceback" not in told
