"""What the tests of the runners share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from runners import compiler


@pytest.fixture(autouse=True, scope="session")
def own_compiled_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests neither use nor crowd out what the person has compiled."""
    with pytest.MonkeyPatch.context() as patch:
        folder: Path = tmp_path_factory.mktemp("compiled")
        patch.setattr(compiler, "CACHE_FOLDER", folder)
        yield
