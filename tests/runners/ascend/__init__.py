"""The Ascend runner, on a machine made of a folder: :mod:`tests.runners.fakes.ascend`."""
