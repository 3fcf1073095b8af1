"""What routers say when links, adjacencies or nodes fail, with the timers that real ones have.

Link loss and BFD act within a second (RFC 5880 with 3 x 150 ms), IS-IS and OSPF follow at once or
after their hold time (30 s and 40 s by default), LDP after its hello hold time (15 s, RFC 5036),
BGP over loopbacks only when its hold timer runs out (180 s here, keepalive 60 s, RFC 4271).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from mcp_servers.sample_site.events import Origin
from mcp_servers.sample_site.network import BgpSession, Cable, Network, Role
from mcp_servers.sample_site.scene import Scene

BGP_HOLD_S = 180
BGP_KEEPALIVE_S = 60

_IF_INDEX = 500


def session_details(session: BgpSession, name: str) -> dict[str, str | int]:
    """How one end names the other end of a BGP session."""
    internal = session.a_as == session.b_as
    return {
        "neighbor": session.peer_address(name),
        "neighbor_as": session.peer_as(name),
        "kind": "Internal" if internal else "External",
    }


def port_details(network: Network, cable: Cable, name: str) -> dict[str, str | int]:
    """How one end names a link and who is at the other end."""
    far = cable.far(name)
    return {
        "port": cable.port(name),
        "neighbor": far,
        "address": cable.address(far),
        "router_id": network.loopbacks.get(far, cable.address(far)),
        "own_id": network.loopbacks.get(name, cable.address(name)),
        "area": cable.area,
        "if_index": _IF_INDEX + network.cables_of(name).index(cable),
        "bundle": f"Port-Channel{network.cables_of(name).index(cable) + 1}",
    }


def link_fails(
    scene: Scene,
    cable: Cable,
    time: datetime,
    *,
    until: datetime | None = None,
    silent: Collection[str] = (),
    origin: Origin = "impact",
    decisive_ends: Collection[str] = (),
    admin_end: str | None = None,
) -> None:
    """Both living ends lose the link and what ran on it.

    Args:
        scene: Where to write.
        cable: The link.
        time: When light or power went away.
        until: When it came back; None if it does not.
        silent: Ends that cannot say anything.
        origin: Why it is in the story.
        decisive_ends: Ends whose link-down record proves the cause.
        admin_end: The end that an operator shut down, if so.
    """
    network = scene.network
    for name, _ in cable.ends:
        element = network.elements[name]
        if name in silent:
            continue
        if not element.is_router:
            if element.role is Role.HOST:
                _host_member(scene, cable, name, time, until=until, origin=origin)
            continue
        details = port_details(network, cable, name)
        moment = time + timedelta(milliseconds=scene.rng.randint(1, 180))
        down = "admin_down" if name == admin_end else "link_down"
        scene.marked(origin=origin, decisive=name in decisive_ends).say(
            name, down, moment, **details
        )
        scene.marked(origin=origin).say(
            name, "line_down", moment + timedelta(milliseconds=8), **details
        )
        if cable.protocol in ("isis", "ospf", "ebgp"):
            later = moment + timedelta(milliseconds=scene.rng.randint(5, 60))
            scene.marked(origin=origin).say(name, "bfd_down", later, reason="link", **details)
        adjacency_falls(scene, cable, name, moment, reason="link", origin=origin)
        if cable.protocol == "ebgp":
            _session_on_link(scene, cable, name, moment, origin)
        if until is not None:
            back = until + timedelta(milliseconds=scene.rng.randint(1, 400))
            scene.marked(origin=origin).say(name, "link_up", back, **details)
            scene.marked(origin=origin).say(
                name, "line_up", back + timedelta(milliseconds=9), **details
            )
            adjacency_returns(scene, cable, name, back, origin=origin)


def _host_member(
    scene: Scene,
    cable: Cable,
    name: str,
    time: datetime,
    *,
    until: datetime | None,
    origin: Origin,
) -> None:
    moment = time + timedelta(seconds=scene.between(0.1, 1.0))
    scene.marked(origin=origin).say(name, "bond_down", moment, port=cable.port(name))
    if until is not None:
        back = until + timedelta(seconds=scene.between(0.5, 3))
        scene.marked(origin=origin, cleared=True).say(
            name, "bond_down", back, port=cable.port(name)
        )


def _session_on_link(
    scene: Scene, cable: Cable, name: str, moment: datetime, origin: Origin
) -> None:
    for session in scene.network.sessions:
        if session.cable is cable:
            later = moment + timedelta(milliseconds=scene.rng.randint(10, 300))
            details = session_details(session, name)
            scene.marked(origin=origin).say(name, "bgp_down", later, reason="link", **details)


def adjacency_falls(
    scene: Scene,
    cable: Cable,
    name: str,
    time: datetime,
    *,
    reason: str,
    origin: Origin = "impact",
    decisive: bool = False,
) -> None:
    """One end loses its routing adjacency over a link, and LDP with it."""
    details = port_details(scene.network, cable, name)
    moment = time + timedelta(milliseconds=scene.rng.randint(3, 90))
    if cable.protocol == "isis":
        scene.marked(origin=origin, decisive=decisive).say(
            name, "isis_down", moment, reason=reason, **details
        )
        wait = scene.between(0.02, 0.9) if reason == "link" else scene.between(5, 15)
        why = "link" if reason == "link" else "hold"
        later = moment + timedelta(seconds=wait)
        scene.marked(origin=origin).say(name, "ldp_down", later, reason=why, **details)
    elif cable.protocol == "ospf":
        why = reason if reason in ("link", "hold", "bfd") else "hold"
        scene.marked(origin=origin, decisive=decisive).say(
            name, "ospf_down", moment, reason=why, **details
        )


def adjacency_returns(
    scene: Scene, cable: Cable, name: str, time: datetime, *, origin: Origin = "impact"
) -> None:
    """One end has its adjacency again: IS-IS within seconds, OSPF and LDP a little later."""
    details = port_details(scene.network, cable, name)
    if cable.protocol == "isis":
        up = time + timedelta(seconds=scene.between(0.8, 4))
        scene.marked(origin=origin).say(name, "isis_up", up, **details)
        later = up + timedelta(seconds=scene.between(1, 8))
        scene.marked(origin=origin).say(name, "ldp_up", later, **details)
    elif cable.protocol == "ospf":
        up = time + timedelta(seconds=scene.between(2, 11))
        scene.marked(origin=origin).say(name, "ospf_up", up, **details)
    if cable.protocol in ("isis", "ospf", "ebgp"):
        bfd = time + timedelta(seconds=scene.between(0.5, 3))
        scene.marked(origin=origin).say(name, "bfd_up", bfd, **details)
    for session in scene.network.sessions:
        if session.cable is cable:
            later = time + timedelta(seconds=scene.between(6, 25))
            scene.marked(origin=origin).say(name, "bgp_up", later, **session_details(session, name))


def bfd_fails(scene: Scene, cable: Cable, time: datetime, *, first: str) -> None:
    """BFD times out at one end, which tells the other."""
    for name, _ in cable.ends:
        if scene.network.elements[name].is_router:
            reason = "timeout" if name == first else "remote"
            delay = timedelta(milliseconds=scene.rng.randint(0, 20) + (0 if name == first else 25))
            details = port_details(scene.network, cable, name)
            scene.say(name, "bfd_down", time + delay, reason=reason, **details)


def sessions_expire(
    scene: Scene,
    gone: Collection[str],
    dead: Collection[str],
    time: datetime,
    until: datetime | None,
    *,
    origin: Origin = "impact",
) -> None:
    """BGP over loopbacks runs into its hold timer where only one end is cut off."""
    for session in scene.network.sessions:
        ends = (session.a, session.b)
        if session.cable is not None or sum(end in gone for end in ends) != 1:
            continue
        for name in ends:
            # The last keepalive came up to a keepalive interval before the loss.
            wait = BGP_HOLD_S - scene.between(0, BGP_KEEPALIVE_S)
            down = time + timedelta(seconds=wait)
            if name in dead or (until is not None and until < down):
                continue
            details = session_details(session, name)
            scene.marked(origin=origin).say(name, "bgp_down", down, reason="hold", **details)
            if until is not None:
                up = until + timedelta(seconds=scene.between(12, 55))
                scene.marked(origin=origin).say(name, "bgp_up", up, **details)


def traffic_moves(
    scene: Scene, routers: Iterable[str], time: datetime, *, until: datetime | None = None
) -> None:
    """The way that is left fills up: threshold records on ports that are healthy."""
    network = scene.network
    for name in routers:
        uplinks = [cable for cable in network.cables_of(name) if cable.protocol == "isis"]
        if not uplinks or scene.is_dead(name, time):
            continue
        cable = scene.rng.choice(uplinks)
        moment = time + timedelta(seconds=scene.between(20, 90))
        for _ in range(scene.rng.randint(1, 3)):
            percent = scene.rng.randint(86, 98)
            details = port_details(network, cable, name)
            scene.say(name, "utilization_high", moment, percent=percent, **details)
            moment += timedelta(seconds=scene.between(60, 240))
            if until is not None and moment > until:
                break
        if until is not None:
            back = max(moment, until) + timedelta(seconds=scene.between(20, 120))
            details = port_details(network, cable, name)
            scene.say(name, "utilization_normal", back, percent=61, **details)
