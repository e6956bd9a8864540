from __future__ import annotations

import pytest
from cloudformation_world import World


@pytest.fixture
def world() -> World:
    return World()
