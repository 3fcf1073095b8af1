"""A corpus of configuration lines with secrets: templates by vendor, `{}` marks the secret."""

from __future__ import annotations

TYPE_7, TYPE_5, TYPE_9J = "070C285F4D06", "$1$mERr$hx5rVt7rPNoS4wqbXKX7m0", "$9$ab12Cd34Ef56.Gh"
PLAIN, QUOTED = "S3cr3tW0rd", "Blue Horse 7"
CIPHER_VRP = "%^%#Q>kD'x;4(Xq{%^%#"
HEX = "5D7A3C9B1E2F40516273849506172839"

IOS = """
enable secret 5 {5}
enable secret 9 $9$nhEmQVczB7dqsO$X.HsgL6x1il0RxkOSSvyQYwucySCt7qFm4v7pqCxkKM|
enable password {p}
enable password level 7 7 {7}
enable algorithm-type scrypt secret {p}
username oper privilege 15 password 0 {p}
username oper privilege 15 secret 5 {5}
username oper password 7 {7}
snmp-server community {p} RO 10
snmp-server community {p} view ALL RW SNMP-ACL
snmp-server host 192.0.2.10 version 2c {p}
snmp-server host 192.0.2.10 vrf MGMT version 2c {p} bgp ospf
snmp-server host 192.0.2.10 informs version 3 priv {p}
snmp-server user nms GRP v3 auth sha {p} priv aes 128 {p2}
tacacs-server host 192.0.2.20 key {p}
tacacs-server key 7 {7}
radius-server host 192.0.2.21 auth-port 1812 acct-port 1813 key {p}
radius-server key 7 {7}
 key 7 {7}
 server-private 192.0.2.22 key 7 {7}
 key-string 7 {7}
 key-string {p}
 neighbor 10.0.0.2 password 7 {7}
 neighbor CORE password {p}
 ip ospf authentication-key {p}
 ip ospf authentication-key 7 {7}
 ip ospf message-digest-key 1 md5 {p}
 ip ospf message-digest-key 1 md5 7 {7}
 isis password {p} level-2
 area-password {p}
 domain-password {p}
 standby 1 authentication md5 key-string {p}
 standby 1 authentication {p}
 vrrp 1 authentication text {p}
ntp authentication-key 5 md5 {7} 7
crypto isakmp key {p} address 198.51.100.7
 pre-shared-key local {p}
 pre-shared-key address 0.0.0.0 key {p}
ip ftp password 7 {7}
ip http client password {p}
 ppp chap password 0 {p}
 ppp pap sent-username ISP password 7 {7}
 wpa-psk ascii 0 {p}
 password 7 {7}
key config-key password-encrypt {p}
ip scp password {p}
 mpls ldp neighbor 10.0.0.9 password {p}
mpls ldp neighbor 10.0.0.9 password 7 {7}
aaa server radius dynamic-author client 192.0.2.3 server-key 7 {7}
archive path ftp://backup:{p}@192.0.2.30/cfg
 authentication key-string {p}
"""
IOS_XR = """
 secret 5 {5}
 password 7 {7}
 secret 10 $6$qqqq$8mPPkYfUF2q9yE.7hFTqUe2VYKPqiRFqQ9V8oY2mYbE/|
snmp-server community {p} RO IPv4 ACL
snmp-server host 192.0.2.10 traps version 2c {p}
snmp-server traps host 192.0.2.10 version 2c {p}
snmp-server user nms GRP v3 auth md5 encrypted {7} priv des56 encrypted {7b}
  password encrypted {7}
  hello-password hmac-md5 encrypted {7}
 lsp-password hmac-md5 encrypted {7} level 2
   message-digest-key 1 md5 encrypted {7}
   authentication-key encrypted {7}
  key-string password {7}
tacacs-server host 192.0.2.20 port 49 key 7 {7}
radius-server host 192.0.2.21 auth-port 1645 acct-port 1646 key 7 {7}
ntp authentication-key 1 md5 encrypted {7}
   neighbor 10.0.0.5 password encrypted {7}
    password clear {p}
"""
NX_OS = """
username admin password 5 $5$abcdEFGH$VQqQ8lMgGEoW0VIiTeyTx9H3Z9a2|  role network-operator
snmp-server community {p} group network-operator
snmp-server user admin network-admin auth md5 0x{h} priv 0x{h2} localizedkey
snmp-server host 192.0.2.10 traps version 2c {p}
feature-secret {p}
tacacs-server key 7 "{p}"
radius-server host 192.0.2.21 key 7 "{p}" authentication accounting
    password 3 {h}
  ip ospf authentication-key 3 {h}
  ip ospf message-digest-key 1 md5 3 {h}
  key-string 7 {7}
  hsrp 1 authentication text {p}
    authentication md5 key-string {p}
"""
EOS = """
username admin privilege 15 role admin secret sha512 $6$SiZM/i.Tl3$FtP2gcIwaxMPMc3jAvvzhnPrO|
enable password sha512 $6$abcd$FtP2gcIwaxMPMc3jAvvzhnPrOVYzuXURByKI4CE6H/nL|
enable secret {p}
snmp-server community {p} ro
snmp-server host 192.0.2.10 version 2c {p}
tacacs-server key 7 {7}
radius-server key 7 {7}
   neighbor 10.0.0.2 password 7 {7}
   neighbor SPINES password 7 {7}
   ip ospf message-digest-key 1 sha512 7 {7}
   ip ospf authentication-key 7 {7}
   isis authentication key 7 {7}
   ip vrrp 1 authentication text {p}
ntp authentication-key 1 md5 7 {7}
   key 7 {7}
"""
JUNOS = """
            encrypted-password "{5}"; ## SECRET-DATA
        encrypted-password "$6$Xy12ab34$8mPPkYfUF2q9yE.7hFTqUe2VYKPqiRFqQ9V8oY2mYbE"|;
                authentication-key "{9}"; ## SECRET-DATA
            secret "{9}"; ## SECRET-DATA
            authentication-key "{q}";
        pre-shared-key ascii-text "{9}";
        pre-shared-key hexadecimal "{9}";
    authentication-key 1 type md5 value "{9}";
                        md5 1 key "{9}";
                simple-password "{9}";
                    hello-authentication-key "{9}";
            authentication-password "{9}";
            privacy-password "{9}";
                privacy-key "{9}";
            ssh-rsa "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ| oper@noc";
set system root-authentication encrypted-password "{5}"
set system login user oper authentication encrypted-password "{5}"
set snmp community {p} authorization read-only
set snmp v3 snmp-community X community-name "{9}"
set system radius-server 192.0.2.9 secret "{9}"
set system tacplus-server 192.0.2.9 secret "{9}"
set protocols bgp group CORE authentication-key "{9}"
set protocols bgp group CORE neighbor 10.0.0.2 authentication-key {p}
set protocols ospf area 0.0.0.0 interface ge-0/0/0.0 authentication md5 1 key "{9}"
set protocols isis level 2 authentication-key "{9}"
set protocols ldp session 10.0.0.1 authentication-key "{9}"
set security ike policy P pre-shared-key ascii-text "{9}"
set system ntp authentication-key 1 type md5 value "{9}"
set security authentication-key-chains key-chain K key 0 secret "{9}"
set snmp trap-group {p} targets 192.0.2.10
set system archival configuration archive-sites "scp://user:{p}@192.0.2.1/x"
set access radius-server 192.0.2.4 secret {p}
"""
SR_OS = """
                community "{p}" hash2 rwa version both
                community "{p}" hash2 access-permissions r
            password "$2y$10$TQrZlpBDra86.qoexZUzQeBXDY1FcdDhGWdD9lLxMuFyPVSm0OGy6"|
                    authentication-key "{p}" hash2
                message-digest-key 1 md5 "{p}" hash2
                hello-authentication-key "{p}" hash2
                    server 1 address 192.0.2.20 secret "{p}" hash2
                    authentication-key "{p}"
            authentication-key 1 key "{p}" hash2 type message-digest
                md5-key "{p}" hash2
            pre-shared-key "{p}" hash2
                trap-target "nms" address 192.0.2.10 snmpv2c notify-community "{p}"
                        community "{p} hash2" {{
                        password "{p} hash2"
                    secret "{p} hash2"
        authentication-key "{p} hash2"
/configure system security user-params local-user user "o" password "$2y$10$TQrZlpBDra86.qo"|
/configure router "Base" bgp neighbor "10.0.0.2" authentication-key "{p} hash2"
/configure system security snmp community "{p} hash2" access-permissions r
/configure system security tacplus server 1 secret "{p} hash2"
"""
VRP = """
 local-user oper password irreversible-cipher {v}
 local-user oper password cipher {v}
local-user oper password simple {p}
super password level 3 cipher {v}
 set authentication password cipher {v}
snmp-agent community read cipher {v}
snmp-agent community write {p}
snmp-agent usm-user v3 nms authentication-mode sha cipher {v}
snmp-agent usm-user v3 nms privacy-mode aes128 cipher {v}
snmp-agent target-host trap address udp-domain 192.0.2.10 params securityname cipher {v} v2c
 peer 10.0.0.2 password cipher {v}
 peer 10.0.0.2 password simple {p}
 ospf authentication-mode md5 1 cipher {v}
 ospf authentication-mode hmac-sha256 1 plain {p}
 ospf authentication-mode simple plain {p}
 isis authentication-mode md5 cipher {v}
 isis authentication-mode simple plain {p}
 area-authentication-mode md5 cipher {v}
 domain-authentication-mode md5 cipher {v}
 md5-password cipher 10.0.0.9 {v}
radius-server shared-key cipher {v}
hwtacacs-server shared-key cipher {v}
 pre-shared-key cipher {v}
 vrrp vrid 1 authentication-mode md5 {p}
ntp-service authentication-keyid 1 authentication-mode md5 cipher {v}
 key-string cipher {v}
 ftp client-password cipher {v}
"""
XML_JSON = """
<password>{p}</password>
  <secret xmlns="urn:x">{p}</secret>
<authentication-key>{q}</authentication-key>
<snmp:community>{p}</snmp:community>
<auth-password>{p}</auth-password>
<key-string>{p}</key-string>
  <key>{p}</key>
<encrypted-password>{5}</encrypted-password>
<shared-key>{q}</shared-key>
"password": "{p}",
  "secret": "{q}",
"auth-password": "{p}",
"snmpCommunity": "{p}",
"presharedKey": "{p}",
"privateKey": "{p}",
"apiKey": "{p}",
"token": "{p}",
"opc": "{h}",
"permanentKeyValue": "{h}",
    password: {p}
    secret: '{q}'
    opc: {h}
    op: {h}
      dbPassword: {p}
DATABASE_PASSWORD={p}
url: mongodb://user:{p}@db.example.net:27017/
Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.abcDEF123456|
aws_access_key_id = AKIAIOSFODNN7EXAMPLE|
"""

FORTIOS = """
        set password ENC {p}
        set passwd ENC {p}
        set psksecret ENC {p}
        set psksecret {p}
        set secret ENC {p}
        set secondary-secret ENC {p}
        set key ENC {p}
        set auth-pwd ENC {p}
        set priv-pwd ENC {p}
        set passphrase ENC {p}
            set password {p}
"""
ROUTEROS = """
add name=user1 password={p} service=pppoe
add address=192.0.2.1 secret={p} service=login
add mode=dynamic-keys name=wifi wpa2-pre-shared-key={p}
add as=65000 name=pe2 remote.address=10.0.0.2 tcp-md5-key={p}
add auth=sha1 authentication-password={p} encryption-password={p2}
add interface=wg0 private-key="{p}"
add address=198.51.100.1/32 peer=hq secret="{p}"
add security.passphrase={p} ssid=noc
"""
HOSTS = """
password {p}
enable password {p}
 neighbor 10.0.0.2 password {p}
 ip ospf message-digest-key 1 md5 {p}
rocommunity {p} default
rwcommunity6 {p}
com2sec readonly default {p}
set mgt-config users admin phash {5}
set network virtual-router default protocol bgp auth-profile A secret {p}
<phash>{5}</phash>
"""

_VENDORS = {
    "IOS": IOS,
    "IOS-XR": IOS_XR,
    "NX-OS": NX_OS,
    "EOS": EOS,
    "Junos": JUNOS,
    "SR OS": SR_OS,
    "VRP": VRP,
    "FortiOS": FORTIOS,
    "RouterOS": ROUTEROS,
    "FRR, net-snmp, PAN-OS": HOSTS,
    "XML, JSON, YAML": XML_JSON,
}


def secret_lines() -> list[tuple[str, str, tuple[str, ...]]]:
    """Vendor, line and the secrets in it."""
    values = {
        "5": TYPE_5,
        "7": TYPE_7,
        "7b": "13061E010803557878",
        "9": TYPE_9J,
        "p": PLAIN,
        "p2": "Other9Word",
        "q": QUOTED,
        "v": CIPHER_VRP,
        "h": HEX,
        "h2": HEX[::-1],
    }
    lines = []
    for vendor, block in _VENDORS.items():
        for template in block.strip("\n").split("\n"):
            found = tuple(value for key, value in values.items() if "{" + key + "}" in template)
            line = template.replace("{{", "\0")
            for key, value in values.items():
                line = line.replace("{" + key + "}", value)
            line = line.replace("\0", "{")
            if "|" in line:
                # A literal secret ends at the bar: it is the last word before it.
                before, _, after = line.partition("|")
                literal = before.rpartition(" ")[2].strip('"')
                found, line = (*found, literal), before + after
            lines.append((vendor, line, found))
    return lines


HARMLESS = """
router bgp 65000
 neighbor 10.0.0.2 remote-as 65001
 neighbor 10.0.0.2 send-community both
 set community 65000:100 additive
 set community no-export
ip community-list standard BLUE permit 65000:1
ip community-list expanded RED permit _65001:
service password-encryption
 match community BLUE
no aaa new-model
key chain ISIS-KEYS
 key 1
  accept-lifetime 00:00:00 january 01 2026 infinite
snmp-server enable traps bgp
snmp-server location Rack 7
snmp-server contact noc@example.net
snmp-server ifindex persist
ip ssh version 2
username oper privilege 15
 ip ospf authentication message-digest
 isis authentication mode md5
 isis authentication key-chain ISIS-KEYS
 hello-password keychain ISIS-KEYS
crypto key generate rsa modulus 2048
ip domain name example.net
interface HundredGigE0/0/0/1
 description to pe2 key customer link
 ip address 10.0.0.1 255.255.255.252
set policy-options community BLUE members 65000:1
    community BLUE members 65000:1;
 encapsulation dot1q 35
ntp server 192.0.2.1 key 5
 ip access-group INBOUND in
ntp authenticate
 privilege level 15
    authentication-order [ tacplus password ];
        set name "out"
add address=10.0.0.1/30 interface=ether1 name=uplink
        set keylife 86400
        set password-policy enable
""".strip("\n").split("\n")
