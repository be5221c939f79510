"""Addresses of computers in a network, IPv4 and IPv6."""

from ipaddress import ip_address

from datasets.personal._base import Kind


def valid(text: str) -> bool:
    bare = text.strip()
    if len(bare) > 45 or not (bare.count(".") == 3 or bare.count(":") >= 2):
        return False
    try:
        ip_address(bare)
    except ValueError:
        return False
    return True


KIND = Kind(
    name="ip_address",
    label="IP address",
    names=("ip", "ip address", "ipaddress", "ipaddr", "ip addr", "remote addr", "client ip"),
    valid=valid,
    certainty=0.9,
    named=0.4,
)
