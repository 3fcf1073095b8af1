"""Faults of core functions: small records at the culprit, many at those who depend on it."""

from __future__ import annotations

from datetime import timedelta

from mcp_servers.sample_site.network import Role
from mcp_servers.sample_site.scene import Scene
from mcp_servers.sample_site.service_impact import (
    CELLS,
    DNNS,
    function_address,
    registrations_suffer,
)
from telecom.times import format_instant


def rejections(scene: Scene, function: str, *, count: int, code: int, reason: str) -> None:
    """Users are turned away, and the function writes down who they were."""
    for _ in range(count):
        user = scene.people.subscriber()
        moment = scene.after(scene.between(5, 900))
        scene.say(
            function,
            "registration_rejected",
            moment,
            supi=user.supi,
            pei=user.pei,
            code=code,
            reason=reason,
        )


def session_rejections(scene: Scene, function: str, *, count: int, code: int, reason: str) -> None:
    """PDU sessions are refused, and the function writes down whose."""
    for _ in range(count):
        supi = scene.people.subscriber().supi
        moment = scene.after(scene.between(5, 900))
        dnn = scene.rng.choice(DNNS)
        scene.say(
            function, "session_rejected", moment, supi=supi, dnn=dnn, code=code, reason=reason
        )


def amf_software_crash(scene: Scene) -> None:
    """An AMF's worker crashes and crashes again; its partner drowns in registrations."""
    network, rng = scene.network, scene.rng
    amfs = network.names(Role.AMF)
    amf = rng.choice(amfs)
    partner = next(name for name in amfs if name != amf)
    scene.touched.setdefault(amf)
    address = function_address(network, amf)
    moment = scene.onset
    for count in range(1, rng.randint(3, 4)):
        scene.marked(origin="cause", decisive=True).say(
            amf, "nf_crash", moment, process="ngap-worker", count=count
        )
        back = moment + timedelta(seconds=scene.between(55, 110))
        for gnb in network.names(Role.GNB):
            down = moment + timedelta(seconds=scene.between(0.05, 1.8))
            up = back + timedelta(seconds=scene.between(1, 25))
            details = {"peer": amf, "address": address, "reason": "ABORT received"}
            scene.say(gnb, "n2_lost", down, **details)
            scene.marked(cleared=True).say(gnb, "n2_lost", up, **details)
        moment = back + timedelta(seconds=scene.between(150, 330))
    _partner_drowns(scene, partner)
    for tac in dict.fromkeys(network.tracking_areas.values()):
        registrations_suffer(scene, tac, scene.onset, None, amfs=[partner])
    scene.blame(amf, "NGAP worker crashes repeatedly")
    scene.path += [amf, partner, network.names(Role.GNB)[0]]


def _partner_drowns(scene: Scene, partner: str) -> None:
    for level, seconds in ((1, scene.between(8, 30)), (2, scene.between(90, 300))):
        value = scene.rng.randint(88, 99)
        scene.say(partner, "amf_overload", scene.after(seconds), level=level, value=value)
    rejections(scene, partner, count=scene.rng.randint(18, 30), code=22, reason="congestion")


def smf_upf_path(scene: Scene) -> None:
    """The control part of a UPF stalls: no new sessions, while the old ones keep running."""
    network, rng = scene.network, scene.rng
    upf = rng.choice(network.names(Role.UPF))
    scene.touched.setdefault(upf)
    for seconds in (-scene.between(2, 20), scene.between(240, 600)):
        scene.marked(origin="cause", decisive=True).say(
            upf,
            "upf_worker_stall",
            scene.after(seconds),
            unit=rng.randint(0, 3),
            count=rng.randint(20, 90),
        )
    for smf in network.names(Role.SMF):
        moment = scene.after(scene.between(12, 34))
        reason = "no Heartbeat Response after N1 retransmissions"
        there = function_address(network, upf)
        for _ in range(3):
            scene.say(smf, "n4_lost", moment, peer=upf, address=there, reason=reason)
            moment += timedelta(seconds=scene.between(200, 420))
        session_rejections(
            scene, smf, count=rng.randint(8, 16), code=26, reason="insufficient resources"
        )
        for dnn in DNNS:
            period = scene.after(scene.between(240, 420))
            value = round(scene.between(31, 62), 1)
            scene.say(smf, "session_rate", period, dnn=dnn, value=value, limit=97)
    scene.blame(upf, "PFCP worker stalled, N4 not answered")
    scene.path += [upf, *network.names(Role.SMF), network.names(Role.AMF)[0]]


def certificate_or_licence_expiry(scene: Scene) -> None:
    """A certificate or licence runs out at its hour; warnings days before went unread."""
    if scene.rng.random() < 0.6:
        _certificate(scene)
    else:
        _licence(scene)


def _certificate(scene: Scene) -> None:
    network, rng = scene.network, scene.rng
    function = rng.choice(network.names(Role.UDM, Role.AUSF, Role.NRF))
    scene.touched.setdefault(function)
    subject = f"{function}.sbi.5gc.example.net"
    details = {"subject": subject, "expiry": format_instant(scene.onset.replace(microsecond=0))}
    for days in (2, 1):
        moment = scene.after(-86_400 * days + scene.between(-900, 900))
        scene.marked(origin="cause", decisive=True).say(
            function, "certificate_warning", moment, **details
        )
    scene.marked(origin="cause", decisive=True).say(
        function, "certificate_expired", scene.after(0.5), **details
    )
    consumers = network.dependants(function, "serves")
    for consumer in consumers:
        moment = scene.after(scene.between(1, 50))
        for _ in range(rng.randint(3, 6)):
            scene.say(
                consumer, "nf_peer_tls", moment, peer=function, reason="certificate has expired"
            )
            moment += timedelta(seconds=scene.between(90, 260))
    for amf in network.names(Role.AMF):
        value = round(scene.between(41, 60), 1)
        scene.say(amf, "nf_auth_rate", scene.after(scene.between(180, 330)), value=value, limit=98)
        rejections(scene, amf, count=rng.randint(6, 14), code=15, reason="no suitable cells")
    scene.blame(function, "TLS server certificate expired")
    scene.path += [function, *consumers[:1], network.names(Role.AMF)[0]]


def _licence(scene: Scene) -> None:
    network, rng = scene.network, scene.rng
    upf = rng.choice(network.names(Role.UPF))
    scene.touched.setdefault(upf)
    for days in (2, 1):
        scene.marked(origin="cause", decisive=True).say(
            upf,
            "licence_limit",
            scene.after(-86400 * days),
            feature="upf-capacity",
            reason=f"expires in {days} days",
            limit="no change yet",
        )
    scene.marked(origin="cause", decisive=True).say(
        upf,
        "licence_limit",
        scene.after(0.2),
        feature="upf-capacity",
        reason="expired",
        limit="5 Gbit/s",
    )
    for gnb, plane in network.user_planes.items():
        if plane != upf:
            continue
        for cell in CELLS:
            if rng.random() < 0.6:
                moment = scene.after(scene.between(100, 1100))
                value = round(scene.between(2, 11), 1)
                scene.say(gnb, "cell_degraded", moment, cell=cell, value=value, limit=30)
    moment = scene.after(scene.between(290, 330))
    scene.say(upf, "throughput_low", moment, value=5.0, percent=rng.randint(21, 38), limit=14)
    scene.blame(upf, "capacity licence expired, throughput capped")
    scene.path += [upf, *[gnb for gnb, plane in network.user_planes.items() if plane == upf][:1]]


def dns_or_udm_overload(scene: Scene) -> None:
    """A UDM's queue or a resolver's table fills up, and everybody else times out."""
    if scene.rng.random() < 0.6:
        _slow_udm(scene)
    else:
        _slow_resolver(scene)


def _slow_udm(scene: Scene) -> None:
    network, rng = scene.network, scene.rng
    udm = rng.choice(network.names(Role.UDM))
    scene.touched.setdefault(udm)
    for seconds in (scene.between(-25, 5), scene.between(300, 600)):
        scene.marked(origin="cause", decisive=True).say(
            udm,
            "udm_queue",
            scene.after(seconds),
            process="nudr-client",
            value=rng.randint(4000, 30000),
            seconds=rng.randint(6, 40),
        )
    services = {Role.AUSF: "nudm-ueau", Role.AMF: "nudm-sdm", Role.SMF: "nudm-uecm"}
    for consumer in network.dependants(udm, "serves"):
        service = services[network.elements[consumer].role]
        moment = scene.after(scene.between(6, 60))
        for _ in range(rng.randint(3, 6)):
            share = rng.randint(12, 70)
            scene.say(consumer, "nf_peer_timeout", moment, peer=udm, service=service, value=share)
            moment += timedelta(seconds=scene.between(70, 220))
    for amf in network.names(Role.AMF):
        value = round(scene.between(52, 80), 1)
        scene.say(amf, "nf_auth_rate", scene.after(scene.between(200, 330)), value=value, limit=98)
        rejections(scene, amf, count=rng.randint(6, 14), code=22, reason="congestion")
    scene.blame(udm, "request queue full, subscriber data answers late")
    scene.path += [udm, network.names(Role.AUSF)[0], network.names(Role.AMF)[0]]


def _slow_resolver(scene: Scene) -> None:
    network, rng = scene.network, scene.rng
    resolver = rng.choice(network.names(Role.DNS))
    scene.touched.setdefault(resolver)
    for seconds in (scene.between(-25, 5), scene.between(300, 600)):
        clients = rng.randint(1_000, 1_024)
        scene.marked(origin="cause", decisive=True).say(
            resolver, "dns_slow", scene.after(seconds), value=clients, limit=1000
        )
    for smf in network.names(Role.SMF):
        moment = scene.after(scene.between(10, 60))
        for _ in range(rng.randint(4, 7)):
            share = rng.randint(20, 70)
            scene.say(smf, "nf_peer_timeout", moment, peer=resolver, service="dns", value=share)
            moment += timedelta(seconds=scene.between(80, 200))
        session_rejections(scene, smf, count=rng.randint(6, 12), code=38, reason="network failure")
        value = round(scene.between(61, 84), 1)
        period = scene.after(scene.between(240, 400))
        scene.say(smf, "session_rate", period, dnn="internet", value=value, limit=97)
    for upf in network.names(Role.UPF):
        moment = scene.after(scene.between(15, 90))
        for _ in range(4):
            scene.say(upf, "n6_probe", moment, target="www.example.org", reason="name not resolved")
            moment += timedelta(seconds=scene.between(120, 240))
    scene.blame(resolver, "resolver out of recursive clients, lookups dropped")
    scene.path += [resolver, network.names(Role.SMF)[0], network.names(Role.AMF)[0]]
