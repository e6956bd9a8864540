"""What an update would do to the replicas of global tables."""

from __future__ import annotations

from drgen.planning.replicas import deployed_replicas, too_many_changes


def found(replicas: str) -> dict[str, frozenset[str]]:
    text = f"""
Resources:
  Topic: {{Type: AWS::SNS::Topic}}
  Carts: {{Type: AWS::DynamoDB::GlobalTable, Properties: {{Replicas: {replicas}}}}}
"""
    return dict(deployed_replicas(text, stack="tables", region="us-east-1"))


def test_the_stacks_own_region_is_known_by_its_reference() -> None:
    carts = found("[{Region: !Ref 'AWS::Region'}, {Region: eu-west-1}]")
    assert carts == {"Carts": frozenset({"us-east-1", "eu-west-1"})}


def test_regions_that_an_expression_gives_are_not_guessed() -> None:
    for replicas in (
        "!If [Both, [{Region: a}], []]",
        "[{Region: !Ref Other}]",
        "[!If [Both, {Region: a}, {Region: b}]]",
    ):
        assert found(replicas).get("Carts") is None


def test_one_more_or_one_less_is_no_problem_and_an_exchange_is_two() -> None:
    one, two = found("[{Region: us-east-1}]"), found("[{Region: us-east-1}, {Region: eu-west-1}]")
    other = found("[{Region: us-east-1}, {Region: us-west-2}]")
    assert too_many_changes(one, two) == too_many_changes(two, one) == too_many_changes({}, two) == ()
    assert too_many_changes(two, other) == ("Carts would change its replicas in eu-west-1 and us-west-2 at once",)
