from __future__ import annotations

import pytest

from drgen.cli.main import main


def run(*arguments: str) -> int:
    """The exit code of `drgen ARGUMENTS`."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    code = ended.value.code
    assert isinstance(code, int)
    return code
