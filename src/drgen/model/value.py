"""Values that one stack makes and others use: what they are, and which stack owns them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from troposphere import Join, Ref

if TYPE_CHECKING:
    from drgen.model.stack import StackDraft


@dataclass(frozen=True)
class Kind:
    """What a value is. CloudFormation checks the `local` parameter type in the stack's own region, and only there."""

    name: str
    local: str = "String"
    remote: str = "String"
    is_list: bool = False
    pattern: str = ""


TEXT = Kind("text")
ARN = Kind("ARN", pattern="arn:.+")
HOST = Kind("host name")
PEERING_ID = Kind("peering connection id", pattern="pcx-.+")
VPC_ID = Kind("VPC id", local="AWS::EC2::VPC::Id", pattern="vpc-.+")
SECURITY_GROUP_ID = Kind("security group id", local="AWS::EC2::SecurityGroup::Id", pattern="sg-.+")
SUBNET_IDS = Kind("subnet ids", local="List<AWS::EC2::Subnet::Id>", remote="CommaDelimitedList", is_list=True)
ROUTE_TABLE_ID = Kind("route table id", pattern="rtb-.+")


@dataclass(frozen=True, eq=False)
class Value:
    """`name` is the name of the Output of stack `owner`, `expression` what it is inside that stack."""

    owner: StackDraft
    name: str
    expression: Any
    kind: Kind
    description: str

    @property
    def output(self) -> Any:
        """The expression as an Output gives it: lists are joined by commas."""
        return Join(",", self.expression) if self.kind.is_list else self.expression


@dataclass(frozen=True)
class LateValue:
    """A value that is not there in the first pass. Use it only through `when_known`."""

    parameter: str
    condition: str

    @property
    def ref(self) -> Ref:
        return Ref(self.parameter)
