"""Fields whose name declares what their value is; a declaration beats every pattern."""

from __future__ import annotations

from functools import lru_cache

from telecom.identifiers.kinds import IdentifierKind

_NAMES: dict[IdentifierKind, str] = {
    IdentifierKind.SUBSCRIBER: (
        "imsi supi supiorsuci suci gpsi msisdn msisdns guti 5gguti tmsi 5gtmsi stmsi"
        " mtmsi 5gstmsi nai impi impu"
        " subscriberid subscriberidentity subscribernumber subscriber mdn"
        " callingstationid callingpartynumber"
        " calledpartynumber callingnumber callednumber anumber bnumber callerid phone phonenumber"
        " telephone telephonenumber tel mobile mobilenumber mobilephone cellphone fax faxnumber"
        " contactphone contactnumber contacttel callbacknumber userid3gpp ueid"
        " externalid externalidentifier"
        " servedimsi servedmsisdn servedsupi servedgpsi userequipmentid"
    ),
    IdentifierKind.DEVICE: (
        "imei imeisv pei servedimei servedimeisv servedpei equipmentidentity meid"
    ),
    IdentifierKind.SIM: "iccid eid simserial simserialnumber simnumber simcardnumber euiccid",
    IdentifierKind.IP: (
        "ueip ueipaddress ueipv4 ueipv6 ueipv4address ueipv6address ueipv6prefix"
        " ueaddress framedipaddress"
        " framedipv6prefix delegatedipv6prefix subscriberip subscriberipaddress"
        " customerip customeripaddress"
        " clientip clientipaddress userip useripaddress pdnaddress pduaddress enduseraddress paa"
    ),
    IdentifierKind.MAC: (
        "uemac uemacaddress clientmac clientmacaddress subscribermac customermac cpemac stationmac"
    ),
    IdentifierKind.EMAIL: (
        "email emailaddress mail reporteremail contactemail customeremail callermail"
    ),
    IdentifierKind.PERSON: (
        "reporter reportername reportedby reportedbyname assignee assigneename"
        " assignedto caller callername customer"
        " customername customercontact contact contactname contactperson requester"
        " requestername requestor requestedby"
        " openedby closedby resolvedby raisedby createdby updatedby submittedby"
        " approvedby subscribername accountholder"
        " accountname fullname firstname lastname givenname familyname surname"
        " displayname personname onbehalfofname"
        " technician watchlist author committer"
    ),
    IdentifierKind.LOCATION: (
        "userlocation userlocationinfo uli uelocation subscriberlocation"
        " lastknownlocation homeaddress billingaddress"
        " customeraddress postaladdress streetaddress subscriberaddress"
        " installationaddress geolocation usergeolocation"
    ),
    IdentifierKind.ACCOUNT: (
        "customerid customernumber accountnumber accountid contractnumber contractid"
        " iban creditcard cardnumber ssn"
        " passportnumber nationalid taxid"
    ),
    IdentifierKind.SECRET: (
        "password passwd pwd passphrase secret psk presharedkey sharedsecret"
        " snmpcommunity communitystring"
        " privatekey apikey accesskey secretkey secretaccesskey accesstoken"
        " refreshtoken authtoken bearertoken"
        " clientsecret authorization authkey privkey authpassword privpassword"
        " enablepassword enablesecret credentials"
        " credential cookie setcookie sessionkey encryptionkey"
    ),
}
_KIND_OF = {word: kind for kind, words in _NAMES.items() for word in words.split()}

_BESIDE_SUBSCRIBER = frozenset(
    "cellid cellidentity ecgi ncgi cgi eutracgi nrcgi tai tac lac ci servingcell"
    " servingcellid latitude longitude lat"
    " lon lng coordinates gps enodebid gnbid globalranodeid".split()
)


def declared_kind(name: str, value: str = "") -> IdentifierKind | None:
    """The kind that a field's name declares; None when it declares none.

    Args:
        name: The field as spelled: `servedIMSI`, `caller_id`, `Reported by`, `x.y.imsi`.
        value: Its content: a team, a program or a number in a people field names nobody.
    """
    kind = _kind_of_name(name)
    if kind is IdentifierKind.PERSON and (_is_no_name(value) or len(value) > 80):
        return None
    return kind


def is_location_beside_subscriber(name: str) -> bool:
    """Tell whether a field locates a person when its record also names a subscriber."""
    return _packed(name) in _BESIDE_SUBSCRIBER


@lru_cache(maxsize=8192)
def _kind_of_name(name: str) -> IdentifierKind | None:
    return _KIND_OF.get(_packed(name)) or _KIND_OF.get(_packed(name.rpartition(".")[2]))


def _packed(name: str) -> str:
    return "".join(filter(str.isalnum, name)).lower()


_TEAM_WORDS = frozenset(
    "noc team group support operations ops desk service engineering monitoring system automation"
    " oxidized rancid ansible jenkins netops robot bot root admin".split()
)


def _is_no_name(value: str) -> bool:
    """A team, a program or a number in a people field is not the name of a person."""
    words = value.lower().replace("-", " ").replace("_", " ").replace("@", " ").split()
    return not any(map(str.isalpha, value)) or bool(_TEAM_WORDS & set(words))
