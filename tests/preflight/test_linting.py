"""The linters as drgen asks them: region, known parameters, cache, suppressions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drgen.cli.world import Folder
from drgen.model.finding import Severity
from drgen.preflight.cache import Cache, cache_folder
from drgen.preflight.cfnlint import _shares, cfn_lint
from drgen.preflight.fastlint import fast_lint
from drgen.preflight.linting import Job, Linter, Match, jobs, lint_world
from drgen.preflight.run import Selection

Deployed = Callable[..., Folder]
BOTH = pytest.mark.parametrize("linter", [cfn_lint, fast_lint])

TWICE = """
    stacks:
    - {stack: net, template: net.yaml, region: us-east-1}
    - {stack: one, template: t.yaml, region: us-east-1, parameters: {
        Days: 7, Zones: [a, b], Vpc: {from: {stack: net, output: Vpc}}}}
    - {stack: two, template: t.yaml, region: us-east-1, parameters: {
        Days: 7, Zones: [a, b], Vpc: {from: {stack: net, output: Vpc}}}}
    """
NET = """
    Resources: {V: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: 10.0.0.0/16}}}
    Outputs: {Vpc: {Value: !Ref V}}
    """
PARAMETERS = """
    Parameters: {Days: {Type: Number}, Zones: {Type: CommaDelimitedList}, Vpc: {Type: String}}
    Resources:
      T:
        Type: AWS::SNS::Topic
        Properties: {DisplayName: !Sub "${Days} ${Vpc}", TopicName: !Select [0, !Ref Zones]}
    """
RETENTION = """
    Parameters: {Days: {Type: Number}}
    Resources:
      Logs:
        Type: AWS::Logs::LogGroup
        DeletionPolicy: Delete
        UpdateReplacePolicy: Delete
        %s
        Properties:
          RetentionInDays: !Ref Days
    """
WITH_DAYS = "stacks: [{stack: t, template: t.yaml, region: us-east-1, parameters: {Days: %s}}]"


def found_by(linter: Linter, folder: Folder, cache: Cache | None = None) -> list[tuple[str, str, int]]:
    findings = lint_world(
        folder.world, folder.sources, Selection(select=("E", "W")), linter=linter, rules="1", cache=cache or Cache(None)
    )
    return [(finding.rule, finding.address, finding.line) for finding in findings]


def test_linter_is_told_the_parameters_that_are_known(deployed: Deployed) -> None:
    folder = deployed(TWICE, net=NET, t=PARAMETERS)
    asked = [job for stack, job in jobs(folder.world, folder.sources) if stack.key == "one"]
    assert [job.parameters for job in asked] == [(("Days", "7"), ("Zones", ("a", "b")))]


def test_same_template_with_same_parameters_is_asked_once_and_reported_for_each_stack(
    deployed: Deployed, tmp_path: Path
) -> None:
    folder = deployed(TWICE, net=NET, t=PARAMETERS)
    questions: list[int] = []

    def linter(asked: Sequence[Job]) -> Sequence[tuple[Match, ...]]:
        questions.append(len(asked))
        return [(Match("E1", "error", ("Resources", "T", "Properties", "Name"), 3, "wrong", "why", ""),) for _ in asked]

    cache = Cache(tmp_path / "cache")
    expected = [("E1", "net/T/Name", 3), ("E1", "one/T/Name", 3), ("E1", "two/T/Name", 3)]
    assert found_by(linter, folder, cache) == expected
    assert found_by(linter, folder, cache) == expected
    assert questions == [2]


def test_job_with_any_other_input_has_another_key() -> None:
    job = Job(b"Resources: {}", "us-east-1", (("Days", "7"),))
    others = [
        Job(b"Resources: { }", "us-east-1", (("Days", "7"),)),
        Job(b"Resources: {}", "eu-west-1", (("Days", "7"),)),
        Job(b"Resources: {}", "us-east-1", (("Days", "8"),)),
    ]
    assert len({job.key("1"), job.key("2"), *(other.key("1") for other in others)}) == 5


@given(
    st.lists(st.tuples(st.sampled_from(["eu-west-1", "us-east-1"]), st.integers(0, 900)), min_size=1, max_size=12),
    st.integers(1, 4),
)
def test_every_template_is_linted_by_one_process_and_regions_stay_together(
    templates: list[tuple[str, int]], processes: int
) -> None:
    asked = [Job(b"x" * size, region, ()) for region, size in templates]
    shares = _shares(asked, processes)
    assert sorted(index for share in shares for index in share) == list(range(len(asked)))
    assert len(shares) <= processes
    regions = [asked[index].region for share in shares for index in share]
    assert regions == sorted(regions)


@BOTH
def test_value_of_the_manifest_is_judged_in_the_template(deployed: Deployed, linter: Linter) -> None:
    assert found_by(linter, deployed(WITH_DAYS % 30, t=RETENTION % "")) == []
    assert [found[1:] for found in found_by(linter, deployed(WITH_DAYS % 31, t=RETENTION % ""))] == [
        ("t/Logs/RetentionInDays", 10)
    ]


@BOTH
def test_directive_of_cfn_lint_in_metadata_is_obeyed(deployed: Deployed, linter: Linter) -> None:
    directive = "Metadata: {cfn-lint: {config: {ignore_checks: [W1030, W3030]}}}"
    assert found_by(linter, deployed(WITH_DAYS % 31, t=RETENTION % directive)) == []


@BOTH
def test_parameter_that_another_stack_gives_is_not_reported_as_missing(deployed: Deployed, linter: Linter) -> None:
    assert found_by(linter, deployed(TWICE, net=NET, t=PARAMETERS)) == []


def test_informational_rules_are_on(deployed: Deployed) -> None:
    folder = deployed(
        "stacks: [{stack: t, template: t.yaml, region: us-east-1}]",
        t='Resources: {L: {Type: "AWS::Logs::LogGroup", Properties: {RetentionInDays: 7}}}',
    )
    findings = lint_world(folder.world, folder.sources, Selection(), linter=cfn_lint, rules="1", cache=Cache(None))
    assert {(finding.rule, finding.severity) for finding in findings} == {("I3011", Severity.INFO)}


def test_spoilt_answer_in_the_cache_is_asked_again(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.write("key", [{"rule": "E1"}])
    assert cache.read("key") == [{"rule": "E1"}]
    (tmp_path / "key.json").write_text('{"rule"', "utf-8")
    assert cache.read("key") is None


def test_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    cache = Cache(tmp_path / "file" / "cache")
    cache.write("key", [])
    assert cache.read("key") is None


def test_cache_lies_where_the_environment_says(tmp_path: Path) -> None:
    assert cache_folder({}, tmp_path) == tmp_path / ".drgen" / "cache"
    assert cache_folder({"XDG_CACHE_HOME": "/var/cache"}, tmp_path) == Path("/var/cache/drgen")
