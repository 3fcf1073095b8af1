"""The ledger: any edit, removal or move is found, and what cannot be proven is said."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mcp_servers.egress.ledger import (
    GENESIS,
    LEDGER_FILE,
    EgressLedger,
    LedgerEntry,
    read_entries,
    verify_ledger,
)
from telecom.errors import EgressRefusedError, LedgerBrokenError, StoreOwnedError

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key()


def entry(number: int = 1, investigation: str | None = None) -> LedgerEntry:
    return LedgerEntry(
        time=datetime(2026, 3, 1, 10, 15, number % 60, tzinfo=UTC),
        principal="tierwise-site:north/region",
        client="region",
        tier="region",
        tool="summarize_alarms",
        data_classes=("alarms_raw",),
        form="pseudonymized",
        investigation=investigation,
        decision_id="eg-1",
        masked={"SUBSCRIBER": number},
        bytes=100 + number,
        tokens=20,
        payload_sha256="ab" * 32,
    )


@pytest.fixture
def store(tmp_path: Path) -> Path:
    with EgressLedger.open(tmp_path, KEY) as ledger:
        for number in range(1, 6):
            ledger.append(entry(number, investigation=f"inv-{number % 2}"))
    return tmp_path


def lines(store: Path) -> list[bytes]:
    return (store / LEDGER_FILE).read_bytes().splitlines(keepends=True)


def write(store: Path, content: list[bytes]) -> None:
    (store / LEDGER_FILE).write_bytes(b"".join(content))


def test_a_ledger_holds_over_restarts_and_says_what_it_cannot_prove(store: Path) -> None:
    """Issue of the gate: verify says what it cannot prove without an anchor."""
    with EgressLedger.open(store, KEY) as ledger:
        sixth = ledger.append(entry(6))
        assert sixth.sequence == 6
        verdict = ledger.verify()
        assert (verdict.holds, verdict.entries, verdict.head) == (True, 6, sixth.hash)
        assert len(verdict.cannot_prove) == 2
        assert ledger.verify(sixth.hash).cannot_prove == ()
        assert ledger.verify(lines_head(store)).anchored


def lines_head(store: Path) -> str:
    return str(json.loads(lines(store)[2])["hash"])


def test_entries_can_be_read_by_investigation(store: Path) -> None:
    """Us: what left, to whom, under which rule, for this incident."""
    assert [each.sequence for each in read_entries(store, "inv-1")] == [1, 3, 5]
    with EgressLedger.open(store, KEY) as ledger:
        assert [each.sequence for each in ledger.entries()] == [1, 2, 3, 4, 5]


def test_any_flipped_byte_is_found(store: Path) -> None:
    """Us: one bit is enough to fail."""
    whole = (store / LEDGER_FILE).read_bytes()
    last = whole.rindex(b"\n", 0, -1) + 1
    torn_looking = []
    for position in [*range(0, len(whole), 7), *range(last, len(whole))]:
        altered = bytearray(whole)
        altered[position] ^= 1 if altered[position] != ord("\n") else 2
        (store / LEDGER_FILE).write_bytes(altered)
        verdict = verify_ledger(store, PUBLIC)
        if verdict.holds:
            torn_looking.append(position)
    assert torn_looking == []


def test_a_dropped_swapped_repeated_or_inserted_line_is_found(store: Path) -> None:
    """Us: the chain fixes the order."""
    good = lines(store)
    forged = [
        good[:1] + good[2:],
        [good[0], good[2], good[1], *good[3:]],
        [*good, good[-1]],
        [good[0], b"{}\n", *good[1:]],
        good[1:],
        [*good, b"\n"],
    ]
    for content in forged:
        write(store, content)
        assert not verify_ledger(store, PUBLIC).holds


def test_a_cut_tail_and_a_full_rewrite_are_found_with_an_anchor(store: Path) -> None:
    """Us: without the head held elsewhere a shorter chain is a valid chain."""
    anchor = verify_ledger(store, PUBLIC).head
    write(store, lines(store)[:-1])
    assert verify_ledger(store, PUBLIC).holds
    assert not verify_ledger(store, PUBLIC, anchor).holds
    (store / LEDGER_FILE).unlink()
    with EgressLedger.open(store, KEY) as ledger:
        for number in range(1, 6):
            ledger.append(entry(number + 10))
    assert verify_ledger(store, PUBLIC).holds
    assert not verify_ledger(store, PUBLIC, anchor).holds


def test_a_chain_signed_with_another_key_is_not_this_sites(store: Path) -> None:
    """Us: records are signed with the site's key."""
    (store / LEDGER_FILE).unlink()
    with EgressLedger.open(store, Ed25519PrivateKey.generate()) as ledger:
        ledger.append(entry())
    verdict = verify_ledger(store, PUBLIC)
    assert verdict.problems == ("line 1: its signature is not this site's",)


def test_a_torn_last_line_is_told_cut_off_and_recorded(store: Path) -> None:
    """Us: a crash in mid-write must not stop the site, nor pass unseen."""
    good = lines(store)
    write(store, [*good[:-1], good[-1][:100]])
    verdict = verify_ledger(store, PUBLIC)
    assert (verdict.holds, verdict.torn_tail, verdict.entries) == (True, True, 4)
    with EgressLedger.open(store, KEY) as ledger:
        recovered = ledger.entries()[-1]
        assert (recovered.event, recovered.sequence) == ("recovered", 5)
        assert ledger.append(entry(6)).sequence == 6
        assert ledger.verify().holds


def test_a_whole_last_line_without_its_line_end_is_kept(store: Path) -> None:
    """Us: the crash may fall between the last byte and the line end."""
    (store / LEDGER_FILE).write_bytes(b"".join(lines(store))[:-1])
    assert verify_ledger(store, PUBLIC).entries == 5
    with EgressLedger.open(store, KEY) as ledger:
        assert ledger.append(entry(6)).sequence == 6
        assert ledger.verify().holds


def test_a_ledger_whose_end_was_edited_is_not_continued(store: Path) -> None:
    """Us: new entries must not lend an edited ledger their signatures."""
    write(store, [*lines(store), b"{}\n"])
    with pytest.raises(LedgerBrokenError):
        EgressLedger.open(store, KEY)


def test_an_empty_ledger_holds(tmp_path: Path) -> None:
    """Us: nothing left yet."""
    verdict = verify_ledger(tmp_path, PUBLIC)
    assert (verdict.holds, verdict.entries, verdict.head) == (True, 0, GENESIS)


def test_two_writers_cannot_fork_the_chain(store: Path) -> None:
    """Design section 4: two owners would fork the ledger silently."""
    with EgressLedger.open(store, KEY), pytest.raises(StoreOwnedError):
        EgressLedger.open(store, KEY)
    EgressLedger.open(store, KEY).close()


def test_concurrent_appends_make_one_chain(store: Path) -> None:
    """Us: answers leave in parallel and share their flush to disk."""
    with EgressLedger.open(store, KEY) as ledger, ThreadPoolExecutor(8) as pool:
        appended = list(pool.map(lambda n: ledger.append(entry(n)), range(64)))
        assert ledger.verify().holds
    assert sorted(each.sequence for each in appended) == list(range(6, 70))


def test_what_cannot_be_written_does_not_leave(store: Path) -> None:
    """Us: no ledger, no egress; and half a line is taken back."""
    before = lines(store)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with EgressLedger.open(store, KEY) as ledger:
        resource.setrlimit(
            resource.RLIMIT_FSIZE, ((store / LEDGER_FILE).stat().st_size + 10, limits[1])
        )
        try:
            with pytest.raises(EgressRefusedError) as refusal:
                ledger.append(entry(6))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert refusal.value.rule == "gate.ledger"
        assert lines(store) == before
        assert ledger.append(entry(6)).sequence == 6
        assert ledger.verify().holds


def test_a_closed_ledger_lets_nothing_out(store: Path) -> None:
    """Us: fail closed."""
    ledger = EgressLedger.open(store, KEY)
    ledger.close()
    with pytest.raises(EgressRefusedError):
        ledger.append(entry(6))


_WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import runpy
module = runpy.run_path(sys.argv[3])
ledger = module["EgressLedger"].open(Path(sys.argv[1]), module["KEY"])
number = 0
while True:
    number += 1
    ledger.append(module["entry"](number))
    print(number, flush=True)  # the bytes leave after the entry is on disk
"""


def test_a_killed_site_over_reports_and_never_under_reports(tmp_path: Path) -> None:
    """Us: kill -9 between write and send leaves an entry without an answer, never the reverse."""
    root = Path(__file__).resolve().parents[2]
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(tmp_path), str(root), __file__], stdout=subprocess.PIPE
    )
    assert writer.stdout is not None
    sent = [int(writer.stdout.readline()) for _ in range(40)]
    writer.send_signal(signal.SIGKILL)
    sent += [int(line) for line in writer.stdout.read().splitlines()]
    writer.wait()
    writer.stdout.close()
    verdict = verify_ledger(tmp_path, PUBLIC)
    assert verdict.holds
    assert verdict.entries >= len(sent)
