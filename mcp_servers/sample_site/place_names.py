"""Fictitious places and names of elements."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

_STEMS = (
    "Ahl Arn Bell Bren Buch Dorn Eber Elm Erl Falk Fink Grau Hain Hasel Hirsch Holm Kelm Kirn Lind "
    "Lohr Mar Mohn Nebel Ott Pfar Quell Rab Reh Rod Sand Schil Stor Tann Tors Ulm Wald Weid Wolf "
    "Zell Zier"
).split()
_ENDINGS = (
    "ach au beck berg bruch burg dorf eck feld hagen hausen hofen ingen rode tal wang".split()
)
_REGIONS = "Nordmark Westheide Osterland Talgau Seenland Hochwald Sudmark Brachland".split()


def region_name(rng: Random) -> str:
    """The name of the operator's region."""
    return rng.choice(_REGIONS)


def places(rng: Random) -> Iterator[str]:
    """Place names, each once, without end for any size that is asked for."""
    names = [f"{stem}{ending}".lower() for stem in _STEMS for ending in _ENDINGS]
    rng.shuffle(names)
    yield from names
    number = 2
    while True:
        yield from (f"{name}{number}" for name in names)
        number += 1


class NamingStyle:
    """How this operator spells hostnames: `agg1-torsau` or `torsau-agg1`."""

    def __init__(self, rng: Random) -> None:
        self._place_first = rng.random() < 0.5
        self._words = rng.choice(
            (
                {"core": "cr", "pre_aggregation": "pag", "cell_site_router": "csr", "gnb": "gnb"},
                {"core": "p", "pre_aggregation": "hub", "cell_site_router": "cell", "gnb": "nr"},
                {"core": "cor", "pre_aggregation": "mag", "cell_site_router": "csg", "gnb": "gnb"},
            )
        )

    _PLAIN = {  # noqa: RUF012 - a table, never changed
        "border": "br",
        "reflector": "rr",
        "leaf": "leaf",
        "host": "nfvi",
        "aggregation": "agg",
        "power": "pwr",
        "grandmaster": "gm",
        "boundary_clock": "tbc",
    }

    def name(self, role: str, place: str, number: int | None = None) -> str:
        """The hostname of an element of a role at a place."""
        word = self._words.get(role) or self._PLAIN.get(role, role)
        label = word if number is None else f"{word}{number}"
        return f"{place}-{label}" if self._place_first else f"{label}-{place}"
