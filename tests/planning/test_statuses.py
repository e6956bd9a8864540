from __future__ import annotations

from pathlib import Path

import botocore.loaders
import pytest

from drgen.planning.statuses import STATUSES, Decision, ended_well, is_running, row

PAGE = Path(__file__).parent.parent.parent / "docs" / "statuses.md"


def of_botocore() -> list[str]:
    model = botocore.loaders.Loader().load_service_model("cloudformation", "service-2")
    listed: list[str] = model["shapes"]["StackStatus"]["enum"]
    return listed


def test_every_status_that_cloudformation_knows_is_decided() -> None:
    assert set(STATUSES) == set(of_botocore())


def test_the_page_shows_the_table() -> None:
    rows = [line.strip("| \n").split(" | ") for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]
    assert [[cell.strip() for cell in cells] for cells in rows] == [
        [f"`{status}`", found.meaning, str(found.deploy), str(found.destroy), found.fix or "-"]
        for status, found in STATUSES.items()
    ]


@pytest.mark.parametrize("status", of_botocore())
def test_whatever_is_refused_says_what_to_do(status: str) -> None:
    found = row(status)
    asks_people = found.deploy in (Decision.REFUSE, Decision.RECREATE_IF_EMPTY)
    assert bool(found.fix) == asks_people
    assert "{" not in found.fix.format(stack="orders-db", region="eu-west-1")


@pytest.mark.parametrize("status", of_botocore())
def test_a_running_stack_is_never_changed_nor_deleted(status: str) -> None:
    changing = {Decision.CREATE, Decision.UPDATE, Decision.RECREATE_IF_EMPTY, Decision.DELETE}
    if is_running(status):
        assert not {row(status).deploy, row(status).destroy} & changing


def test_only_an_empty_creation_is_ever_deleted_by_a_deployment() -> None:
    deleting = [status for status, found in STATUSES.items() if found.deploy is Decision.RECREATE_IF_EMPTY]
    assert deleting == ["ROLLBACK_COMPLETE"]


def test_a_rolled_back_operation_did_not_end_well() -> None:
    assert [status for status in STATUSES if ended_well(status)] == [
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "IMPORT_COMPLETE",
        "DELETE_COMPLETE",
    ]


def test_a_status_from_the_future_is_refused() -> None:
    assert row("CREATE_PAUSED").deploy is Decision.REFUSE
    assert row("CREATE_PAUSED").destroy is Decision.REFUSE
