"""What `make corpus` prints."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("corpus_table", ROOT / "tools/corpus.py")
assert spec is not None
assert spec.loader is not None
corpus = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = corpus
spec.loader.exec_module(corpus)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A corpus with a fault for cfn-lint, one for drgen, one for nobody, and a good deployment that is bad."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    cases = tmp_path / "corpus"
    for name in ("cfn-circular-security-groups", "sns-topic-aws-managed-key-alarm"):
        shutil.copytree(ROOT / "tests/corpus" / name, cases / name)
    shutil.copytree(cases / "cfn-circular-security-groups", cases / "unseen")
    shutil.rmtree(cases / "unseen/bad")
    shutil.copytree(cases / "unseen/good", cases / "unseen/bad")
    shutil.copytree(cases / "sns-topic-aws-managed-key-alarm", cases / "false-alarm")
    shutil.rmtree(cases / "false-alarm/good")
    shutil.copytree(cases / "false-alarm/bad", cases / "false-alarm/good")
    return cases


def test_table_counts_who_catches_what_and_false_alarms(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert corpus.main([str(folder)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "drgen     permission-join  false-alarm",
        "          false alarm: DR602 mon/Topic/KmsMasterKeyId",
        "missed    constraint       unseen",
        "kind                cases  cfn-lint     drgen      both    missed     false",
        "constraint              2         1         0         0         1         0",
        "permission-join         2         0         2         0         0         1",
        "all                     4         1         2         0         1         1",
    ]
