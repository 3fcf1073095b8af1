"""What a store holds on disk, read through its two halves as any other process could."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from rag.index_keeper import VECTOR_FOLDERS
from rag.knowledge_base import KNOWLEDGE_FOLDER, PASSAGES_FILE
from rag.passage_store import PassageStore
from rag.retrieval import CORPORA
from rag.vector_index import VectorIndex


@contextmanager
def passages_in(store: Path) -> Iterator[PassageStore]:
    """The SQLite half of a knowledge base."""
    with closing(PassageStore(store / KNOWLEDGE_FOLDER / PASSAGES_FILE)) as passages:
        yield passages


@contextmanager
def index_in(store: Path) -> Iterator[VectorIndex]:
    """The Chroma half; in the process that has the store open it is the very same index."""
    (folder,) = (store / KNOWLEDGE_FOLDER).glob(VECTOR_FOLDERS)
    with closing(VectorIndex(folder, CORPORA, 1)) as index:
        yield index


def ids_and_vectors(passages: PassageStore, corpus: str) -> tuple[list[str], np.ndarray[Any, Any]]:
    """The ids of the passages of a corpus in order of arrival, and their vectors."""
    blocks = list(passages.vectors.blocks(corpus, 500))
    keys = [key for block, _ in blocks for key in block]
    return [passages.load([key])[key].id for key in keys], np.vstack([rows for _, rows in blocks])
