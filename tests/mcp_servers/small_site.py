"""A site directory small enough to read: two routers, one change, one storm, two tickets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from dulwich import porcelain

IMSI = "262011234567890"
MSISDN = "+491711234567"
WINDOW = ("2026-03-01T10:00:00Z", "2026-03-01T10:30:00Z")
CHANGED = 1_772_357_400  # 2026-03-01T09:30:00Z

SITE_YAML = """\
site_id: small
country: DE
alarms: {year: 2026}
callers:
  - {issuer: "tierwise-site:small", client: region, tier: region}
"""

TOPOLOGY = """\
device,port,remote_device,remote_port,relation
pe1,Hu0/0/0/1,pe2,Hu0/0/0/1,connects
pe1,Hu0/0/0/2,pe3,Hu0/0/0/1,connects
pe2,Hu0/0/0/2,pe3,Hu0/0/0/2,connects
"""

BEFORE = """\
hostname pe1
interface HundredGigE0/0/0/1
 description to pe2
 ipv4 address 10.0.12.1 255.255.255.252
!
router bgp 65001
 neighbor 10.0.12.2
  remote-as 65002
  password encrypted 094F471A1A0A
 !
!
"""


def make_site(folder: Path) -> Path:
    """Write the site; nothing is ingested."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "site.yaml").write_text(SITE_YAML)
    (folder / "topology.csv").write_text(TOPOLOGY)
    _write_alarms(folder / "alarms")
    _write_tickets(folder / "tickets")
    _write_configs(folder / "configs")
    (folder / "docs").mkdir()
    (folder / "docs" / "bgp.md").write_text(
        "# BGP notifications\n\nCEASE with administrative reset: an operator cleared it.\n"
    )
    return folder


def _write_alarms(folder: Path) -> None:
    folder.mkdir()
    for device, near, others in (
        ("pe1", "User clear requested", ("10.0.12.2", "10.0.13.2")),
        ("pe2", "BGP Notification received, administrative reset", ("10.0.12.1",)),
        ("pe3", "BGP Notification received, administrative reset", ("10.0.13.1",)),
    ):
        lines = []
        for second in range(0, 30, 5):
            for neighbor in others:
                lines.append(
                    f"RP/0/RP0/CPU0:Mar  1 10:05:{second:02d}.100 : bgp[1050]: "
                    f"%ROUTING-BGP-5-ADJCHANGE : neighbor {neighbor} Down - {near} "
                    "(VRF: default) (AS: 65001)"
                )
        lines.append(
            f"RP/0/RP0/CPU0:Mar  1 10:06:00.000 : aaa[99]: %SUBSCRIBER-3-LOST : "
            f"session of IMSI={IMSI} lost"
        )
        (folder / f"{device}.log").write_text("\n".join(lines) + "\n")


def _write_tickets(folder: Path) -> None:
    folder.mkdir()
    tickets = [
        {
            "ticket_id": "INC001",
            "title": "BGP session down after clear on pe1",
            "description": f"All sessions of pe1 reset; subscriber {MSISDN} complained.",
            "managed_object": "pe1",
            "opened_at": "2026-01-10T08:00:00Z",
            "closed_at": "2026-01-10T09:00:00Z",
            "cause": "operator cleared BGP",
            "close_note": "Operator ran clear bgp on the wrong router. Sessions came back.",
        },
        {
            "ticket_id": "INC002",
            "title": "Fan failure at pe3",
            "description": "Fan tray alarm.",
            "managed_object": "pe3",
            "cause": "hardware",
            "close_note": "Fan tray replaced.",
        },
    ]
    (folder / "export.jsonl").write_text("".join(json.dumps(t) + "\n" for t in tickets))


def _write_configs(folder: Path) -> None:
    folder.mkdir()
    repository = porcelain.init(str(folder))
    for number, text in enumerate((BEFORE, BEFORE.replace("to pe2", "to pe2 NEW"))):
        (folder / "pe1").write_text(text)
        porcelain.add(repository, [str(folder / "pe1")])
        porcelain.commit(
            repository,
            message=f"update pe1 {number}".encode(),
            author=b"oxidized <o@example.net>",
            committer=b"oxidized <o@example.net>",
            author_timestamp=CHANGED - 86_400 * (1 - number),
            commit_timestamp=CHANGED - 86_400 * (1 - number),
        )
    repository.close()


def run(*arguments: str | Path, stdin: str = "", cwd: Path | None = None) -> CommandResult:
    """Run `tierwise-site` as a shell would."""
    done = subprocess.run(
        [sys.executable, "-m", "mcp_servers", *map(str, arguments)],
        input=stdin.encode(),
        capture_output=True,
        timeout=240,
        check=False,
        cwd=cwd,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "COLUMNS": "200"},
    )
    return CommandResult(done.returncode, done.stdout.decode(), done.stderr.decode())


class CommandResult:
    """What a command said and how it ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def json(self) -> Any:
        """Any: as each command documents it."""
        return json.loads(self.out)
