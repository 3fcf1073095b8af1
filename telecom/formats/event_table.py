"""What log events mean: vendor mnemonics and wordings as data.

`EVENT_PATTERNS` is read top down; the first row that fits decides. A row fits by `mnemonic` (a
regular expression over the mnemonic without its severity, one spelling for all vendors, case
ignored) or, when no row knows the mnemonic, by `words`: alternatives of words that must all occur
in message, mnemonic or process. `layouts` are expressions for the message whose named groups become
fields (`interface`, `neighbor`, `neighbor_as`, `vrf`, `reason`, `state`; any other name becomes
additional information); what no layout gives, the shared grammar in `event_grammar` looks for.
Adding a vendor or an event is adding a row, or a word to one.
"""

# ruff: noqa: E501 - an expression is easier to read whole than cut at the margin

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from telecom.alarm import AlarmType, OccurrenceKind, PerceivedSeverity

State: TypeAlias = Literal["up", "down", "degraded", "changed", "noted"]

K = OccurrenceKind
S = PerceivedSeverity

ADDRESS = (
    r"(?<![\w:])(?:\d{1,3}(?:\.\d{1,3}){3}"
    r"|(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}"
    r"|(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6})?::(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6})?)"
    r"(?:%\w+)?"
)
"""An IPv4 or IPv6 address, as printed."""


@dataclass(frozen=True, slots=True)
class EventPattern:
    """One kind of event, in every vendor's words."""

    kind: OccurrenceKind
    problem: str
    """The specific problem in plain words; the same for raise and clear, so that they meet."""
    mnemonic: str = ""
    words: str = ""
    """Alternatives, separated by commas."""
    layouts: tuple[str, ...] = ()
    state: State | None = None
    """None: as the text says."""
    alarm_type: AlarmType | None = None
    """None: that of the kind in `ALARM_TYPES`."""
    measurement: str = ""
    """What `observed` in a layout counts."""
    severity: PerceivedSeverity = S.WARNING
    """Of a `down` or `degraded` state at least, when the line's own severity is lower."""
    needs_state: bool = False
    """By words, it counts only when the text tells a state: these words are too common."""


EVENT_PATTERNS: tuple[EventPattern, ...] = (
    # Sessions and adjacencies
    EventPattern(
        K.BGP_SESSION,
        "BGP prefix limit exceeded",
        r".*BGP-(?:MAXPFX\w*|MAXPFXEXCEED)|BGP_PREFIX_(?:LIMIT|THRESH)_EXCEEDED|RPD_BGP_CFG_.*PREFIX.*"
        r"|BGP_CEASE_PREFIX_LIMIT_EXCEEDED|BGP-.*(?:PREFIX.*(?:LIMIT|MAX|THRESH)|MAXPREFIX|ROUTE_?LIMIT|REACHLIMIT|ROUTEPEERMAX|EXCEEDLIMIT).*",
        "bgp prefix exceeded, bgp prefixes max, bgp prefix limit, bgp maximum prefix",
        (
            rf"(?P<neighbor>{ADDRESS}) \((?:Internal|External) AS (?P<neighbor_as>\d{{1,10}})\): "
            r".{0,120}?prefix-limit(?: threshold)?\((?P<threshold>\d{1,18})\)"
            r".{0,80}? for (?P<address_family>\S+) nlri: (?P<observed>\d{1,18})"
            r"(?: \(instance (?P<vrf>[^)]+)\))?",
            rf"(?:No\. of|Number of) (?P<address_family>.{{1,40}}?)\s*prefixes received from (?P<neighbor>{ADDRESS})"
            r"(?: \(VRF: (?P<vrf>[^)]+)\))?.{0,30}? (?:has reached|reaches|exceeds?:?) (?P<observed>\d{1,18})"
            r"(?:\D{1,40}(?P<threshold>\d{1,18}))?",
        ),
        state="degraded",
        measurement="prefixes received",
    ),
    EventPattern(
        K.BGP_SESSION,
        "BGP non-stop routing changed",
        r".*BGP-\w*NSR\w*",
        state="noted",
    ),
    EventPattern(
        K.BGP_SESSION,
        "BGP session down",
        r".*BGP-(?!\w*(?:Backward|Establish))\w*NOTIF\w*",
        "",
        (
            rf"(?P<direction>sent|received) (?:to|from) (?:neighbor|peer) (?P<neighbor>{ADDRESS})"
            r"(?: \((?:VRF (?P<vrf>\S+) )?AS (?P<neighbor_as>\d{1,10})\))?(?: (?:active|passive))? "
            r"(?P<reason>\d+/\d+ ?\([^)]*\))",
        ),
        state="noted",
    ),
    EventPattern(
        K.BGP_SESSION,
        "BGP session rejected",
        r"bgp_(?:handle_notify|read_message|listen_accept|pp_recv|process_open|rcv_notify)\w*",
        "",
        (
            rf"NOTIFICATION (?P<direction>sent|received) (?:to|from) (?P<neighbor>{ADDRESS})(?:\+\d+)?"
            r"(?: \(proto\))?(?: \((?:Internal|External) AS (?P<neighbor_as>\d{1,10})\))?: "
            r"(?P<reason>code \d+ \([^)]*\)(?: subcode \d+ \([^)]*\))?(?:, Reason: .*)?)",
        ),
        state="down",
        severity=S.MINOR,
    ),
    EventPattern(
        K.BGP_SESSION,
        "BGP session down",
        r"bgp_(?:recv|send|write|traffic|hold_timeout|keepalive|peer_close|peer_mgmt|connect)\w*",
        "",
        (
            rf"(?:from|to|with) (?:peer )?(?P<neighbor>{ADDRESS})(?:\+\d+)?(?: \(proto\))?"
            r"(?: \((?:Internal|External) AS (?P<neighbor_as>\d{1,10})\))?(?: failed)?: (?P<reason>.*)",
        ),
        state="down",
        severity=S.MAJOR,
    ),
    EventPattern(
        K.AUTHENTICATION,
        "BGP authentication failed",
        r"tcp_auth_ok|TCP-(?:BADAUTH|NOAUTH).*|.*(?:MD5|TCP_?AUTH|BADAUTH|KEYCHAIN).*FAIL.*|BGP-MD5.*|.*IP-TCP-BADAUTH|.*TCP-BADAUTH|.*TCP-\w*MD5\w*",
        "md5, digest invalid, tcp authentication",
        (
            r"Packet from (?P<neighbor>\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:]{2,39}):(?P<port>\d{1,5}) (?P<reason>.+)",
            rf"(?P<reason>(?:No|Invalid|Wrong|Missing|Bad) MD5 digest) (?:received )?from \(?(?P<neighbor>{ADDRESS})",
        ),
        state="degraded",
    ),
    EventPattern(
        K.BGP_SESSION,
        "BGP session down",
        r".*\bBGP-(?:ADJCHANGE\w*|NBR_RESET|SESSION|PEER\w*|STATE_?CH\w*|bgpEstablish\w*|"
        r"bgpBackward\w*|tBgp(?:Peer|Up)\w*|BACKW_TRANS|ESTABLISHED|BGP_(?:ADJ|PEER|STATE|BACK|ESTAB)\w*|"
        r"HWBGP\w*|RECV_NOTIFY|SEND_NOTIFY|NEIGHBOR_\w*)"
        r"|(?:RPD_)?BGP_(?:NEIGHBOR_STATE_CHANGED|NEIGHBOR_DOWN|IO_ERROR\w*|CONNECT\w*|PEER\w*)|BGP_(?:HOLDTIME|CEASE)\w*",
        "bgp, external as, internal as, cease notification, hold timer peer, peer established",
        (
            rf"neighbor (?P<neighbor>{ADDRESS})(?:\([^)]*\))? in vrf (?P<vrf>\S+) (?P<state>Up|Down)(?: (?P<reason>.*))?",
            rf"neighbor (?P<neighbor>{ADDRESS})(?: \(?(?:vpn )?vrf (?P<vrf_inline>[^\s)]+)\)?)?(?: passive| active| IPv[46] \w+ \w+)? "
            r"(?P<state>Up|Down)(?:\s*-?\s+(?P<reason>[^(\s].*?))?"
            r"(?: \(VRF: (?P<vrf>[^);]+)[^)]*\))?(?: \(AS: (?P<neighbor_as>\d{1,10})\))?\s*$",
            rf"(?:BGP )?peer (?P<neighbor>{ADDRESS}) \((?:VRF (?P<vrf>\S+) )?(?:(?:Internal|External) )?AS (?P<neighbor_as>\d{{1,10}})\) "
            r"changed state from (?P<state_from>\w+) to (?P<state_to>\w+)(?: \(event (?P<reason>[^)]+)\))?"
            r"(?: \(instance (?P<instance>[^)]+)\))?",
            rf"peer (?P<neighbor>{ADDRESS}) \((?:VRF (?P<vrf>\S+) )?AS (?P<neighbor_as>\d{{1,10}})\) "
            r"old state (?P<state_from>\w+) event (?P<reason>\w+) new state (?P<state_to>\w+)",
            rf"\(ASN (?P<neighbor_as>\d{{1,10}})\) VR \S+ Group [^:]{{1,64}}: Peer (?P<neighbor>{ADDRESS}): moved from "
            r"(?:higher|lower) state (?P<state_from>\w+) to (?:higher|lower) state (?P<state_to>\w+)(?: due to event (?P<reason>\w+))?",
        ),
        severity=S.MAJOR,
    ),
    EventPattern(
        K.OSPF_ADJACENCY,
        "OSPF adjacency down",
        r".*OSPF(?:v3)?\w*-(?:\w*ADJ\w*|\w*NBR\w*|\w*NEIGHBOR\w*|\w*Nbr\w*)|RPD_OSPF(?:3)?_NBR\w*|OSPF\w*_(?:NBR|ADJ|NEIGHBOR)\w*",
        "ospf, ospfv3, ospfv2, ospf3, dead neighbor, dead neighbour, exstart",
        (
            rf"Nbr (?P<neighbor>{ADDRESS}) on (?P<interface>\S+?)(?: in area \S+)? from (?P<state_from>\w+) to "
            r"(?P<state_to>\w+)(?:, (?:Neighbor (?:Down|up): ?)?(?P<reason>[^,]*))?(?:, vrf (?P<vrf>\S+?)(?= vrfid|,|$).*)?",
            rf"neighbor (?P<neighbor>{ADDRESS}) \(realm \S+ (?P<interface>\S+) area \S+?\) state changed from "
            r"(?P<state_from>\w+) to (?P<state_to>\w+) due to (?P<reason>.*)",
        ),
        severity=S.MAJOR,
    ),
    EventPattern(
        K.ISIS_ADJACENCY,
        "IS-IS adjacency down",
        r".*(?:ISIS\w*|CLNS)-(?:\w*ADJ\w*|\w*NBR\w*|\w*NEIGHBOR\w*)|RPD_ISIS_(?:ADJ|NBR)\w*|ISIS\w*_ADJ\w*|.*ISIS-\w*Adj\w*",
        "isis, l1 adjacency, l2 adjacency, level adjacency",
        (
            r"(?P<level>L[12]\S*) Neighbor State Change for SystemID (?P<neighbor>\S+) on (?P<interface>\S+) to (?P<state>\w+)",
            r"adjacency (?:to|with) (?P<neighbor>[\w.-]+)(?: \((?P<interface>[^)]+)\)| (?:on|over) (?P<interface_on>[\w/.:-]+))?"
            r"(?: \((?P<level>[^)]+)\))?(?: (?P<state>Up|Down|New)\b)?(?:, (?:reason: )?(?P<reason>.*))?",
        ),
        severity=S.MAJOR,
    ),
    EventPattern(
        K.LDP_SESSION,
        "LDP session down",
        r".*(?:^|[-_])T?LDP(?:[-_]).*|RPD_LDP_(?:NBR|SESSION)\w*",
        "ldp, tldp",
        severity=S.MAJOR,
    ),
    EventPattern(
        K.BFD_SESSION,
        "BFD session down",
        r".*(?:^|[-_])BFDD?(?:[-_]).*",
        "bfd",
        severity=S.MAJOR,
    ),
    EventPattern(
        K.BFD_SESSION, "BFD session down", words="bidirectional forwarding", severity=S.MAJOR
    ),
    EventPattern(
        K.TUNNEL,
        "Label-switched path down",
        r"RPD_MPLS_(?:LSP|PATH)\w*|.*MPLS(?:_TE|-TE)?-\w*(?:LSP|TUNNEL|FRR|FWD)\w*|.*ROUTING-MPLS_TE.*|.*TUNNEL-\w*UPDOWN"
        r"|.*IPSEC.*(?:UP|DOWN)|.*PSEUDOWIRE.*|.*L2VPN.*PW.*|.*XCONNECT.*",
        "lsp, ipsec tunnel, pseudowire, l2vpn pw, xconnect, gre tunnel, vpn tunnel",
        severity=S.MAJOR,
        needs_state=True,
    ),
    EventPattern(
        K.SIGNALLING,
        "Signalling association down",
        r".*(?:SCTP|DIAMETER|PFCP|GTP|NGAP|S1AP|RADIUS)-.*",
        "sctp, diameter, pfcp, gtp, ngap, s1ap, x2ap, e2ap, e2 connection, n2, n3, n4, "
        "registration rejected, radius server",
        severity=S.MAJOR,
        needs_state=True,
    ),
    EventPattern(
        K.OTHER,
        "Neighbour down",
        words="neighbor, neighbour, peer, adjacency, nbr",
        alarm_type=AlarmType.COMMUNICATIONS_ALARM,
        severity=S.MAJOR,
        needs_state=True,
    ),
    # Synchronisation
    EventPattern(
        K.CLOCK,
        "Clock not synchronised",
        r".*(?:^|[-_])(?:NTPD?|PTP|SYNCE?|TIMING|CLOCK|FREQSYNC|GNSS|GPS|ESMC|SSM)(?:[-_]).*",
        "ptp, ntp, synce, gnss, gps, holdover, grandmaster, clock lost, clock synchronized, "
        "clock synchronised, clock unsynchronized, timing source, frequency synchronization",
        severity=S.MINOR,
    ),
    EventPattern(
        K.HARDWARE,
        "Antenna line or radio unit failed",
        words="vswr, rru, rrh, antenna, remote radio, radio unit",
        severity=S.MAJOR,
        needs_state=True,
    ),
    # People at work
    EventPattern(
        K.CONFIGURATION,
        "Configuration mode entered",
        r".*SYS-CONFIG_E|VTY-CONFIG_MODE|UI_DBASE_LOG\w*|UI_CMDLINE_READ_LINE",
        state="noted",
    ),
    EventPattern(
        K.CONFIGURATION,
        "Configuration changed",
        r".*(?:SYS|CONFIG\w*|MGBL-\w*|VSHD|PARSER|CONFIGAGENT|SHELL|CFM|CFG\w*|CONFIGURATION)-"
        r"(?:CONFIG_?(?:I|E|C|R|S|SESSION\w*|COMMIT\w*|REPLACE\w*|CHANGE\w*)?|DB_COMMIT\w*|VSHD_SYSLOG_CONFIG_I|"
        r"CFGLOG_LOGGEDCMD|COMMIT\w*|CMD\w*|CONFIGURE\w*|CFGMAN\w*|SAVE\w*|ROLLBACK\w*|STARTUP|CFG_?CHANGE\w*)"
        r"|UI_(?:COMMIT\w*|LOAD_\w*|CFG_AUDIT\w*|NETCONF_CMD)|ASA-1110(?:08|10)|.*USER-cli_config_io|.*-(?:config|cli_)\w*"
        r"|(?:Object )?[Aa]ttribute configured|Configuration changed|ROLLBACK\w*",
        "configured from, configuration changed, configuration committed, commit, running "
        "config, startup config, configuration modified, configuration saved",
        (
            r"Configured from (?P<configured_from>\S+) by (?P<user>\S+)(?: on (?P<terminal>\S+)(?: \((?P<remote_address>[^)]*)\))?)?",
            r"Configuration committed by user '(?P<user>[^']*)'\. Use '(?P<show_command>[^']*)'",
            r"[Uu]ser:? ?'?(?P<user>[\w.@\\-]+)'?,? +(?:requested|logged|performed|issued|command|used)\W+(?P<command>.*)",
        ),
        state="changed",
    ),
    EventPattern(
        K.AUTHENTICATION,
        "Authentication failed",
        r".*(?:LOGIN_?FAIL\w*|AUTH\w*_?FAIL\w*|FAILED_LOGIN|INFO_FAILURE|LOGIN_FAILED|SSHD_LOGIN_FAILED\w*|BADAUTH\w*|ERR_AUTH\w*|LOGINFAIL\w*)"
        r"|LOGIN_PAM_AUTHENTICATION_ERROR|SNMP-\w*AUTHFAIL\w*|SNMP_TRAP_AUTH\w*|.*SEC_LOGIN-LOGIN_FAILED",
        "failed authentication, authentication failure, authentication failed, login failed, "
        "failed password, failed login, invalid user, authentication rejected, login failure, "
        "authentication error",
        (
            r"(?:Login|login) failed \[user: (?P<user>[^\]]*)\] \[Source: (?P<remote_address>[^\]]*)\].{0,60}?(?:\[Reason: (?P<reason>[^\]]*)\])?",
            r"(?:user|for(?: invalid user)?) '?(?P<user>[\w.@\\<>-]+)'? from '?(?P<remote_address>[0-9A-Fa-f.:]+)'?",
        ),
        state="degraded",
    ),
    EventPattern(
        K.LOGIN,
        "User session",
        r".*(?:LOGIN|LOGOUT|LOGON|LOGOFF|INFO_SUCCESS\w*|INFO_USER_LOGOUT|SSH2?_SESSION\w*|SSH2?_USERAUTH|LOGIN_SUCCESS|LOGIN_INFORMATION|AUTHEN\w*SUCCESS)"
        r"|UI_(?:LOGIN|LOGOUT|AUTH_EVENT|CHILD_\w*)\w*|.*SEC_LOGIN-LOGIN_SUCCESS|.*USER-cli_user_log\w*",
        "logged in, logged out, login successful, logged on, logged off, successfully "
        "authenticated, accepted password, accepted publickey",
        (
            r"[Uu]ser:? ?'(?P<user>[^']*)' from '(?P<remote_address>[^']*)'(?: logged out)? on '(?P<terminal>[^']*)'",
        ),
        state="noted",
    ),
    # Ports and bundles
    EventPattern(
        K.OTHER,
        "First-hop redundancy changed",
        r"(?:.*-)?(?:VRRP|HSRP|GLBP)\w*-.*|STANDBY-.*|VRRPD_\w*",
        "vrrp, hsrp, glbp",
        state="changed",
    ),
    EventPattern(
        K.OTHER,
        "MAC address moved",
        r".*MAC_?(?:MOVE|FLAP)\w*|.*HOST_FLAPPING|.*MACFLAP\w*",
        "mac moved, mac flapping",
        state="degraded",
        alarm_type=AlarmType.COMMUNICATIONS_ALARM,
    ),
    EventPattern(
        K.OTHER,
        "Spanning tree changed",
        r".*(?:SPANTREE|STP|MSTP)-.*|.*_STP_.*",
        "stp, spanning tree",
        state="changed",
    ),
    EventPattern(
        K.INTERFACE,
        "Port parameters changed",
        r".*ETHPORT-(?:SPEED|IF_DUPLEX|IF_[RT]X_FLOW_CONTROL|IF_BANDWIDTH\w*|IF_MTU\w*)",
        state="changed",
    ),
    EventPattern(
        K.LACP,
        "Link aggregation member down",
        r".*(?:^|[-_])(?:LACPD?|L2-BM|BM|BUNDLE|ETH_PORT_CHANNEL|EC|LAG|TRUNK|LAGMGR|ETHTRUNK)-.*|LACPD?_\w*",
        "lacp, bundle member, port channel, portchannel, eth trunk, lag, aggregated ether, "
        "bundle ether, etherchannel, port aggregation",
        (
            r"(?P<bundle>[Pp]ort-?[Cc]hannel\d+): (?:port )?(?P<interface>[A-Za-z][\w/.-]*\d) is (?P<state>down|up)",
            r"(?P<interface>[A-Za-z][\w/.:-]*\d) is (?P<state>no longer Active) as part of (?P<bundle>[\w-]+)(?: \((?P<reason>.*)\))?",
            r"(?P<interface>[A-Za-z][\w/.:-]*\d) is (?P<state>Active) as part of (?P<bundle>[\w-]+)",
            r"Interface (?P<interface>\S+) is (?P<state>down|up) in (?P<bundle>port-channel\d+)",
            r"Interface (?P<interface>\S+) (?P<state>left|joined) port-channel (?P<bundle>\S+)",
            r"lacp info (?P<state>not received) for interface (?P<interface>[\w/.:-]*\d)",
        ),
        severity=S.MAJOR,
        needs_state=True,
    ),
    EventPattern(
        K.INTERFACE,
        "MAC address limit reached",
        r".*MAC_?(?:ADDR\w*_)?LIMIT\w*|.*MACLIMIT\w*|.*PSECURE_VIOLATION\w*",
        "mac limit, mac addresses reached, mac address limit",
        (
            r"(?:reached|exceeded|limit) (?:for|on) (?:interface )?(?P<interface>[\w/.:-]*\d)"
            r"(?:; current count is (?P<observed>\d{1,18}))?",
        ),
        state="degraded",
        measurement="learned MAC addresses",
    ),
    EventPattern(
        K.OPTICS,
        "Optical signal lost or out of range",
        r".*(?:^|[-_])(?:OPTICS?|SFP\w*|XCVR|TRANSCEIVER\w*|DWDM|OPM|OPTICAL\w*|QSFP\w*|DOM|DOMALARM\w*|OTN|CONTROLLER)-.*"
        r"|.*-(?:SFP|XCVR|TRANSCEIVER|\w*OPTICAL|\w*DDM|\w*RX_?POWER|\w*TX_?POWER)\w*|.*ETHPORT-IF_(?:NON_?)?(?:UN)?SUPPORTED_TRANSCEIVER|.*L1-?\w*LOS\w*|SONET_\w*|.*SFF\d*-.*",
        "optical, optics, sfp, qsfp, xfp, transceiver, los, lof, rx power, tx power, laser, "
        "lol, loss of signal, loss of light, receive power, ddm, rxopticalpower, txopticalpower",
        severity=S.MAJOR,
    ),
    EventPattern(
        K.INTERFACE,
        "Line protocol down",
        r".*LINEPROTO-(?:UPDOWN|CHANGED?)|.*IFNET-(?:LINK_STATE|LINKNO_STATE|LINE\w*|PROTO\w*|LINK_UPDOWN)",
        "line protocol",
        (
            r"Line protocol on Interface (?P<interface>\S+?)(?: \([^)]*\))?, changed state to "
            r"(?P<state>up|down|Up|Down|UP|DOWN)(?:, (?P<reason>.*))?",
            r"protocol(?: (?P<protocol>\w+))? on the interface (?P<interface>\S+) has entered the (?P<state>\w+) state",
        ),
        severity=S.MAJOR,
    ),
    EventPattern(
        K.INTERFACE,
        "Duplicate address",
        r".*DUP\w*(?:ADDR|_?IP|SRC|MAC|HOST)\w*|.*-DUPLICATE\w*|KERN_ARP_DUPLICATE_ADDR|.*ARP_?CONFLICT\w*",
        "duplicate address, duplicate ip, address conflict, ip conflict",
        state="degraded",
        severity=S.MINOR,
    ),
    EventPattern(
        K.INTERFACE,
        "MTU mismatch",
        r".*MTU_?MISMATCH\w*|.*-\w*MTU\w*",
        "mtu mismatch, mtu mismatched, mtu larger",
        state="degraded",
        severity=S.MINOR,
    ),
    EventPattern(
        K.INTERFACE,
        "Port disabled by error",
        r".*ERR_?DISABLE\w*|.*-ERRDIS\w*",
        "err disable, errdisable, errdisabled",
        state="down",
        severity=S.MAJOR,
    ),
    EventPattern(
        K.INTERFACE,
        "Interface down",
        r".*(?:LINK|LINK_?DETECT|PORT|INTERFACE|IFMGR|IF|VI|ETH|ETHPORT|IFNET|IFPDT|IFDEV|EBRA|PFE|PHY|PKT_INFRA)-"
        r"(?:UPDOWN|CHANGED|IF_\w*(?:UP|DOWN)\w*|IF_STATE|PHY_UPDOWN|LINK_?\w*|PORT_?(?:UP|DOWN|STATE)\w*|"
        r"tmnx(?:EqPort|Port)\w*|(?:port)?[lL]ink(?:Up|Down|State\w*)|hwPhysical\w*|PHYSICAL\w*|IF_ENABLE|IF_DISABLE|IF_EVENT|IFUPDOWN|PORTUPDOWN)"
        r"|SNMP_TRAP_LINK_(?:UP|DOWN)|.*-link(?:Up|Down)|DCD_\w*LINK\w*|.*LINK_(?:UP|DOWN)|interface-stat-change"
        r"|Interface status changed|.*ETHPORT-(?:IF|SPEED|INTERFACE)_\w*|.*SNMP-(?:LINK(?:Up|Down)|2004|2005)",
        "interface, link, port, ifname, ifdescr, interfacename, carrier, physical state, ethernet",
        (
            r"Interface (?P<interface>\S+?),? changed state to (?P<state>administratively down|[Uu]p|[Dd]own|UP|DOWN)"
            rf"(?: from (?P<changed_from>{ADDRESS}))?",
            r"ifIndex \d+, ifAdminStatus (?P<admin_status>\w+)\(\d\), ifOperStatus (?P<state>\w+)\(\d\), ifName (?P<interface>\S+)",
            r"Interface (?P<interface>\S+) is (?P<state>administratively down|admin up|admin down|up|down)\b"
            r"(?: ?\((?P<reason>[^)]*(?:\([^)]*\))?[^)]*)\))?",
            r"Interface (?P<interface>[\w/.:-]+) has turned into (?P<state>\w+) state",
            r"[Ii]nterface (?P<interface>[A-Za-z]+ ?\d[\d/.:]*), state (?P<state>\w+)(?: ?- ?(?P<reason>.*))?",
            r"EVENT <(?P<event_name>[^>]*)> (?P<interface>\S+) index \d+ <(?P<state>Up|Down)?",
        ),
        severity=S.MAJOR,
        needs_state=True,
    ),
    # Equipment
    EventPattern(
        K.TEMPERATURE,
        "Temperature out of range",
        r".*(?:TEMP|THERMAL|OVERTEMP|OVERHEAT)\w*(?:-.*)?|.*-(?:TEMP|THERMAL|OVERTEMP|OVERHEAT)\w*|.*_TEMP(?:ERATURE)?_\w*",
        "temperature, overheat, overtemperature, thermal, too hot",
        severity=S.MAJOR,
        needs_state=True,
    ),
    EventPattern(
        K.POWER,
        "Power supply failed",
        r".*(?:^|[-_])(?:PSU\w*|PWR\w*|POWER\w*|PEM|PSM|PSMON)(?:[-_].*)?|.*-\w*(?:PS_?FAIL|POWER_?SUPPLY|PSU|PWR)\w*",
        "power supply, psu, pem, power feed, power module, power input, battery, mains, "
        "undervoltage, voltage, rectifier",
        severity=S.MAJOR,
        needs_state=True,
    ),
    EventPattern(
        K.RESTART,
        "Device restarted",
        r".*(?:SYS|SYSTEM|PLATFORM|MODULE|MONITOR|RELOAD|INIT|SYSMGR|ENTITY|CHASSIS|BOOT)-(?:\w*RESTART\w*|\w*RELOAD\w*|\w*REBOOT\w*|\w*COLD_?START\w*|\w*WARM_?START\w*|BOOT\w*)"
        r"|.*SNMP-(?:COLDSTART|WARMSTART|\w*Start)|.*(?:coldStart|warmStart)|SNMP_TRAP_(?:COLD|WARM)_START|SNMPD_TRAP_(?:COLD|WARM)_START\w*|.*-RELOAD\w*|SYSTEM_(?:REBOOT|SHUTDOWN)\w*",
        "reload, reloaded, rebooting, reboot, rebooted, system restarted, coldstart, "
        "warmstart, cold start, warm start, switchover, switch over, power cycled",
        state="noted",
        severity=S.MAJOR,
    ),
    EventPattern(
        K.RESOURCE,
        "Resource exhausted",
        r".*(?:MALLOC\w*|NOMEM\w*|\w*MEMORY\w*|CPUHOG|\w*CPU_?\w*(?:HIGH|HOG|THRESH|RISING|USAGE|OVER|UTIL)\w*|\w*_?OOR\w*|DISK\w*FULL|\w*TCAM\w*|RISING\w*|\w*RESOURCE\w*|\w*LICENSE\w*|OUT_OF_\w*)(?:-.*)?"
        r"|.*-(?:MALLOCFAIL|CPUHOG|CPURISINGTHRESHOLD|CPUFALLINGTHRESHOLD|\w*OUT_OF_RESOURCE\w*)|.*(?:WD|WDSYSMON)-.*"
        r"|(?:.*[-_])?(?:CACHE_SIZE_EXCEEDED|INFO_CACHE_SIZE_EXCEEDED|INSUFFICIENT_LICENSE)",
        "memory, cpu, disk, tcam, filesystem, license, licence, oor, out resources, table "
        "full, buffer exhausted",
        severity=S.MINOR,
        needs_state=True,
    ),
    EventPattern(
        K.PROCESS,
        "Process failed",
        r".*(?:SYSMGR|OS-SYSMGR|PROCMGR|SYSTEM|HA_EM|INIT|AGENT|OS-DUMPER|DUMPER)-(?:\w*(?:ABNORMAL\w*|CRASH\w*|ABORT\w*|EXIT\w*|TERMINAT\w*|CORE\w*|RESPAWN\w*|SERVICE_CRASHED|PROCESS\w*|RESTART\w*|DUMP\w*|HAP_FAILURE\w*|TRACEBACK))"
        r"|.*(?:OS-SYSMGR|SYSMGR|PROCMGR|AGENT|OS-DUMPER)-.*|INIT_PROCESS\w*|JTASK_\w*|.*-(?:TRACEBACK|CRASH\w*)",
        "process crashed, process terminated, process exited, core dumped, core dump, process "
        "restarted, process died, process aborted, process failed, segmentation fault, daemon "
        "exited, daemon died, process restart, traceback",
        severity=S.MAJOR,
    ),
    EventPattern(
        K.HARDWARE,
        "Hardware failed",
        r".*(?:^|[-_])(?:PLATFORM|MODULE|CARDMGR|ENVMON|ENVMON?\w*|CHASSISD?|ALARMD?|ENTITY|FAN\w*|INVMGR|SHELFMGR|LC|FIA|DEVMGR|HWMGR|HARDWARE|SRM|DEVM|FABRIC|CHM|CARD|SLOT|DEVICE|ASIC\w*|DIAG\w*|SPA|NPU|FPC|CMERROR|SYSDB|C6KENV|EQUIPMENT|SWITCH_FABRIC|CROSSBAR)-.*"
        r"|CHASSISD?_\w*|ALARMD?_\w*|.*-\w*(?:FAN|ASIC|PARITY|ECC|HARDWARE|BOARD|CARD_?(?:REMOVE|FAIL|OUT|PULL))\w*|tmnxEqCard\w*|.*CHASSIS-tmnx\w*",
        "fan, fans, linecard, line card, module, fpc, pic, board, asic, parity error, ecc "
        "error, hardware, card, chassis alarm, alarm class, fabric",
        (
            r"Alarm (?P<state>set|cleared): .{0,40}?color=(?P<color>\w+), class=(?P<alarm_class>\w+), reason=(?P<reason>.*)",
            r"(?P<color>Major|Minor) alarm (?P<state>set|cleared), (?P<reason>.*)",
        ),
        severity=S.MAJOR,
        needs_state=True,
    ),
    # What users notice
    EventPattern(
        K.SERVICE,
        "Service degraded",
        words=(
            "cell, slice, enodeb, gnodeb, nodeb, enb, gnb, sector, pdu session, service degraded, "
            "network function, sla"
        ),
        severity=S.MAJOR,
        needs_state=True,
    ),
    EventPattern(
        K.THRESHOLD,
        "Threshold crossed",
        r".*(?:THRESHOLD|THRESH|TCA)\w*|.*-\w*(?:THRESHOLD|TCA)\w*|RMON-.*|.*IPSLA.*|.*RMON.*",
        "threshold, packet loss, jitter, latency exceeded, success rate, crc errors, error "
        "rate, utilization exceeded",
        severity=S.WARNING,
    ),
    EventPattern(
        K.HEARTBEAT,
        "Element not heard",
        words=(
            "heartbeat, keepalive lost, unreachable, not reachable, polling failed, connection "
            "lost management, nms lost, element disconnected, not responding"
        ),
        severity=S.MAJOR,
        needs_state=True,
    ),
)

ALARM_TYPES: Mapping[OccurrenceKind, AlarmType | None] = {
    K.INTERFACE: AlarmType.COMMUNICATIONS_ALARM,
    K.BGP_SESSION: AlarmType.COMMUNICATIONS_ALARM,
    K.OSPF_ADJACENCY: AlarmType.COMMUNICATIONS_ALARM,
    K.ISIS_ADJACENCY: AlarmType.COMMUNICATIONS_ALARM,
    K.LDP_SESSION: AlarmType.COMMUNICATIONS_ALARM,
    K.BFD_SESSION: AlarmType.COMMUNICATIONS_ALARM,
    K.LACP: AlarmType.COMMUNICATIONS_ALARM,
    K.TUNNEL: AlarmType.COMMUNICATIONS_ALARM,
    K.SIGNALLING: AlarmType.COMMUNICATIONS_ALARM,
    K.HEARTBEAT: AlarmType.COMMUNICATIONS_ALARM,
    K.OPTICS: AlarmType.EQUIPMENT_ALARM,
    K.HARDWARE: AlarmType.EQUIPMENT_ALARM,
    K.POWER: AlarmType.EQUIPMENT_ALARM,
    K.CLOCK: AlarmType.EQUIPMENT_ALARM,
    K.TEMPERATURE: AlarmType.ENVIRONMENTAL_ALARM,
    K.PROCESS: AlarmType.PROCESSING_ERROR_ALARM,
    K.RESTART: AlarmType.PROCESSING_ERROR_ALARM,
    K.RESOURCE: AlarmType.PROCESSING_ERROR_ALARM,
    K.THRESHOLD: AlarmType.QUALITY_OF_SERVICE_ALARM,
    K.SERVICE: AlarmType.QUALITY_OF_SERVICE_ALARM,
    K.AUTHENTICATION: AlarmType.SECURITY_SERVICE_OR_MECHANISM_VIOLATION,
    # Somebody at work, and what no row knows, is no alarm of any type.
    K.CONFIGURATION: None,
    K.LOGIN: None,
    K.OTHER: None,
}
"""The alarm type of each kind, by the probable causes X.733 lists under it."""

INITIATORS: tuple[tuple[str, Literal["local", "remote"] | None], ...] = (
    # A timer that ran out says nothing about which end fell silent, whoever notices it first.
    (
        r"hold(?:ing)?[- ]?time|hold timer|dead timer|inactivity|keepalive time|detect(?:ion)? time|aged out",
        None,
    ),
    (
        r"notification received|received notification|notification recv|recvnotify|received cease|cease received",
        "remote",
    ),
    (
        r"peer clos|closed by (?:the )?(?:peer|remote|neighbou?r)|closing down the session|peer reset",
        "remote",
    ),
    (
        r"by peer|by remote|remote (?:end|side|peer|node|fault|defect|shut)|neighbou?r signaled|rem(?:ote)? adm",
        "remote",
    ),
    (
        r"user|clear requested|requested by operator|interface flap|admin(?:istrative(?:ly)?)?[ .-]*(?:reset|down|shut)",
        "local",
    ),
    (
        r"local(?:ly)?\b|config(?:uration)? (?:change|deleted|removed)|neighbou?r deleted|deconfig|peer deleted|no shutdown|event stop|^stop$",
        "local",
    ),
    (r"cease notification sent|notification sent", "local"),
)
"""Which end started it, by the words of the reason; read top down, case ignored."""

UP_STATES = frozenset(
    "up established full loaded operational active online inserted restored recovered ok normal"
    " enabled inservice in-service joined slave reachable connected synchronized synchronised locked"
    " cleared resumed synced new good forwarding complete present available".split()
)
DOWN_STATES = frozenset(
    "down idle failed failure fail lost inactive offline removed absent missing unreachable"
    " disconnected dead disabled outofservice out-of-service left faulty critical expired timeout"
    " unlocked unsynchronized unsynchronised holdover freerun aborted crashed terminated exited"
    " blocked broken set raised uncalibrated listening unavailable closed deleted".split()
)
