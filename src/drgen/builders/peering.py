"""The peering of two regions' VPCs, owned by a recovery region, and the routes of each side.

Source: Amazon VPC Peering Guide, "How VPC peering connections work"; registry schema AWS::EC2::VPCPeeringConnection.
"""

from __future__ import annotations

from troposphere import Ref, Tags, ec2

from drgen.builders.network import Network, title_of
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import PEERING_ID, Value


def peering(stack: StackDraft, names: Names, *, own: Network, peer: Network, among_several: bool = False) -> Value:
    """A connection requested by `own` and accepted by CloudFormation in the same account, with own's routes.

    `among_several` lets the ids say the peer's region: for stacks that deal with more than one peer.
    """
    to, tag = (f"To{title_of(peer.region)}", f"-to-{peer.region}") if among_several else ("", "")
    connection = ec2.VPCPeeringConnection(
        f"Peering{to}",
        VpcId=stack.use(own.vpc_id),
        PeerVpcId=stack.use(peer.vpc_id),
        PeerRegion=peer.region,
        Tags=Tags(Name=names.regional(f"peering{tag}")),
    )
    stack.add(connection, why="The peer VPC lives in the other region and must exist there first.")
    value = stack.value(f"PeeringConnectionId{to}", Ref(connection), PEERING_ID, "Peering of the two VPCs")
    routes(stack, connection=value, own=own, peer=peer, among_several=among_several)
    return value


def routes(stack: StackDraft, *, connection: Value, own: Network, peer: Network, among_several: bool = False) -> None:
    """The route from every private subnet of `own` to the block of `peer`: each side needs its own, in its region."""
    title = title_of(peer.region) if among_several else "Peer"
    for table in own.route_tables:
        stack.add(
            ec2.Route(
                f"RouteTo{title}{table.zone}",
                RouteTableId=stack.use(table.table_id),
                DestinationCidrBlock=str(peer.cidr),
                VpcPeeringConnectionId=stack.use(connection),
            )
        )
