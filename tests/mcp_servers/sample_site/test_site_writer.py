"""The sample site as a whole: everything there, the same every time, nothing given away."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from dulwich.repo import Repo

from mcp_servers.sample_site import FAMILIES, Truth, generate
from mcp_servers.sample_site.config_history import EVERYDAY_CHANGES
from mcp_servers.site_directory import CallerSettings, SiteDirectory
from telecom.errors import InvalidArgumentError, SiteDirectoryError
from telecom.ticket import Ticket

Sample = tuple[Path, Truth]


def _digests(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def _texts(directory: Path) -> dict[str, str]:
    """Every text a reader of the site sees; the answer and git's own files left out."""
    return {
        str(path.relative_to(directory)): path.read_text(encoding="utf-8")
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.name != "truth.json" and "configs" not in path.parts
    }


def _configurations(directory: Path) -> str:
    """All revisions of all configurations."""
    with Repo(str(directory / "configs")) as repository:
        return "\n".join(
            repository[object_id].as_raw_string().decode()
            for object_id in repository.object_store
            if repository[object_id].type_name == b"blob"
        )


def test_the_same_seed_gives_the_same_bytes(sample: Sample, tmp_path: Path) -> None:
    """Us: a case can be named by family, seed and size; git objects included."""
    again = tmp_path / "again"
    generate(again)
    assert _digests(again) == _digests(sample[0])


def test_another_seed_is_another_network_and_another_culprit(
    sample: Sample, tmp_path: Path
) -> None:
    """Us: nobody learns the sample by heart."""
    truth = generate(tmp_path / "other", seed=2)
    assert truth.root_causes != sample[1].root_causes
    names = [
        set(SiteDirectory.open(directory).topology.devices)
        for directory in (sample[0], tmp_path / "other")
    ]
    assert not names[0] & names[1]


def test_the_site_opens_with_callers_bound_to_tiers(sample: Sample) -> None:
    """DESIGN 3: the caller's tier is what site.yaml binds to its (issuer, client)."""
    settings = SiteDirectory.open(sample[0]).settings
    issuer = f"tierwise-site:{settings.site_id}"
    assert settings.callers == (
        CallerSettings(issuer=issuer, client="region", tier="region"),
        CallerSettings(issuer=issuer, client="site", tier="outposts"),
    )
    assert (settings.country, settings.timezone) == ("DE", "Europe/Berlin")


@pytest.mark.parametrize("size", [90, 150, 260])
def test_the_topology_has_about_the_size_that_was_asked_for(size: int, tmp_path: Path) -> None:
    """INTERFACES: `init --sample --size N`."""
    generate(tmp_path / "site", size=size)
    topology = SiteDirectory.open(tmp_path / "site").topology
    assert size - 4 <= len(topology.devices) <= size
    relations = {link.relation for link in topology.links}
    assert relations == {"connects", "hosts", "serves", "powers", "clocks"}


def test_there_are_three_hundred_resolved_tickets_in_many_words(sample: Sample) -> None:
    """Us: 300 resolved tickets with realistic close notes."""
    tickets = [
        Ticket.model_validate_json(line)
        for path in sorted((sample[0] / "tickets").glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    assert len(tickets) == len({ticket.ticket_id for ticket in tickets}) == 300
    assert len({ticket.close_note for ticket in tickets}) > 200
    assert len({ticket.cause for ticket in tickets}) >= 12
    for ticket in tickets:
        assert ticket.opened_at is not None
        assert ticket.closed_at is not None
        assert ticket.opened_at < ticket.closed_at < sample[1].window[0]


def test_ticket_objects_exist_in_the_topology(sample: Sample) -> None:
    """Us: a past case must be findable from an element of today."""
    topology = SiteDirectory.open(sample[0]).topology
    for path in (sample[0] / "tickets").glob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert json.loads(line)["managed_object"].partition(":")[0] in topology


def test_the_change_hides_among_at_least_two_hundred_everyday_commits(sample: Sample) -> None:
    """Us: the true change is one of at least 200."""
    assert EVERYDAY_CHANGES >= 200
    with Repo(str(sample[0] / "configs")) as repository:
        commits = [entry.commit for entry in repository.get_walker()]
        authors = [commit.author.partition(b" ")[0] for commit in commits]
        files = {
            name
            for entry in repository[repository[repository.head()].tree].items()  # type: ignore[attr-defined]
            for name in repository[entry.sha]  # type: ignore[attr-defined]
        }
    assert sum(author != b"oxidized" for author in authors) >= EVERYDAY_CHANGES
    first, last = commits[-1].commit_time, commits[0].commit_time
    assert 39 * 86_400 < last - first < 41 * 86_400
    topology = SiteDirectory.open(sample[0]).topology
    assert {name.decode() for name in files} <= set(topology.devices)


def test_a_dozen_documents_and_runbooks_with_steps_are_there(sample: Sample) -> None:
    """Us: a dozen vendor documents and runbooks, a few followed as checklists."""
    documents = [path.read_text(encoding="utf-8") for path in (sample[0] / "docs").glob("*.md")]
    assert len(documents) >= 12
    fronted = [text for text in documents if text.startswith("---\n")]
    assert len(fronted) >= 3
    assert all("\nsteps:\n" in text and "\nexpected:\n" in text for text in fronted)


def test_every_planted_identifier_stands_in_the_files(sample: Sample) -> None:
    """Us: fictitious subscriber identifiers as in life; tests search for this list."""
    directory, truth = sample
    text = "\n".join([*_texts(directory).values(), _configurations(directory)])
    missing = [planted for planted in truth.planted if planted.value not in text]
    assert not missing
    kinds = {planted.kind for planted in truth.planted}
    assert kinds >= {"supi", "imsi", "msisdn", "imei", "iccid", "ip", "email", "person", "circuit"}
    assert "secret" in kinds


def test_truth_has_the_promised_keys(sample: Sample) -> None:
    """INTERFACES: truth.json."""
    truth = json.loads((sample[0] / "truth.json").read_text(encoding="utf-8"))
    assert truth == sample[1].as_json()
    promised = {"window", "kind", "root_causes", "acceptable", "decisive", "path"}
    assert promised | {"family", "seed", "planted_identifiers"} <= set(truth)
    assert [set(cause) for cause in truth["root_causes"]] == [{"managed_object", "cause"}]


@pytest.mark.parametrize("family", ["site_power", "missing_data"])
def test_no_file_gives_the_family_away(family: str, tmp_path: Path) -> None:
    """Us: only truth.json knows."""
    directory = tmp_path / "site"
    generate(directory, family=family)
    for name, text in _texts(directory).items():
        for known in FAMILIES:
            assert known not in name
            assert known not in text


def test_file_names_do_not_depend_on_the_family(sample: Sample, tmp_path: Path) -> None:
    """Us: the shape of the directory must not tell what happened."""
    directory = tmp_path / "site"
    generate(directory, family="amf_software_crash")
    assert set(_texts(directory)) == set(_texts(sample[0]))


def test_a_directory_with_something_in_it_is_refused(tmp_path: Path) -> None:
    """Us: a sample never overwrites a site."""
    (tmp_path / "site.yaml").write_text("site_id: mine\n", encoding="utf-8")
    with pytest.raises(SiteDirectoryError, match="not an empty directory"):
        generate(tmp_path)
    with pytest.raises(SiteDirectoryError, match="not an empty directory"):
        generate(tmp_path / "site.yaml")


@pytest.mark.parametrize(
    ("options", "named"), [({"family": "gremlins"}, "gremlins"), ({"size": 5}, "90")]
)
def test_what_cannot_be_generated_is_refused_with_what_can(
    options: dict[str, object], named: str, tmp_path: Path
) -> None:
    """STYLE 4: what was refused, then what would work; and nothing is left behind."""
    with pytest.raises(InvalidArgumentError, match=named):
        generate(tmp_path / "site", **options)  # type: ignore[arg-type]
    assert not (tmp_path / "site").exists()
