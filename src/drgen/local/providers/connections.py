"""AWS::EC2: what leads out of a network: peering connections and endpoints."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from drgen.local.providers.ec2 import describe, ec2_tags
from drgen.local.providers.provider import Provider, ResourceFailed
from drgen.local.providers.work import Resource, Work, call, is_missing, settles


def _not_stable(work: Work, connection: str = "") -> ResourceFailed:
    identifier = connection or f"pcx-{secrets.token_hex(9)[:17]}"
    text = f"Resource of type '{work.desired.type}' with identifier '{identifier}' did not stabilize."
    return ResourceFailed(text, code="NotStabilized")


def _blocks(work: Work, vpc: str, region: str) -> list[ipaddress.IPv4Network]:
    found = describe(work.api("ec2", region), "describe_vpcs", "Vpcs", VpcIds=[vpc])
    blocks = {found["CidrBlock"]} | {a["CidrBlock"] for a in found.get("CidrBlockAssociationSet", [])}
    return [ipaddress.IPv4Network(block) for block in sorted(blocks)]


def _make_peering(work: Work) -> str:
    """A connection within the account is accepted at once, from the peer's region (facts of the type's page).

    A peer that does not exist in PeerRegion and blocks that overlap both leave the connection failed, which
    CloudFormation reports as not stabilised.
    """
    vpc, peer = str(work.properties["VpcId"]), str(work.properties["PeerVpcId"])
    peer_region = str(work.properties.get("PeerRegion") or work.region)
    owner = str(work.properties.get("PeerOwnerId") or work.env.account)
    if owner != work.env.account:
        raise ResourceFailed("The embedded AWS has one account; PeerOwnerId is another", code="InvalidRequest")
    ours = _blocks(work, vpc, work.region)
    try:
        theirs = _blocks(work, peer, peer_region)
    except (ClientError, ResourceFailed) as error:
        if isinstance(error, ClientError) and not is_missing(error):
            raise
        raise _not_stable(work) from error
    if any(a.overlaps(b) for a in ours for b in theirs):
        raise _not_stable(work)
    client = work.api("ec2")
    made = client.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=peer, PeerRegion=peer_region, PeerOwnerId=owner)
    connection = str(made["VpcPeeringConnection"]["VpcPeeringConnectionId"])
    work.api("ec2", peer_region).accept_vpc_peering_connection(VpcPeeringConnectionId=connection)
    if not settles(lambda: _peering_state(work, connection) == "active"):
        raise _not_stable(work, connection)
    return connection


def _peering_state(work: Work, connection: str) -> str:
    found = describe(
        work.api("ec2"),
        "describe_vpc_peering_connections",
        "VpcPeeringConnections",
        VpcPeeringConnectionIds=[connection],
    )
    return str(found["Status"]["Code"])


def _remove_peering(work: Work, connection: str) -> None:
    work.api("ec2").delete_vpc_peering_connection(VpcPeeringConnectionId=connection)


def _endpoint(work: Work, endpoint: str) -> dict[str, Any]:
    return describe(work.api("ec2"), "describe_vpc_endpoints", "VpcEndpoints", VpcEndpointIds=[endpoint])


def _make_endpoint(work: Work) -> str:
    given = work.properties
    service = str(given.get("ServiceName", ""))
    region = str(given.get("ServiceRegion") or work.region)
    if service.startswith("com.amazonaws.") and f".{region}." not in service:
        # Source: EC2 API error code InvalidServiceName.
        raise ResourceFailed(f"The Vpc Endpoint Service '{service}' does not exist", code="InvalidRequest")
    return str(call(work.api("ec2"), "create_vpc_endpoint", given)["VpcEndpoint"]["VpcEndpointId"])


def _change_endpoint(work: Work, endpoint: str) -> None:
    """Sends what was added and what was removed, as ModifyVpcEndpoint wants it."""
    sets: dict[str, list[str]] = {}
    for prop, word in (
        ("RouteTableIds", "RouteTableIds"),
        ("SubnetIds", "SubnetIds"),
        ("SecurityGroupIds", "SecurityGroupIds"),
    ):
        new, old = (set(side.get(prop) or ()) for side in (work.properties, work.desired.previous))
        sets |= {f"Add{word}": sorted(new - old), f"Remove{word}": sorted(old - new)}
    more: dict[str, Any] = {name: ids for name, ids in sets.items() if ids}
    for prop in ("PolicyDocument", "PrivateDnsEnabled"):
        if work.changed(prop) and prop in work.properties:
            more[prop] = work.properties[prop]
    if work.changed("PolicyDocument") and "PolicyDocument" not in work.properties:
        more["ResetPolicy"] = True
    if more:
        call(work.api("ec2"), "modify_vpc_endpoint", more, VpcEndpointId=endpoint)


def _read_endpoint(work: Work, endpoint: str) -> Mapping[str, Any]:
    found = _endpoint(work, endpoint)
    entries = [f"{e.get('HostedZoneId', '')}:{e.get('DnsName', '')}" for e in found.get("DnsEntries", [])]
    return {
        "Id": endpoint,
        "CreationTimestamp": str(found.get("CreationTimestamp", "")),
        "DnsEntries": entries,
        "NetworkInterfaceIds": list(found.get("NetworkInterfaceIds", [])),
    }


CONNECTION_PROVIDERS: Mapping[str, Provider] = {
    "AWS::EC2::VPCPeeringConnection": Resource(
        make=_make_peering, settle=ec2_tags, read=lambda _, connection: {"Id": connection}, remove=_remove_peering
    ),
    "AWS::EC2::VPCEndpoint": Resource(
        make=_make_endpoint,
        change=_change_endpoint,
        settle=ec2_tags,
        read=_read_endpoint,
        remove=lambda work, endpoint: work.api("ec2").delete_vpc_endpoints(VpcEndpointIds=[endpoint]),
    ),
}
