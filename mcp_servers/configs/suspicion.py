"""How suspicious a change is, with reasons: what it touches, how near, how late, how alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import re2

from mcp_servers.configs.difference import ChangedStatement, Difference
from mcp_servers.configs.grammar import load_yaml
from telecom.times import Window

_NO_DIGITS = str.maketrans("", "", "0123456789")
_HALF_LIFE_S = 6 * 3600.0
_STATEMENTS_LOOKED_AT = 200
_BULK_FROM = 5
"""The same change on so many devices is a roll-out."""
_DEVICE_ITSELF, _NAMED, _FACING, _PER_HOP = 0.85, 1.0, 0.95, 0.6
_ANYWHERE = 0.7
"""Nearness when nothing was asked about."""


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    weight: float
    sign: str | None
    settles: bool


@dataclass(frozen=True, slots=True)
class _Table:
    impact: tuple[_Rule, ...]
    cosmetic: tuple[_Rule, ...]
    find_impact: Any
    """RE2 sets carry no types, hence Any."""
    find_cosmetic: Any
    default_weight: float
    cosmetic_weight: float
    remark_weight: float
    new_block_factor: float


@dataclass(frozen=True, slots=True)
class Impact:
    """What a change puts at risk."""

    weight: float
    """0 to 1."""
    reasons: tuple[str, ...]
    cosmetic: bool
    signature: str
    """Equal for equal changes on different devices; numbers do not count."""


@cache
def _table() -> _Table:
    content = load_yaml(
        files("mcp_servers.configs").joinpath("suspicion.yaml").read_text(encoding="utf-8")
    )
    found: dict[str, Any] = {}
    for part in ("impact", "cosmetic"):
        options = re2.Options()
        options.max_mem = 64 << 20
        found[part] = re2.Set.SearchSet(options)
        for rule in content[part]:
            found[part].Add("(?i)" + rule["match"])
        found[part].Compile()

    def rules(part: str, weight: float) -> tuple[_Rule, ...]:
        return tuple(
            _Rule(rule["name"], rule.get("weight", weight), rule.get("sign"), "settles" in rule)
            for rule in content[part]
        )

    return _Table(
        rules("impact", content["default_weight"]),
        rules("cosmetic", content["cosmetic_weight"]),
        found["impact"],
        found["cosmetic"],
        content["default_weight"],
        content["cosmetic_weight"],
        content["remark_weight"],
        content["new_block_factor"],
    )


@lru_cache(maxsize=16_384)
def _weigh(sign: str, flat: str) -> tuple[float, str, bool]:
    """Weight, name of the rule and whether it is cosmetic, for one statement."""
    table = _table()
    for word in ("set ", "delete ", "/configure "):
        flat = flat.removeprefix(word)
    cosmetic = table.find_cosmetic.Match(flat)
    if cosmetic:
        return table.cosmetic_weight, table.cosmetic[min(cosmetic)].name, True
    rules = [
        rule
        for index in table.find_impact.Match(flat) or ()
        if (rule := table.impact[index]).sign in (None, sign)
    ]
    if not rules:
        return table.default_weight, "another setting", False
    best = max(rules, key=lambda rule: (rule.settles, rule.weight))
    return best.weight, best.name, False


_NUMBERED = re2.compile(r"(^|\s)(?:seq |rule |index )?\d+ (permit|deny|accept|reject)\b")


def _without_renumbered(statements: Sequence[ChangedStatement]) -> list[ChangedStatement]:
    """Drop list entries that only moved to another number: one more entry renumbers the rest."""
    keys = [_NUMBERED.sub(r"\1\2", s.flat) for s in statements]
    moved = {
        key
        for key, s in zip(keys, statements, strict=True)
        if key != s.flat
        and {o.sign for k, o in zip(keys, statements, strict=True) if k == key} == {"+", "-"}
    }
    return [s for key, s in zip(keys, statements, strict=True) if key not in moved]


def impact_of(difference: Difference) -> Impact:
    """Weigh what changed, statement by statement; the heaviest counts."""
    table = _table()
    looked_at = _without_renumbered(difference.statements[:_STATEMENTS_LOOKED_AT])
    signature = "\n".join(sorted({(s.sign + s.flat).translate(_NO_DIGITS) for s in looked_at}))
    if not looked_at:
        return Impact(0.0, ("no statement changed: order or layout only",), True, signature)
    if difference.remarks_only:
        return Impact(table.remark_weight, ("only comments changed",), True, signature)
    weighed: dict[str, tuple[float, bool]] = {}
    new_blocks = [s.flat + " " for s in looked_at if s.sign == "+" and s.opens_block]
    for statement in looked_at:
        weight, name, cosmetic = _weigh(statement.sign, statement.flat)
        if statement.sign == "+" and f"{statement.flat} ".startswith(tuple(new_blocks)):
            weight *= table.new_block_factor
        weighed[name] = max(weighed.get(name, (0.0, cosmetic)), (weight, cosmetic))
    ordered = sorted(weighed.items(), key=lambda item: -item[1][0])
    cosmetic = all(flag for _, flag in weighed.values())
    if cosmetic:
        return Impact(
            ordered[0][1][0],
            ("cosmetic: " + ", ".join(name for name, _ in ordered),),
            True,
            signature,
        )
    reasons = tuple(f"changes {name}" for name, (_, flag) in ordered if not flag)
    return Impact(ordered[0][1][0], reasons[:3], False, signature)


@dataclass(frozen=True, slots=True)
class Suspect:
    """A change to be ranked."""

    key: int
    """Number of the change in its list."""
    device: str
    seconds_before_end: float
    impact: Impact
    touches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Around:
    """What was asked about, and what is near it."""

    named: frozenset[str] = frozenset()
    """Managed objects and addresses that the question names, in the site's spelling."""
    ports: frozenset[str] = frozenset()
    """Managed objects at the other end of a link to a named one."""
    distance: Mapping[str, int] | None = None
    """Device -> hops from the nearest named device; None when nothing was asked about."""


def rank(
    suspects: Iterable[Suspect], around: Around, window: Window
) -> list[tuple[int, float, tuple[str, ...]]]:
    """Score every change.

    Returns:
        Key, score (0 to 1) and reasons; most suspicious first, later ones first among equals.
    """
    everything = list(suspects)
    devices: dict[str, set[str]] = {}
    for suspect in everything:
        devices.setdefault(suspect.impact.signature, set()).add(suspect.device)
    scored = []
    for suspect in everything:
        near, near_reason = _nearness(suspect, around)
        late = 0.7 + 0.3 * 0.5 ** (suspect.seconds_before_end / _HALF_LIFE_S)
        rollout = len(devices[suspect.impact.signature])
        alone = 0.45 if rollout >= _BULK_FROM else 1.0
        score = round(suspect.impact.weight * near * late * alone, 4)
        reasons = [*suspect.impact.reasons]
        if near_reason:
            reasons.append(near_reason)
        reasons.append(_how_late(suspect.seconds_before_end))
        if alone < 1.0:
            reasons.append(f"the same change on {rollout} devices: a roll-out")
        scored.append((suspect.key, score, tuple(reasons), suspect.seconds_before_end))
    scored.sort(key=lambda entry: (-entry[1], entry[3], entry[0]))
    return [(key, score, reasons) for key, score, reasons, _ in scored]


def _nearness(suspect: Suspect, around: Around) -> tuple[float, str | None]:
    if around.distance is None:
        return _ANYWHERE, None
    named = [touched for touched in suspect.touches if touched in around.named]
    if named:
        return _NAMED, f"touches {named[0]}, which was asked about"
    facing = [touched for touched in suspect.touches if touched in around.ports]
    if facing:
        return _FACING, f"touches {facing[0]}, the other end of what was asked about"
    hops = around.distance.get(suspect.device)
    if hops is None:
        return _PER_HOP**3, None
    if hops == 0:
        return _DEVICE_ITSELF, f"on {suspect.device}, which was asked about"
    return _DEVICE_ITSELF * _PER_HOP**hops, f"{hops} hop{'s' if hops > 1 else ''} away"


def _how_late(seconds: float) -> str:
    minutes = seconds / 60
    if minutes < 120:
        return f"{minutes:.0f} min before the end of the window"
    if minutes < 72 * 60:
        return f"{minutes / 60:.0f} h before the end of the window"
    return f"{minutes / 1440:.0f} days before the end of the window"
