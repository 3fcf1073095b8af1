"""`SiteWatch`: follows the site's incidents, reports on them here, tells the cloud half.

A task of the process that owns the store, never a second owner. Each pass takes in new alarms,
reads the feed of incident changes, reports on the incidents that came to rest (or did not for a
minute), and sends what waits. What a pass has to do is in the queue's file, so that the next
process goes on where this one stopped.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import anyio

from agents.root_cause_analyst import PROFILE as ANALYST_PROFILE
from mcp_servers.watching.cloud_link import CloudLink
from mcp_servers.watching.envelope_queue import Due, EnvelopeQueue
from mcp_servers.watching.incident_envelope import describe_incident, essence
from mcp_servers.watching.local_investigation import (
    DEEP_REASONING,
    LocalFindings,
    SitePlace,
    investigate_locally,
)
from mcp_servers.watching.local_model import LocalModel
from mcp_servers.watching.local_ports import LocalAlarms, LocalConfigs, LocalTickets
from mcp_servers.watching.notifier import Notifier
from mcp_servers.watching.report_files import ReportFiles
from telecom.envelope import EnvelopeReceipt, SiteEnvelope
from telecom.errors import RecordNotFoundError, TierwiseError
from telecom.evidence import Gap
from telecom.incident import Incident
from telecom.times import Window, format_instant

if TYPE_CHECKING:
    from mcp_servers.ownership.site_host import SiteHost

PASS_SECONDS = 1.0
SETTLED_SECONDS = 10.0
"""A pause in an incident after which it is reported on."""
LONGEST_UNREPORTED_SECONDS = 60.0
"""How long an incident that does not come to rest goes without a report."""
LONGEST_WINDOW = timedelta(hours=24)
"""Of an incident that has been open for days, the last day is looked at."""
_MARGIN = timedelta(seconds=1)
_NEWS_KEPT = 500

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class News:
    """One thing that the watch did, for people who look on."""

    number: int
    time: str
    text: str


class SiteWatch:
    """The watch over one open site; passes run in one thread at a time."""

    def __init__(self, host: SiteHost) -> None:
        """Prepare; nothing is read yet.

        Args:
            host: The open site.

        Raises:
            SettingsError: A credential of `cloud` cannot be read.
        """
        self._host = host
        cloud = host.site.settings.cloud
        self._link = None if cloud is None else CloudLink(cloud, host.site.path)
        self._queue = EnvelopeQueue.open(host.site.store)
        self._notifier = (
            None
            if cloud is None or self._link is None
            else Notifier(self._queue, self._link, host.gate, host.ledger, tier=cloud.tier)
        )
        settings = host.site.settings
        self._model = (
            None
            if settings.edge_slm is None
            else LocalModel(settings.edge_slm, settings.site_id, host.gate)
        )
        self._reports = ReportFiles(host.site.store)
        self._news: deque[News] = deque(maxlen=_NEWS_KEPT)
        self._numbered = 0
        self._passing = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._was_cut = False
        self._queue.take_up_again()

    # ------------------------------------------------------------------ its life

    def start(self) -> None:
        """Watch in the background until closed; starting twice is starting once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="site-watch", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Finish the pass under way and stop; what waits is in the queue's file."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        with self._passing:
            self._queue.close()
            if self._link is not None:
                self._link.close()

    @property
    def newest(self) -> int:
        """Number of the newest piece of news."""
        return self._numbered

    def news_after(self, number: int) -> list[dict[str, object]]:
        """What happened since a piece of news, oldest first."""
        return [asdict(each) for each in list(self._news) if each.number > number]

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.run_pass()
            except TierwiseError as exc:
                self._tell_once(f"the watch could not go on and tries again: {exc}")
            except Exception:
                # Outermost for the thread: the next pass begins where this one did.
                _logger.exception("a pass of the watch failed")
            self._stop.wait(PASS_SECONDS)

    # ------------------------------------------------------------------ one pass

    def run_pass(self, *, patient: bool = True) -> None:
        """Do once what there is to do.

        Args:
            patient: Wait for an incident to come to rest before it is reported on.
        """
        with self._passing:
            if self._stop.is_set():
                return
            self._host.alarms.refresh()
            self._send()
            self._follow()
            self._report_due(patient=patient)
            self._send()
            if self._note_outage():
                # What was reported as if the cloud half could be asked is reported as it is.
                self._report_due(patient=patient)

    def _follow(self) -> None:
        """Note which incidents changed; merged ones are only told of."""
        incidents, now = self._host.alarms.incidents, time.time()
        if self._queue.cursor is None:
            begin = incidents.current_cursor()  # before: what changes meanwhile is read again
            with self._queue.transaction():
                for incident in (*incidents.open_incidents(), *incidents.newest(1)):
                    self._queue.note_change(incident.incident_id, 0.0)
                self._queue.cursor = begin
            return
        more = True
        while more and self._queue.has_room and not self._stop.is_set():
            page = incidents.changes_since(self._queue.cursor)
            with self._queue.transaction():
                for change in page.changes:
                    self._queue.note_change(change.incident.incident_id, now)
                self._queue.cursor = page.cursor
            more = page.more

    def _report_due(self, *, patient: bool) -> None:
        for due in self._queue.due():
            if self._stop.is_set() or not self._queue.has_room:
                return
            try:
                incident = self._host.alarms.incidents.get(due.incident_id)
            except RecordNotFoundError:  # the store was rebuilt without its alarms
                self._queue.looked_at(due)
                continue
            if not patient or incident.state != "open" or _has_settled(due, time.time()):
                self._look_at(incident, due)
                self._send()  # a long list of reports must not hold up what waits

    def _look_at(self, incident: Incident, due: Due) -> None:
        """Report on one incident, and queue what is news of it."""
        if incident.planned:
            self._queue.looked_at(due)
            return
        if incident.state == "merged":
            heard = self._queue.was_heard_of(incident.incident_id)
            if not heard:
                self._queue.withdraw(incident.incident_id)
            self._keep(incident, due, None, tell=heard)
            return
        findings = anyio.run(self._investigate, incident)
        if findings is not None:
            file = self._reports.write(findings.report, incident.first_time)
            self._tell(
                f"{incident.incident_id}: {findings.report.status}: {findings.report.headline} "
                f"({file.relative_to(self._host.site.path)})"
            )
        self._keep(incident, due, findings, tell=True)

    def _keep(
        self, incident: Incident, due: Due, findings: LocalFindings | None, *, tell: bool
    ) -> None:
        envelope = describe_incident(
            incident,
            site=self._host.site.settings.site_id,
            now=datetime.now(UTC),
            summary=None if findings is None else findings.summary,
            report=None if findings is None else findings.report,
        )
        outcome, told = essence(envelope), self._queue.outcome_told(incident.incident_id)
        with self._queue.transaction():
            if tell and outcome != told and self._notifier is not None:
                self._queue.put(envelope, outcome)
            self._queue.looked_at(due)

    async def _investigate(self, incident: Incident) -> LocalFindings | None:
        host, cloud = self._host, self._host.site.settings.cloud
        since = self._queue.unreachable_since
        place = SitePlace(
            policy=host.policy,
            home=host.site.home,
            tier=host.site.settings.tier,
            unavailable=() if cloud is None or since is None else (cloud.tier,),
        )
        end = incident.last_time + _MARGIN
        return await investigate_locally(
            incident.incident_id,
            Window(max(incident.first_time - _MARGIN, end - LONGEST_WINDOW), end),
            place=place,
            alarms=LocalAlarms(host.alarms),
            configs=LocalConfigs(host.configs),
            tickets=LocalTickets(host.knowledge_of),
            gaps=self._gaps(since),
            model=self._model,
        )

    def _gaps(self, since: datetime | None) -> tuple[Gap, ...]:
        """Why this report stands on rules alone."""
        cloud = self._host.site.settings.cloud
        if cloud is None or self._notifier is None:
            why = "no cloud half is named in site.yaml (cloud), so nobody reasons further"
            return (Gap(what=DEEP_REASONING, why=why),)
        if since is None:
            return ()
        problem = f" ({self._notifier.problem})" if self._notifier.problem else ""
        workload = ANALYST_PROFILE.model_copy(update={"home": self._host.site.home})
        decision = self._host.policy.decide(workload, unavailable=(cloud.tier,))
        out = decision.why_not(cloud.tier)
        return (
            Gap(
                what=DEEP_REASONING,
                why=f"Region unreachable since {format_instant(since)}{problem}, no deep "
                "reasoning; queued for a second look",
                rule=None if out is None else out.rule,
            ),
        )

    # --------------------------------------------------------------- the cloud half

    def _send(self) -> None:
        if self._notifier is not None:
            self._notifier.send_due(received=self._received, stopping=self._stop.is_set)

    def _received(self, envelope: SiteEnvelope, receipt: EnvelopeReceipt) -> None:
        investigation = f" as {receipt.investigation_id}" if receipt.investigation_id else ""
        self._tell(
            f"{envelope.incident_id}: told the cloud half ({receipt.outcome}{investigation})"
        )

    def _note_outage(self) -> bool:
        """Whether the cloud half was lost just now; what waits is looked at again then."""
        since = self._queue.unreachable_since
        was_cut, self._was_cut = self._was_cut, since is not None
        if since is None:
            if was_cut:
                self._tell("the cloud half answers again")
            return False
        if was_cut:
            return False
        problem = None if self._notifier is None else self._notifier.problem
        self._tell(f"Region unreachable since {format_instant(since)}: {problem}")
        with self._queue.transaction():
            for incident_id in self._queue.waiting_incidents():
                self._queue.note_change(incident_id, 0.0)
        return True

    def _tell_once(self, text: str) -> None:
        if not self._news or self._news[-1].text != text:
            self._tell(text)

    def _tell(self, text: str) -> None:
        self._numbered += 1
        self._news.append(News(self._numbered, format_instant(datetime.now(UTC)), text))
        _logger.info("watch: %s", text.partition(":")[0])


def _has_settled(due: Due, now: float) -> bool:
    return now - due.changed >= SETTLED_SECONDS or now - due.noticed >= LONGEST_UNREPORTED_SECONDS
