"""EC2's endpoints of a network, with their policy, security groups and private DNS, which the upstream emulator drops.

Source of the rules and texts: PrivateLink guide, "Access an AWS service using an interface VPC endpoint", and EC2's
answers with the codes InvalidParameter and InvalidVpcEndpointId.NotFound.
"""

from __future__ import annotations

import copy
import hashlib
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from drgen.local.api import ApiError, Call
from drgen.local.overlays.overlay import Handler, Overlay
from drgen.local.providers.provider import Environment

_OPEN = '{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}'
_SETS = ("RouteTable", "Subnet", "SecurityGroup")


class Endpoints(Overlay):
    def __init__(self, env: Environment) -> None:
        super().__init__(env, "endpoints")

    def handlers(self) -> Mapping[str, Handler]:
        return {
            "CreateVpcEndpoint": self._create,
            "DeleteVpcEndpoints": self._delete,
            "DescribeVpcEndpoints": self._describe,
            "ModifyVpcEndpoint": self._modify,
        }

    @property
    def _endpoints(self) -> dict[str, dict[str, Any]]:
        """By id, with the region under "Region", the groups' ids under "SecurityGroupIds" and each subnet's network
        interface under "Interfaces"."""
        return self._tables["endpoints"]

    def _create(self, call: Call) -> Mapping[str, Any]:
        given = call.params
        kind = str(given.get("VpcEndpointType") or "Gateway")
        endpoint: dict[str, Any] = {
            "VpcEndpointId": f"vpce-{secrets.token_hex(9)[:17]}",
            "Region": call.region,
            "VpcEndpointType": kind,
            "VpcId": str(given["VpcId"]),
            "ServiceName": str(given["ServiceName"]),
            "PolicyDocument": str(given.get("PolicyDocument") or _OPEN),
            "RouteTableIds": list(given.get("RouteTableIds") or ()),
            "SubnetIds": list(given.get("SubnetIds") or ()),
            "SecurityGroupIds": list(given.get("SecurityGroupIds") or ()),
            "PrivateDnsEnabled": bool(given.get("PrivateDnsEnabled", False)),
            "Interfaces": {},
            "Created": self._env.now(),
        }
        self._check_members(call.region, endpoint)
        self._check_private_dns(call.region, endpoint)
        self._place(endpoint)
        self._endpoints[endpoint["VpcEndpointId"]] = endpoint
        tags = [tag for spec in given.get("TagSpecifications") or () for tag in spec.get("Tags") or ()]
        if tags:
            self._ec2(call.region).create_tags(Resources=[endpoint["VpcEndpointId"]], Tags=tags)
        return {"VpcEndpoint": self._shape(endpoint)}

    def _place(self, endpoint: dict[str, Any]) -> None:
        """One network interface in each subnet, and none elsewhere."""
        client, placed = self._ec2(endpoint["Region"]), endpoint["Interfaces"]
        for subnet in sorted(set(placed) - set(endpoint["SubnetIds"])):
            client.delete_network_interface(NetworkInterfaceId=placed.pop(subnet))
        for subnet in endpoint["SubnetIds"]:
            if subnet not in placed:
                made = client.create_network_interface(
                    SubnetId=subnet,
                    Description=f"VPC Endpoint Interface {endpoint['VpcEndpointId']}",
                    **({"Groups": endpoint["SecurityGroupIds"]} if endpoint["SecurityGroupIds"] else {}),
                )
                placed[subnet] = made["NetworkInterface"]["NetworkInterfaceId"]

    def _ec2(self, region: str) -> Any:
        return self._env.client("ec2", region)

    def _check_members(self, region: str, endpoint: Mapping[str, Any]) -> None:
        """Network, subnets, tables and groups exist in the region; the error is EC2's own for each."""
        client = self._ec2(region)
        try:
            client.describe_vpcs(VpcIds=[endpoint["VpcId"]])
            if endpoint["SubnetIds"]:
                client.describe_subnets(SubnetIds=endpoint["SubnetIds"])
            if endpoint["SecurityGroupIds"]:
                client.describe_security_groups(GroupIds=endpoint["SecurityGroupIds"])
        except ClientError as error:
            detail = error.response["Error"]
            raise ApiError(str(detail["Code"]), str(detail["Message"])) from error
        tables = {table["RouteTableId"] for table in client.describe_route_tables()["RouteTables"]}
        missing = sorted(set(endpoint["RouteTableIds"]) - tables)
        if missing:
            raise ApiError("InvalidRouteTableId.NotFound", f"The routeTable ID '{missing[0]}' does not exist")

    def _check_private_dns(self, region: str, endpoint: Mapping[str, Any]) -> None:
        if endpoint["VpcEndpointType"] != "Interface" or not endpoint["PrivateDnsEnabled"]:
            return
        client, vpc = self._ec2(region), endpoint["VpcId"]
        for name in ("enableDnsSupport", "enableDnsHostnames"):
            answer = client.describe_vpc_attribute(VpcId=vpc, Attribute=name)
            if not answer[f"E{name[1:]}"]["Value"]:
                text = "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set"
                raise ApiError("InvalidParameter", f"{text} to true for {vpc}")
        for other in self._endpoints.values():
            same = (other["VpcId"], other["ServiceName"]) == (vpc, endpoint["ServiceName"])
            if same and other["PrivateDnsEnabled"] and other["VpcEndpointId"] != endpoint["VpcEndpointId"]:
                text = "private-dns-enabled cannot be set because there is already a conflicting DNS domain for "
                raise ApiError("InvalidParameter", f"{text}{_private_name(endpoint)} in the VPC {vpc}")

    def _find(self, region: str, identity: str) -> dict[str, Any]:
        found = self._endpoints.get(identity)
        if found is None or found["Region"] != region:
            text = f"The Vpc Endpoint Id '{identity}' does not exist"
            raise ApiError("InvalidVpcEndpointId.NotFound", text)
        return found

    def _describe(self, call: Call) -> Mapping[str, Any]:
        wanted = call.params.get("VpcEndpointIds")
        found = (
            [self._find(call.region, str(identity)) for identity in wanted]
            if wanted
            else [endpoint for endpoint in self._endpoints.values() if endpoint["Region"] == call.region]
        )
        shapes = [self._shape(endpoint) for endpoint in found]
        for item in call.params.get("Filters") or ():
            values = [str(value) for value in item.get("Values") or ()]
            shapes = [shape for shape in shapes if set(_filtered_by(shape, str(item["Name"]))) & set(values)]
        return {"VpcEndpoints": shapes}

    def _modify(self, call: Call) -> Mapping[str, Any]:
        given = call.params
        endpoint = self._find(call.region, str(given["VpcEndpointId"]))
        changed = copy.deepcopy(endpoint)
        for name in _SETS:
            gone = set(given.get(f"Remove{name}Ids") or ())
            kept = [identity for identity in changed[f"{name}Ids"] if identity not in gone]
            changed[f"{name}Ids"] = kept + [i for i in given.get(f"Add{name}Ids") or () if i not in kept]
        if given.get("PolicyDocument"):
            changed["PolicyDocument"] = str(given["PolicyDocument"])
        if given.get("ResetPolicy"):
            changed["PolicyDocument"] = _OPEN
        if given.get("PrivateDnsEnabled") is not None:
            changed["PrivateDnsEnabled"] = bool(given["PrivateDnsEnabled"])
        self._check_members(call.region, changed)
        self._check_private_dns(call.region, changed)
        self._place(changed)
        self._endpoints[changed["VpcEndpointId"]] = changed
        return {"Return": True}

    def _delete(self, call: Call) -> Mapping[str, Any]:
        failed = []
        for identity in call.params["VpcEndpointIds"]:
            try:
                endpoint = self._find(call.region, str(identity))
            except ApiError as error:
                failed.append({"ResourceId": identity, "Error": {"Code": error.code, "Message": error.message}})
                continue
            endpoint["SubnetIds"] = []
            self._place(endpoint)
            del self._endpoints[endpoint["VpcEndpointId"]]
        return {"Unsuccessful": failed}

    def _shape(self, endpoint: Mapping[str, Any]) -> dict[str, Any]:
        client, identity = self._ec2(endpoint["Region"]), endpoint["VpcEndpointId"]
        groups = endpoint["SecurityGroupIds"]
        named = client.describe_security_groups(GroupIds=groups)["SecurityGroups"] if groups else []
        tags = client.describe_tags(Filters=[{"Name": "resource-id", "Values": [identity]}])["Tags"]
        inner = ("Region", "SecurityGroupIds", "Interfaces", "Created")
        plain = {name: value for name, value in endpoint.items() if name not in inner}
        return {
            **copy.deepcopy(plain),
            "State": "available",
            "Groups": [{"GroupId": group["GroupId"], "GroupName": group["GroupName"]} for group in named],
            "NetworkInterfaceIds": list(endpoint["Interfaces"].values()),
            "DnsEntries": _dns_entries(endpoint),
            "RequesterManaged": False,
            "OwnerId": self._env.account,
            "CreationTimestamp": datetime.fromtimestamp(endpoint["Created"], UTC),
            "Tags": [{"Key": tag["Key"], "Value": tag["Value"]} for tag in tags],
        }


def _private_name(endpoint: Mapping[str, Any]) -> str:
    return f"{str(endpoint['ServiceName']).rpartition('.')[2]}.{endpoint['Region']}.amazonaws.com"


def _dns_entries(endpoint: Mapping[str, Any]) -> list[dict[str, str]]:
    """The endpoint's own name, and the service's where private DNS is on; gateways have none."""
    if endpoint["VpcEndpointType"] != "Interface":
        return []
    zone = "Z" + hashlib.sha256(str(endpoint["Region"]).encode()).hexdigest()[:13].upper()
    service = str(endpoint["ServiceName"]).rpartition(".")[2]
    label = f"{endpoint['VpcEndpointId']}-{hashlib.sha256(endpoint['VpcEndpointId'].encode()).hexdigest()[:8]}"
    own = f"{label}.{service}.{endpoint['Region']}.vpce.amazonaws.com"
    names = [own, _private_name(endpoint)] if endpoint["PrivateDnsEnabled"] else [own]
    return [{"DnsName": name, "HostedZoneId": zone} for name in names]


def _filtered_by(shape: Mapping[str, Any], name: str) -> list[str]:
    match name:
        case "vpc-id":
            return [str(shape["VpcId"])]
        case "service-name":
            return [str(shape["ServiceName"])]
        case "vpc-endpoint-id":
            return [str(shape["VpcEndpointId"])]
        case "vpc-endpoint-type":
            return [str(shape["VpcEndpointType"])]
        case "vpc-endpoint-state":
            return [str(shape["State"])]
        case "tag-key":
            return [str(tag["Key"]) for tag in shape["Tags"]]
        case _ if name.startswith("tag:"):
            return [str(tag["Value"]) for tag in shape["Tags"] if tag["Key"] == name[4:]]
        case _:
            raise ApiError("InvalidParameterValue", f"The filter '{name}' is invalid")
