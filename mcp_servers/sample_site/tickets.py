"""Three hundred resolved tickets, written the way NOC people write."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from random import Random

import yaml

from mcp_servers.sample_site.config_history import end_of_history
from mcp_servers.sample_site.network import Element, Network, Role, rng_for
from mcp_servers.sample_site.people import People, staff
from telecom.schema import ProductModel
from telecom.ticket import Ticket

TICKETS = 300
PERIOD = timedelta(days=540)
"""How far the tickets go back."""

_COMPLAINTS = 0.42
"""Share of tickets with a complaining customer in them."""
_SEVERITIES = ("critical", "major", "minor", "warning")


class TicketTexts(ProductModel):
    """What is written about one cause."""

    cause: str
    roles: tuple[Role, ...]
    group: str
    weight: int
    titles: tuple[str, ...]
    descriptions: tuple[str, ...]
    findings: tuple[str, ...]
    actions: tuple[str, ...]
    endings: tuple[str, ...]


def build_tickets(network: Network, people: People) -> list[Ticket]:
    """All tickets, oldest first."""
    text = files(__package__).joinpath("ticket_texts.yaml").read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    causes = [TicketTexts.model_validate(entry) for entry in content["causes"]]
    rng = rng_for(network.seed, "tickets")
    end = end_of_history(network) - timedelta(days=1)
    moments = sorted(
        end - timedelta(seconds=rng.uniform(0, PERIOD.total_seconds())) for _ in range(TICKETS)
    )
    number = rng.randint(30_000, 60_000)
    tickets = []
    for moment in moments:
        number += rng.randint(3, 70)
        texts = rng.choices(causes, [cause.weight for cause in causes])[0]
        tickets.append(
            _Writer(network, people, rng, content["complaint"]).write(texts, moment, number)
        )
    return tickets


def write_tickets(directory: Path, network: Network, people: People) -> None:
    """Write one JSON Lines file per year."""
    directory.mkdir(parents=True, exist_ok=True)
    by_year: dict[int, list[str]] = {}
    for ticket in build_tickets(network, people):
        assert ticket.opened_at is not None  # every generated ticket has both times
        line = json.dumps(ticket.model_dump(mode="json", exclude_none=True), ensure_ascii=False)
        by_year.setdefault(ticket.opened_at.year, []).append(line)
    for year, lines in by_year.items():
        path = directory / f"tickets-{year}.jsonl"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


class _Writer:
    def __init__(
        self, network: Network, people: People, rng: Random, complaints: list[str]
    ) -> None:
        self._network = network
        self._people = people
        self._rng = rng
        self._complaints = complaints

    def write(self, texts: TicketTexts, opened: datetime, number: int) -> Ticket:
        rng = self._rng
        opened = opened.replace(microsecond=0)
        closed = opened + timedelta(minutes=round(rng.lognormvariate(5.0, 1.1)) + 12)
        element = rng.choice(self._network.of_role(*texts.roles))
        slots = _Slots(
            self._network, self._people, rng, element=element, opened=opened, closed=closed
        )
        description = [rng.choice(texts.descriptions)]
        if rng.random() < _COMPLAINTS:
            description.append(rng.choice(self._complaints))
        parts = [rng.choice(texts.findings), rng.choice(texts.actions), rng.choice(texts.endings)]
        if rng.random() < 0.15:
            parts.pop()
        if rng.random() < 0.2:
            whom = rng.choice(("customer care", "shift lead", "regional manager"))
            parts.append(f"Informed {whom}. /{staff(rng)}")
        at_port = "{port}" in description[0] + parts[0]
        managed_object = f"{element.name}:{slots['port']}" if at_port else element.name
        return Ticket(
            ticket_id=f"INC{number:07d}",
            title=rng.choice(texts.titles).format_map(slots),
            description=" ".join(description).format_map(slots),
            managed_object=managed_object,
            severity=rng.choices(_SEVERITIES, (3, 5, 3, 1))[0],
            status="closed",
            opened_at=opened,
            closed_at=closed,
            cause=texts.cause,
            close_note=" ".join(parts).format_map(slots),
            assigned_group=texts.group,
        )


class _Slots(dict[str, str]):
    """Fills placeholders on demand, so that only identifiers that are used count as planted."""

    def __init__(
        self,
        network: Network,
        people: People,
        rng: Random,
        *,
        element: Element,
        opened: datetime,
        closed: datetime,
    ) -> None:
        cables = network.cables_of(element.name)
        cable = rng.choice(cables) if cables else None
        start = opened - timedelta(minutes=rng.randint(2, 20))
        self._people = people
        self._subscriber = people.subscriber()
        super().__init__(
            mo=element.name,
            peer=cable.far(element.name) if cable else element.place,
            port=cable.port(element.name) if cable else "",
            place=element.place.capitalize(),
            clock=f"{start:%H:%M}",
            end=f"{closed:%H:%M}",
            count=str(rng.randint(2, 24)),
            km=f"{rng.uniform(0.4, 18):.1f}",
            engineer=staff(rng),
            company=people.company(),
        )

    def __missing__(self, key: str) -> str:
        if key == "circuit":
            return self._people.circuit()
        who = self._subscriber
        kinds = {
            "name": ("person", who.name),
            "msisdn": ("msisdn", who.msisdn),
            "imsi": ("imsi", who.imsi),
            "supi": ("supi", who.supi),
            "imei": ("imei", who.imei),
            "iccid": ("iccid", who.iccid),
            "email": ("email", who.email),
            "ip": ("ip", who.ipv4),
        }
        return self._people.plant(*kinds[key])
