"""The architect's pages without a browser: addresses are questions, figures were measured."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.console.pages.costs_page import cost_curve
from orchestrator.console.pages.data_page import catalogue_rows
from orchestrator.console.placement_question import PlacementQuestion
from orchestrator.console.token_volume import volume_of
from placement.cost import ARTICLE_FUNCTION, ARTICLE_PRICE
from placement.policy import load_policy
from telecom.report import ProvenanceStep, RootCauseReport
from tests.orchestrator.console.conftest import ARCHITECT, LEA, console_at


@pytest.fixture(scope="module")
def catalogue():
    return load_policy().catalogue


def test_the_address_of_the_explorer_repeats_its_question(catalogue):
    """Issue 10, part 7: what was found can be shown to somebody else."""
    asked = PlacementQuestion(
        data_class="traffic_data", form="raw", country="DE", cloud="US", out=("outposts",)
    )
    query = dict(pair.split("=") for pair in asked.query.partition("?")[2].split("&"))
    assert PlacementQuestion.of(query, catalogue) == asked


@pytest.mark.parametrize(
    "query",
    [
        {"workload": "<script>", "phase": "x", "data_class": "x", "form": "x", "out": "a,b"},
        {"budget_ms": "1e999", "country": "DEU", "cloud": "<b"},
        {"budget_ms": "-5", "wan_down": "maybe"},
    ],
)
def test_an_address_that_makes_no_sense_asks_the_usual_question(catalogue, query):
    """We: a link is text from elsewhere."""
    usual = PlacementQuestion.of({}, catalogue)
    asked = PlacementQuestion.of(query, catalogue)
    assert asked.profile(catalogue) == usual.profile(catalogue)
    assert asked.out == ()


def test_the_cost_curve_is_the_articles_at_its_volume():
    """R12: $52 an hour raw and $5.20 at 90 %; the edge is a level beside."""
    options = cost_curve(ARTICLE_FUNCTION, ARTICLE_PRICE, None, 25.0)
    at_volume = {one["name"]: dict(map(tuple, one["data"]))[1000.0] for one in options["series"]}
    assert at_volume == {"raw": 52.0, "60 % floor": 20.8, "90 % target": 5.2}
    assert options["series"][0]["markLine"]["data"] == [{"yAxis": 25.0}]


def test_measured_compression_counts_only_what_says_how_much_it_was():
    """A figure that nobody measured is not shown as one."""
    start = datetime(2026, 3, 1, tzinfo=UTC)

    def report(*tokens):
        steps = tuple(
            ProvenanceStep(
                step="s",
                agent="a",
                tier=None,
                decision_id=None,
                tokens_before=before,
                tokens_after=after,
            )
            for before, after in tokens
        )
        return RootCauseReport(
            incident_id="i", headline="h", status="inconclusive", provenance=steps
        )

    measured = volume_of(
        [report((20_000, 2_000), (None, 500)), report((10_000, 1_000))],
        [start, start + timedelta(hours=4)],
    )
    assert measured.compression == pytest.approx(0.9)
    assert measured.events_per_hour == 0.5
    assert volume_of([], []).compression is None


def test_a_class_without_law_is_closed_and_says_so(catalogue):
    """DESIGN: what is unknown is closed."""
    rows = {row.names: row.cells for row in catalogue_rows(catalogue, "BR")}
    assert rows["subscriber_pii"][1].words == "stays on the site"
    assert rows["subscriber_pii"][3].words == "none catalogued: closed"
    here = {row.names: row.cells for row in catalogue_rows(catalogue, "DE")}
    assert here["alarms_raw"][2].words == (
        "pseudonymized and summarized: stays in the country; "
        "anonymized and summarized: may go anywhere"
    )


def test_every_page_of_the_architect_opens_and_says_what_it_is_for(declared, site):
    """Issue 10, parts 6 and 7, before the first incident and after it."""

    async def work():
        async with console_at(declared(site), working=True) as noc:
            user = await noc.user(ARCHITECT)
            for path, said in (
                ("/placement", "It runs on Region."),
                ("/costs", "Nothing was measured yet"),
                ("/data", "TKG § 172"),
                ("/handover", "Nothing was opened and nothing is open."),
            ):
                await user.open(path)
                await user.should_see(said)
            await noc.finished_incident()
            await user.open("/costs")
            await user.should_see("summarize_alarms")

    asyncio.run(work())


def test_a_shift_is_printed_and_downloaded_by_who_is_signed_in_only(declared, site):
    """Issue 10, part 6: printable and PDF; the files are behind the same guard as the page."""

    async def work():
        async with console_at(declared(site), working=True) as noc:
            incident_id = await noc.finished_incident()
            browser, stranger = await noc.browser(LEA), noc.stranger()
            files = {
                kind: await browser.get(f"/handover/12/{kind}")
                for kind in ("html", "pdf", "md", "exe")
            }
            return incident_id, files, await stranger.get("/handover/12/pdf")

    incident_id, files, refused = asyncio.run(work())
    assert incident_id in files["html"].text
    assert incident_id in files["md"].text
    assert files["pdf"].content.startswith(b"%PDF-")
    assert 'filename="handover-' in files["pdf"].headers["content-disposition"]
    assert files["exe"].status_code == 404
    assert refused.status_code == 303
