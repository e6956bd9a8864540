from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from drgen.cli.world import Folder, load_folder

Deployed = Callable[..., Folder]


@pytest.fixture
def deployed(tmp_path: Path) -> Deployed:
    """Writes deploy.yaml and templates (name without .yaml = text) and loads them as `drgen check` does."""

    def load(manifest: str, **templates: str) -> Folder:
        (tmp_path / "deploy.yaml").write_text(textwrap.dedent(manifest), "utf-8")
        for name, text in templates.items():
            (tmp_path / f"{name}.yaml").write_text(textwrap.dedent(text), "utf-8")
        return load_folder(tmp_path)

    return load
