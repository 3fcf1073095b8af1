"""Reading a repository: any history, any damage, quickly and again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from dulwich.objects import Tree

from mcp_servers.configs.git_history import GitHistory
from mcp_servers.configs.repository import ConfigRepository
from telecom.errors import RecordNotFoundError, SiteDirectoryError
from telecom.times import Window
from telecom.topology import Topology
from tests.mcp_servers.configs.config_git import ConfigGit, at

KEY = b"k" * 32
TEXT = "hostname r1\n!\ninterface GigabitEthernet0/1\n ip address 10.0.0.1 255.255.255.0\n mtu {}\n"
ALWAYS = Window(at(-1000), at(1000))


@pytest.fixture
def git(tmp_path: Path) -> Iterator[ConfigGit]:
    """An empty repository."""
    with ConfigGit(tmp_path / "configs") as made:
        yield made


def opened(git: ConfigGit, index: Path | None = None) -> ConfigRepository:
    """Open a repository that was made here."""
    return ConfigRepository.open(Path(git.repo.path), Topology(), key=KEY, index=index)


def commits(repository: ConfigRepository, window: Window = ALWAYS) -> list[str]:
    """Ids of all changes, oldest first."""
    changes = repository.list_changes(window, limit=500)
    return [change.commit for change in sorted(changes, key=lambda change: change.time)]


def test_a_window_lists_its_commits_and_no_others(git: ConfigGit) -> None:
    """Us: both ends included."""
    made = [git.commit({"r1": TEXT.format(number)}, number) for number in range(10)]
    with opened(git) as repository:
        assert commits(repository) == made
        assert commits(repository, Window(at(3), at(5))) == made[3:6]
        assert commits(repository, Window(at(20), at(30))) == []


@pytest.mark.parametrize("kept", [True, False])
def test_new_commits_are_seen_and_old_ones_not_read_again(
    git: ConfigGit, tmp_path: Path, kept: bool
) -> None:
    """Us: the index grows by what is new, in memory and in its file."""
    index = tmp_path / "store" / "configs.sqlite" if kept else None
    made = [git.commit({"r1": TEXT.format(number)}, number) for number in range(5)]
    with opened(git, index) as repository:
        assert repository.index_everything().commits == 5
        assert repository.index_everything().commits == 0
        made.append(git.commit({"r1": TEXT.format(99)}, 6))
        assert commits(repository) == made
    with opened(git, index) as repository:
        assert repository.index_everything().commits == (0 if kept else 6)
        assert commits(repository) == made


def test_indexing_names_the_elements_that_new_commits_changed(git: ConfigGit) -> None:
    """Issue 6: an ingest counts elements, and as added those that are new or changed."""
    git.commit({name: TEXT.format(1) for name in ("r1", "r2", "r3", "r4")}, 1)
    with opened(git) as repository:
        assert repository.index_everything() == (1, frozenset({"r1", "r2", "r3", "r4"}))
        git.commit({"r2": TEXT.format(2), "r3": None}, 2)
        git.commit({"r4": TEXT.format(3)}, 3)
        assert repository.index_everything() == (2, frozenset({"r2", "r4"}))
        assert repository.index_everything() == (0, frozenset())


def test_a_rewritten_history_replaces_the_old_one(git: ConfigGit, tmp_path: Path) -> None:
    """Us: a force-push must not leave ghosts."""
    index = tmp_path / "configs.sqlite"
    first = git.commit({"r1": TEXT.format(1)}, 1)
    git.commit({"r1": TEXT.format(2)}, 2)
    with opened(git, index) as repository:
        assert len(commits(repository)) == 2
    other = git.commit({"r1": TEXT.format(3)}, 3, parents=[first.encode()])
    with opened(git, index) as repository:
        assert commits(repository) == [first, other]
    alone = git.commit({"r1": TEXT.format(4)}, 4, parents=[])
    with opened(git, index) as repository:
        assert commits(repository) == [alone]


def test_a_damaged_index_is_made_anew(git: ConfigGit, tmp_path: Path) -> None:
    """Us: the index is a cache."""
    index = tmp_path / "configs.sqlite"
    index.write_bytes(b"this is no database, whatever its name says" * 100)
    made = git.commit({"r1": TEXT.format(1)}, 1)
    with opened(git, index) as repository:
        assert commits(repository) == [made]
    with sqlite3.connect(index) as connection:
        assert connection.execute("SELECT count(*) FROM commits").fetchone() == (1,)
    connection.close()


def test_a_plain_merge_changes_nothing_and_an_evil_one_does(git: ConfigGit) -> None:
    """Us: a merge changed what differs from each of its parents."""
    base = git.commit({"r1": TEXT.format(1), "r2": TEXT.format(1)}, 1).encode()
    left = git.commit({"r1": TEXT.format(2)}, 2, parents=[base]).encode()
    git.files["r1"] = TEXT.format(1).encode()
    right = git.commit({"r2": TEXT.format(3)}, 3, parents=[base]).encode()
    plain = git.commit({"r1": TEXT.format(2)}, 4, parents=[right, left])
    evil = git.commit({"r1": TEXT.format(7)}, 5, parents=[plain.encode(), left])
    with opened(git) as repository:
        found = commits(repository)
        assert plain not in found
        assert evil in found
        assert {left.decode(), right.decode()} <= set(found)


def test_clocks_that_go_backwards_lose_nothing(git: ConfigGit) -> None:
    """Us: committers' clocks differ."""
    made = {git.commit({"r1": TEXT.format(n)}, hour) for n, hour in enumerate([9, 3, 8, 2, 7])}
    with opened(git) as repository:
        assert set(commits(repository, Window(at(0), at(10)))) == made


def test_a_created_and_a_removed_file_are_told_as_such(git: ConfigGit) -> None:
    """INTERFACES: one entry for each file of each commit."""
    git.commit({"r1": TEXT.format(1)}, 1)
    git.commit({"r2": TEXT.format(1)}, 2)
    git.commit({"r2": None}, 3)
    with opened(git) as repository:
        created, removed = repository.diff("r2", at(1.5), at(4))
        assert created.why[0] == "the whole file was created"
        assert {line.sign for hunk in removed.hunks for line in hunk.lines} == {"-"}
        with pytest.raises(RecordNotFoundError):
            repository.blocks("r2")
        assert repository.blocks("r2", at=at(2.5))


def test_a_file_that_moved_to_another_group_is_one_change(git: ConfigGit) -> None:
    """Us: Oxidized moves a file when a device changes its group."""
    git.commit({"core/r1": TEXT.format(1)}, 1)
    git.commit({"core/r1": None, "edge/r1": TEXT.format(2)}, 2)
    with opened(git) as repository:
        (change,) = repository.list_changes(Window(at(1.5), at(3)))
        assert change.path == "edge/r1"
        assert [line.text for hunk in change.hunks for line in hunk.lines] == [" mtu 1", " mtu 2"]


def test_comparisons_are_kept_under_one_key_only(git: ConfigGit, tmp_path: Path) -> None:
    """Us: a restart is quick, and fingerprints of another key are never mixed in."""
    index = tmp_path / "configs.sqlite"
    secret = "snmp-server community {} RO\n"
    git.commit({"r1": TEXT.format(1) + secret.format("Kr0kodil")}, 1)
    git.commit({"r1": TEXT.format(1) + secret.format("Nilpferd")}, 2)
    window = Window(at(1.5), at(3))
    answers = []
    for key in (KEY, KEY, b"o" * 32):
        with ConfigRepository.open(
            Path(git.repo.path), Topology(), key=key, index=index
        ) as repository:
            repository.index_everything()
            answers.append(repository.list_changes(window))
    assert answers[0] == answers[1]
    assert answers[0][0].hunks != answers[2][0].hunks
    assert answers[0][0].why == answers[2][0].why


def test_an_empty_repository_has_no_devices(git: ConfigGit) -> None:
    """Us: a site may have just begun."""
    with opened(git) as repository:
        assert repository.devices() == []
        assert repository.list_changes(ALWAYS) == []
        assert repository.addresses() == {}


def test_a_branch_of_any_name_is_read(git: ConfigGit) -> None:
    """Us: HEAD may name a branch that was never made."""
    made = git.commit({"r1": TEXT.format(1)}, 1)
    git.repo.refs.set_symbolic_ref(b"HEAD", b"refs/heads/main")
    with opened(git) as repository:
        assert commits(repository) == [made]


def test_a_folder_that_only_looks_like_a_repository_is_refused(tmp_path: Path) -> None:
    """Us: the message names the cure."""
    for name in ("objects", "refs"):
        (tmp_path / name).mkdir()
    (tmp_path / "HEAD").write_text("nonsense")
    (tmp_path / "config").write_text("[core]\n\trepositoryformatversion = 99\n")
    with pytest.raises(SiteDirectoryError, match="git fsck"), opened_path(tmp_path) as repository:
        repository.devices()


def opened_path(path: Path) -> ConfigRepository:
    """Open a folder."""
    return ConfigRepository.open(path, Topology(), key=KEY)


def object_file(git: ConfigGit, object_id: str) -> Path:
    """Where a loose object lies."""
    return Path(git.repo.controldir()) / "objects" / object_id[:2] / object_id[2:]


@pytest.mark.parametrize("damage", ["missing", "truncated", "garbage"])
def test_a_broken_file_is_a_gap_and_the_rest_is_answered(git: ConfigGit, damage: str) -> None:
    """Us: one broken object must not cost the others."""
    git.commit({"r1": TEXT.format(1), "r2": TEXT.format(1)}, 1)
    broken = git.blob(TEXT.format(2).encode()).decode()
    second = git.commit({"r1": TEXT.format(2)}, 2)
    file = object_file(git, broken)
    data = file.read_bytes()
    file.chmod(0o600)
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(data[:10] if damage == "truncated" else b"\0garbage" * 9)
    with opened(git) as repository:
        change = next(c for c in repository.list_changes(ALWAYS) if c.commit == second)
        assert change.hunks == ()
        assert change.why[0] == "the file cannot be read as text"
        assert repository.devices() == ["r1", "r2"]
        assert repository.blocks("r2", "interface GigabitEthernet0/1")
        assert any("missing or damaged" in gap.why for gap in repository.gaps)


def test_a_broken_commit_ends_the_history_with_a_gap(git: ConfigGit) -> None:
    """Us: what is newer than the damage is still answered."""
    made = [git.commit({"r1": TEXT.format(number)}, number) for number in range(5)]
    object_file(git, made[1]).unlink()
    with opened(git) as repository:
        assert set(commits(repository)) >= set(made[3:])
        assert any(made[1][:12] in gap.what for gap in repository.gaps)


def test_a_broken_head_is_the_operators_to_mend(git: ConfigGit) -> None:
    """Us: without its newest commit a repository says nothing."""
    made = git.commit({"r1": TEXT.format(1)}, 1)
    object_file(git, made).unlink()
    with opened(git) as repository, pytest.raises(SiteDirectoryError, match="git fsck"):
        repository.devices()


@pytest.mark.parametrize(
    "name", [b"..", b".git", b"a\nb", b"\x1b[31mred", "\u202egfc.1r".encode(), b"a\\..\\b\x7f"]
)
def test_a_hostile_name_in_a_tree_is_left_out(git: ConfigGit, name: bytes) -> None:
    """Us: path traversal, control characters and text that runs backwards."""
    blob = git.blob(TEXT.format(1).encode())
    inner = Tree()
    inner.add(b"r9", 0o100644, blob)
    git.repo.object_store.add_object(inner)
    tree = Tree()
    tree.add(b"r1", 0o100644, blob)
    tree.add(name, 0o040000, inner.id)
    git.repo.object_store.add_object(tree)
    git.commit_tree(tree.id, 1)
    with opened(git) as repository:
        assert repository.devices() == ["r1"]
        assert len(repository.list_changes(ALWAYS)) == 1
        assert repository.gaps


def test_links_and_modules_in_a_tree_are_no_files(git: ConfigGit) -> None:
    """Us: a link would lead out of the tree."""
    tree = Tree()
    tree.add(b"r1", 0o100644, git.blob(TEXT.format(1).encode()))
    tree.add(b"r2", 0o120000, git.blob(b"/etc/passwd"))
    tree.add(b"r3", 0o160000, b"1" * 40)
    git.repo.object_store.add_object(tree)
    git.commit_tree(tree.id, 1)
    with opened(git) as repository:
        assert repository.devices() == ["r1"]


def test_links_out_of_a_folder_of_files_are_left_out(tmp_path: Path) -> None:
    """Us: symlinks out of the tree are refused, with a gap."""
    (tmp_path / "secret.cfg").write_text("hostname secret\n")
    folder = tmp_path / "configs"
    folder.mkdir()
    (folder / "r1.cfg").write_text(TEXT.format(1))
    (folder / "r2.cfg").symlink_to(tmp_path / "secret.cfg")
    with opened_path(folder) as repository:
        assert repository.devices() == ["r1"]
        assert any("leads out" in gap.why for gap in repository.gaps)


def test_binary_files_and_strange_encodings_are_told_apart(git: ConfigGit) -> None:
    """Us: a binary is a gap, Latin-1 and UTF-16 are text."""
    git.commit(
        {
            "r1": b"\x7fELF\0\0\0" * 100,
            "r2": "hostname r2\n! Zugang f\xfcr M\xfcnchen\n".encode("latin-1"),
            "r3": "hostname r3\ninterface GigabitEthernet0/1\n".encode("utf-16"),
            "r4": TEXT.format(1).replace("\n", "\r\n"),
        },
        1,
    )
    with opened(git) as repository:
        assert repository.blocks("r1") == []
        assert any("binary" in gap.why for gap in repository.gaps)
        assert repository.page("r2")[0].text.split("\n")[1] == "! Zugang f\xfcr M\xfcnchen"
        assert repository.blocks("r3", "interface Gi0/1")[0].first_line == 2
        assert repository.blocks("r4", "interface Gi0/1")[0].text.split("\n")[-1] == " mtu 1"


def test_a_huge_file_costs_no_other(git: ConfigGit) -> None:
    """Us: a file larger than any configuration is a gap."""
    git.commit({"r1": b"interface x\n" * 1_500_000, "r2": TEXT.format(1)}, 1)
    with opened(git) as repository:
        assert repository.blocks("r1") == []
        assert any("too large" in gap.why for gap in repository.gaps)
        assert repository.blocks("r2", "hostname")


def test_a_deep_or_endless_text_is_read_all_the_same(git: ConfigGit) -> None:
    """Us: hostile nesting neither overflows nor takes for ever."""
    git.commit(
        {
            "deep": "\n".join(" " * n + f"level {n}" for n in range(3000)),
            "braces": "a {\n" * 5000 + "b;\n" + "}\n" * 5000,
            "json": "[" * 5000 + "]" * 5000,
            "xml": "<?xml version='1.0'?>" + "<a>" * 5000 + "</a>" * 5000,
            "long": "interface " + "x" * 500_000 + "\n mtu 1\n",
        },
        1,
    )
    with opened(git) as repository:
        for device in repository.devices():
            assert repository.blocks(device)
        assert repository.list_changes(ALWAYS, limit=10)


def test_the_index_file_holds_no_secret(git: ConfigGit, tmp_path: Path) -> None:
    """Us: no secret in any index, commit messages included."""
    text = TEXT.format(1) + "snmp-server community Kr0kodil RO\n"
    git.commit({"r1": text}, 1, message="enable secret Kr0kodil")
    index = tmp_path / "configs.sqlite"
    with opened(git, index) as repository:
        repository.index_everything()
        repository.list_changes(ALWAYS)
    for file in tmp_path.glob("configs.sqlite*"):
        assert b"Kr0kodil" not in file.read_bytes()


def test_a_history_can_be_asked_without_a_repository_around_it(git: ConfigGit) -> None:
    """Us: the history speaks for itself: files, revisions, bytes."""
    made = git.commit({"r1": TEXT.format(1)}, 1)
    history = GitHistory(Path(git.repo.path))
    try:
        files = history.files()
        assert list(files) == ["r1"]
        assert history.read(files["r1"]) == TEXT.format(1).encode()
        revision = history.revision_of("r1")
        assert revision is not None
        assert revision.id == made
        assert history.files(at(0.5)) == {}
    finally:
        history.close()
