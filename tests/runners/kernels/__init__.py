"""Tests of the kernels; those that languages share tell as much when they fail as those in test files."""

import pytest

pytest.register_assert_rewrite("tests.runners.kernels.simt_tests", "tests.runners.kernels.simt_bugs")
