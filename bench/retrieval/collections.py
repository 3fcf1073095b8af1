"""The public test collections, read from the folder `TIERWISE_DATA`."""

from __future__ import annotations

import csv
import html
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rag.evaluation import Qrels, read_qrels

REPOSITORY = Path(__file__).resolve().parent.parent.parent
DATA = Path(os.environ.get("TIERWISE_DATA", REPOSITORY.parent / "shared" / "data"))


@dataclass(frozen=True)
class Collection:
    """A public test collection: documents, queries, judgements."""

    name: str
    documents: Mapping[str, str]
    queries: Mapping[str, str]
    qrels: Qrels


def collections() -> list[Collection]:
    """The public collections that are present."""
    found = []
    if (DATA / "cranfield_ir").is_dir():
        found.append(cranfield(DATA / "cranfield_ir"))
    if (DATA / "mm_telcobench").is_dir():
        found.append(telcobench(DATA / "mm_telcobench"))
    return found


def cranfield(folder: Path) -> Collection:
    """Cranfield 1400 with the queries that come with the data; every judged document counts."""
    raw = (folder / "cran.all.1400.xml").read_text()
    entries = re.findall(r"<docno>(\d+)</docno>.*?<text>(.*?)</text>", raw, re.DOTALL)
    queries = re.findall(
        r"<num>(\d+)</num>\s*<title>(.*?)</title>", (folder / "cran.qry.xml").read_text(), re.DOTALL
    )
    judged = read_qrels((folder / "cranqrel.trec.txt").read_text())
    return Collection(
        "Cranfield",
        {name: html.unescape(text).strip() for name, text in entries if text.strip()},
        {number: text.strip() for number, text in queries},
        {number: dict.fromkeys(sources, 1.0) for number, sources in judged.items()},
    )


def telcobench(folder: Path) -> Collection:
    """Telecom questions; each is to find its own answer among all."""
    pairs: list[tuple[str, str]] = []
    for path, answer in (
        ("Long_Telecom_Question_Answering/LONG_TelcoBench.csv", "Candidate Answer 1"),
        ("Long_Telecom_Blog_Question_Answering/Telecom_blog_long_bench.csv", "Answer"),
    ):
        with (folder / path).open(encoding="utf-8-sig", newline="") as lines:
            pairs += [(cells["Question"], cells[answer]) for cells in csv.DictReader(lines)][:400]
    numbered = [(str(number), *pair) for number, pair in enumerate(pairs)]
    return Collection(
        "MM-TelcoBench",
        {number: answer for number, _, answer in numbered},
        {number: question for number, question, _ in numbered},
        {number: {number: 1.0} for number, _, _ in numbered},
    )
