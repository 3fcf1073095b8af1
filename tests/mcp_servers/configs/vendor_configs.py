"""One small configuration for each syntax; they all say the same about one element."""

from __future__ import annotations

IOS = """!
version 15.2
hostname pe1
!
vrf definition BLUE
 rd 65000:1
!
interface Loopback0
 ip address 10.255.0.1 255.255.255.255
!
interface GigabitEthernet0/1
 description to pe2
 mtu 9000
 ip address 10.0.0.1 255.255.255.252
 ip ospf network point-to-point
 ip ospf 1 area 0
!
interface GigabitEthernet0/2
 shutdown
!
router bgp 65000
 neighbor 10.0.0.2 remote-as 65001
 neighbor 10.0.0.2 route-map INBOUND in
!
route-map INBOUND permit 10
 set local-preference 200
!
end
"""
IOS_XR = """!! IOS XR Configuration version = 6.2.2
hostname pe1
vrf BLUE
 address-family ipv4 unicast
 !
!
interface Loopback0
 ipv4 address 10.255.0.1 255.255.255.255
!
interface HundredGigE0/0/0/1
 description to pe2
 mtu 9014
 ipv4 address 10.0.0.1 255.255.255.252
!
interface HundredGigE0/0/0/2
 shutdown
!
route-policy INBOUND
  if destination in ALLOWED then
    pass
  endif
end-policy
!
router ospf 1
 area 0
  interface HundredGigE0/0/0/1
   network point-to-point
  !
 !
!
router bgp 65000
 neighbor 10.0.0.2
  remote-as 65001
  address-family ipv4 unicast
   route-policy INBOUND in
  !
 !
!
end
"""
NX_OS = """!Command: show running-config
version 9.3(8)
hostname pe1
feature bgp
feature ospf
vrf context BLUE
  rd 65000:1
interface loopback0
  ip address 10.255.0.1/32
interface Ethernet1/1
  description to pe2
  no switchport
  mtu 9000
  ip address 10.0.0.1/30
  ip ospf network point-to-point
  ip router ospf 1 area 0.0.0.0
interface Ethernet1/2
  shutdown
router bgp 65000
  neighbor 10.0.0.2
    remote-as 65001
    address-family ipv4 unicast
      route-map INBOUND in
route-map INBOUND permit 10
  set local-preference 200
"""
EOS = """! Command: show running-config
! device: pe1 (vEOS, EOS-4.23.0.1F)
!
hostname pe1
!
vrf instance BLUE
!
interface Ethernet1
   description to pe2
   mtu 9000
   no switchport
   ip address 10.0.0.1/30
   ip ospf network point-to-point
   ip ospf area 0.0.0.0
!
interface Ethernet2
   shutdown
!
interface Loopback0
   ip address 10.255.0.1/32
!
route-map INBOUND permit 10
   set local-preference 200
!
router bgp 65000
   neighbor 10.0.0.2 remote-as 65001
   neighbor 10.0.0.2 route-map INBOUND in
!
end
"""
JUNOS = """## Last commit: 2026-03-01 10:00:00 UTC by oper
version 21.4R3;
system {
    host-name pe1;
}
interfaces {
    et-0/0/1 {
        description "to pe2";
        mtu 9014;
        unit 0 {
            family inet {
                address 10.0.0.1/30;
            }
        }
    }
    et-0/0/2 {
        disable;
    }
    lo0 {
        unit 0 {
            family inet {
                address 10.255.0.1/32;
            }
        }
    }
}
routing-instances {
    BLUE {
        instance-type vrf;
    }
}
routing-options {
    autonomous-system 65000;
}
protocols {
    bgp {
        group EXTERNAL {
            import INBOUND;
            neighbor 10.0.0.2 {
                peer-as 65001;
            }
        }
    }
    ospf {
        area 0.0.0.0 {
            interface et-0/0/1.0 {
                interface-type p2p;
            }
        }
    }
}
policy-options {
    policy-statement INBOUND {
        term ALL {
            then {
                local-preference 200;
                accept;
            }
        }
    }
}
"""
JUNOS_SET = """set version 21.4R3
set system host-name pe1
set interfaces et-0/0/1 description "to pe2"
set interfaces et-0/0/1 mtu 9014
set interfaces et-0/0/1 unit 0 family inet address 10.0.0.1/30
set interfaces et-0/0/2 disable
set interfaces lo0 unit 0 family inet address 10.255.0.1/32
set routing-instances BLUE instance-type vrf
set routing-options autonomous-system 65000
set protocols bgp group EXTERNAL import INBOUND
set protocols bgp group EXTERNAL neighbor 10.0.0.2 peer-as 65001
set protocols ospf area 0.0.0.0 interface et-0/0/1.0 interface-type p2p
set policy-options policy-statement INBOUND term ALL then local-preference 200
"""
SR_OS = """# TiMOS-C-20.10.R1 cpm/hops64 Nokia 7750 SR
# Generated SUN MAR 01 10:00:00 2026 UTC
exit all
configure
#--------------------------------------------------
echo "System Configuration"
#--------------------------------------------------
    system
        name "pe1"
    exit
    port 1/1/1
        description "to pe2"
        ethernet
            mtu 9014
        exit
        no shutdown
    exit
    port 1/1/2
        shutdown
    exit
    router Base
        interface "system"
            address 10.255.0.1/32
        exit
        interface "to-pe2"
            address 10.0.0.1/30
            port 1/1/1
        exit
        autonomous-system 65000
        policy-options
            begin
            policy-statement "INBOUND"
                entry 10
                    action accept
                    exit
                exit
            exit
            commit
        exit
        ospf 0
            area 0.0.0.0
                interface "to-pe2"
                    interface-type point-to-point
                exit
            exit
        exit
        bgp
            group "external"
                import "INBOUND"
                neighbor 10.0.0.2
                    peer-as 65001
                exit
            exit
        exit
    exit
    service
        vprn 10 name "BLUE" customer 1 create
        exit
    exit
exit all
"""
SR_OS_MD = """# TiMOS-C-21.10.R1 cpm/x86_64 Nokia 7750 SR
configure {
    port 1/1/1 {
        admin-state enable
        description "to pe2"
        ethernet {
            mtu 9014
        }
    }
    port 1/1/2 {
        admin-state disable
    }
    policy-options {
        policy-statement "INBOUND" {
            default-action {
                action-type accept
            }
        }
    }
    router "Base" {
        autonomous-system 65000
        interface "system" {
            ipv4 {
                primary {
                    address 10.255.0.1
                    prefix-length 32
                }
            }
        }
        interface "to-pe2" {
            port 1/1/1
            ipv4 {
                primary {
                    address 10.0.0.1
                    prefix-length 30
                }
            }
        }
        bgp {
            group "external" {
            }
            neighbor "10.0.0.2" {
                group "external"
                peer-as 65001
                import {
                    policy ["INBOUND"]
                }
            }
        }
        ospf 0 {
            area 0.0.0.0 {
                interface "to-pe2" {
                    interface-type point-to-point
                }
            }
        }
    }
    service {
        vprn "BLUE" {
            customer "1"
        }
    }
    system {
        name "pe1"
    }
}
"""
SR_OS_FLAT = """/configure system name "pe1"
/configure port 1/1/1 description "to pe2"
/configure port 1/1/1 ethernet mtu 9014
/configure port 1/1/2 admin-state disable
/configure policy-options policy-statement "INBOUND" default-action action-type accept
/configure router "Base" autonomous-system 65000
/configure router "Base" interface "system" ipv4 primary address 10.255.0.1
/configure router "Base" interface "to-pe2" port 1/1/1
/configure router "Base" interface "to-pe2" ipv4 primary address 10.0.0.1
/configure router "Base" bgp neighbor "10.0.0.2" group "external"
/configure router "Base" bgp neighbor "10.0.0.2" peer-as 65001
/configure router "Base" bgp neighbor "10.0.0.2" import policy ["INBOUND"]
/configure router "Base" ospf 0 area 0.0.0.0 interface "to-pe2" interface-type point-to-point
/configure service vprn "BLUE" customer "1"
"""
VRP = """!Software Version V800R021C10SPC600
#
sysname pe1
#
ip vpn-instance BLUE
 ipv4-family
  route-distinguisher 65000:1
#
interface LoopBack0
 ip address 10.255.0.1 255.255.255.255
#
interface 100GE0/1/1
 description to pe2
 mtu 9000
 ip address 10.0.0.1 255.255.255.252
 ospf network-type p2p
 ospf enable 1 area 0.0.0.0
#
interface 100GE0/1/2
 shutdown
#
bgp 65000
 peer 10.0.0.2 as-number 65001
 #
 ipv4-family unicast
  peer 10.0.0.2 route-policy INBOUND import
#
route-policy INBOUND permit node 10
 apply local-preference 200
#
return
"""
XML = """<?xml version="1.0" encoding="UTF-8"?>
<data xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">
  <system>
    <hostname>pe1</hostname>
  </system>
  <interfaces>
    <interface>
      <name>HundredGigE0/0/0/1</name>
      <description>to pe2</description>
      <mtu>9000</mtu>
      <ipv4>
        <address>
          <ip>10.0.0.1</ip>
          <prefix-length>30</prefix-length>
        </address>
      </ipv4>
    </interface>
    <interface>
      <name>HundredGigE0/0/0/2</name>
      <enabled>false</enabled>
    </interface>
  </interfaces>
  <bgp>
    <neighbor>
      <neighbor-address>10.0.0.2</neighbor-address>
      <config>
        <peer-as>65001</peer-as>
      </config>
    </neighbor>
  </bgp>
</data>
"""
JSON = """{
  "hostname": "pe1",
  "interfaces": {
    "interface": [
      {
        "name": "Ethernet1",
        "description": "to pe2",
        "mtu": 9000,
        "ipv4": {"address": [{"ip": "10.0.0.1", "prefix-length": 30}]}
      },
      {
        "name": "Ethernet2",
        "enabled": false
      }
    ]
  },
  "bgp": {
    "neighbor": [
      {
        "neighbor-address": "10.0.0.2",
        "config": {
          "peer-as": 65001
        }
      }
    ]
  }
}
"""

FORTIOS = """#config-version=FGT60F-7.2.5-FW-build1517-230606:opmode=0:vdom=0:user=admin
config system global
    set hostname "pe1"
end
config system interface
    edit "port1"
        set vdom "root"
        set ip 10.0.0.1 255.255.255.252
        set mtu-override enable
        set mtu 9000
        set alias "to pe2"
    next
    edit "port2"
        set status down
    next
end
config router bgp
    set as 65000
    config neighbor
        edit "10.0.0.2"
            set remote-as 65001
            set route-map-in "INBOUND"
        next
    end
end
config router route-map
    edit "INBOUND"
        config rule
            edit 1
                set set-local-preference 200
            next
        end
    next
end
"""
ROUTEROS = """# 2026-03-02 10:00:00 by RouterOS 7.12
# software id = ABCD-1234
#
/interface ethernet
set [ find default-name=ether1 ] comment="to pe2" mtu=9000
set [ find default-name=ether2 ] disabled=yes
/ip address
add address=10.0.0.1/30 interface=ether1 network=10.0.0.0
/routing bgp connection
add as=65000 input.filter=INBOUND local.role=ebgp name=pe2 remote.address=\
    10.0.0.9
add as=65000 name=pe3 remote.address=10.0.0.2/32 .as=65001
/routing filter rule
add chain=INBOUND rule="set bgp-local-pref 200; accept"
/system identity
set name=pe1
"""
FRR = """frr version 8.4.3
frr defaults traditional
hostname pe1
service integrated-vtysh-config
!
interface swp1
 description to pe2
 mtu 9000
 ip address 10.0.0.1/30
 ip ospf area 0
 ip ospf network point-to-point
!
interface swp2
 shutdown
!
vrf BLUE
 vni 4001
exit-vrf
!
router bgp 65000
 neighbor 10.0.0.2 remote-as 65001
 neighbor 10.0.0.2 route-map INBOUND in
!
route-map INBOUND permit 10
 set local-preference 200
!
line vty
"""
PAN_OS_SET = """set deviceconfig system hostname pe1
set network interface ethernet ethernet1/1 comment "to pe2"
set network interface ethernet ethernet1/1 layer3 mtu 9000
set network interface ethernet ethernet1/1 layer3 ip 10.0.0.1/30
set network interface ethernet ethernet1/2 link-state down
set network virtual-router default protocol bgp local-as 65000
set network virtual-router default protocol bgp peer-group EXT peer PE2 peer-address ip 10.0.0.2
set network virtual-router default protocol bgp peer-group EXT peer PE2 peer-as 65001
set rulebase security rules "out" from trust
"""
PAN_OS_XML = """<?xml version="1.0"?>
<config version="10.1.0" urldb="paloaltonetworks">
  <devices>
    <entry name="localhost.localdomain">
      <deviceconfig>
        <system>
          <hostname>pe1</hostname>
        </system>
      </deviceconfig>
      <network>
        <interface>
          <ethernet>
            <entry name="ethernet1/1">
              <layer3>
                <mtu>9000</mtu>
                <ip>
                  <entry name="10.0.0.1/30"/>
                </ip>
              </layer3>
            </entry>
            <entry name="ethernet1/2">
              <link-state>down</link-state>
            </entry>
          </ethernet>
        </interface>
        <virtual-router>
          <entry name="default">
            <protocol>
              <bgp>
                <local-as>65000</local-as>
                <peer-group>
                  <entry name="EXT">
                    <peer>
                      <entry name="PE2">
                        <peer-address>
                          <ip>10.0.0.2</ip>
                        </peer-address>
                        <peer-as>65001</peer-as>
                      </entry>
                    </peer>
                  </entry>
                </peer-group>
              </bgp>
            </protocol>
          </entry>
        </virtual-router>
      </network>
    </entry>
  </devices>
</config>
"""

VENDORS = {
    "ios": (IOS, "GigabitEthernet0/1", "GigabitEthernet0/2"),
    "ios_xr": (IOS_XR, "HundredGigE0/0/0/1", "HundredGigE0/0/0/2"),
    "nx_os": (NX_OS, "Ethernet1/1", "Ethernet1/2"),
    "eos": (EOS, "Ethernet1", "Ethernet2"),
    "junos": (JUNOS, "et-0/0/1.0", "et-0/0/2"),
    "junos_set": (JUNOS_SET, "et-0/0/1.0", "et-0/0/2"),
    "sr_os": (SR_OS, "to-pe2", "1/1/2"),
    "sr_os_md": (SR_OS_MD, "to-pe2", "1/1/2"),
    "sr_os_flat": (SR_OS_FLAT, "to-pe2", "1/1/2"),
    "vrp": (VRP, "100GE0/1/1", "100GE0/1/2"),
    "fortios": (FORTIOS, "port1", "port2"),
    "routeros": (ROUTEROS, "ether1", "ether2"),
    "frr": (FRR, "swp1", "swp2"),
    "pan_os_set": (PAN_OS_SET, "ethernet1/1", "ethernet1/2"),
    "pan_os_xml": (PAN_OS_XML, "ethernet1/1", "ethernet1/2"),
    "netconf_xml": (XML, "HundredGigE0/0/0/1", "HundredGigE0/0/0/2"),
    "json": (JSON, "Ethernet1", "Ethernet2"),
}
"""Grammar -> text, the interface with the address, the one that is shut down."""

MODELS = ("netconf_xml", "json", "fortios", "routeros", "pan_os_set", "pan_os_xml")
"""No routing policies, VRFs or OSPF of ports are told from them."""
