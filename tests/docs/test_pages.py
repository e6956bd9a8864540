"""The pages lead to each other and to nothing that is not there, and BEHAVIOUR.md counts its paragraphs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BEHAVIOUR = ROOT / "src/drgen/local/BEHAVIOUR.md"
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), BEHAVIOUR, ROOT / "tests/corpus/README.md"]
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.M)


def prose(page: Path) -> str:
    """The page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S)


def links(page: Path) -> list[tuple[Path, str]]:
    """What the page links to in this repository: the file or folder, and the heading in it."""
    own = [link for link in LINK.findall(prose(page)) if "://" not in link]
    return [((page.parent / path).resolve() if path else page, at) for path, _, at in (x.partition("#") for x in own)]


def anchors(page: Path) -> set[str]:
    """The headings as a browser of repositories names them."""
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in HEADING.findall(prose(page))}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_page_and_a_heading_that_are_there(page: Path) -> None:
    lost = [f"{path}#{at}" for path, at in links(page) if not path.exists() or (at and at not in anchors(path))]
    assert lost == []


def test_every_page_is_reached_from_the_readme() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for path, _ in links(page):
            waiting += sorted(path.glob("*.md")) if path.is_dir() else [path] if path.suffix == ".md" else []
    pages = {page for page in PAGES if page.name != "README.md" or page.parent.name == "ci"}
    assert sorted(str(page.relative_to(ROOT)) for page in pages - reached) == []


def test_the_paragraphs_of_the_specification_are_numbered_in_their_order() -> None:
    found = re.findall(r"^- \*\*([A-Z]+)(\d+)\.\*\*", BEHAVIOUR.read_text("utf-8"), re.M)
    families = dict.fromkeys(family for family, _ in found)
    numbers = {family: [int(number) for name, number in found if name == family] for family in families}
    assert {family: listed for family, listed in numbers.items() if listed != sorted(set(listed))} == {}
