"""Fixtures: an isolated Jupyter, and kernels on a real wire."""

import os
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests/screens"))

from wire import RawKernel  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def isolated_jupyter(tmp_path_factory):
    """Nothing of this user's Jupyter is seen or written; the kernel is the one in this Python's prefix."""
    home = tmp_path_factory.mktemp("jupyter")
    for name in ("DATA", "CONFIG", "RUNTIME"):
        os.environ[f"JUPYTER_{name}_DIR"] = str(home / name.lower())
    os.environ["IPYTHONDIR"] = str(home / "ipython")
    os.environ["JUPYTER_PLATFORM_DIRS"] = "1"
    for name in ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH", "JUPYTERLAB_SETTINGS_DIR"):
        os.environ.pop(name, None)


@pytest.fixture(scope="session")
def repository():
    return REPOSITORY


@pytest.fixture
def start_kernel(tmp_path_factory):
    """Starts kernels that end with the test."""
    kernels = []

    def start(**options):
        # Short, because a socket's path in the file system holds about 100 bytes.
        kernel = RawKernel(tmp_path_factory.mktemp("k"), **options)
        kernels.append(kernel)
        return kernel

    yield start
    for kernel in kernels:
        kernel.close()


@pytest.fixture
def kernel(start_kernel):
    """A kernel that is ready."""
    kernel = start_kernel()
    kernel.ready()
    return kernel
