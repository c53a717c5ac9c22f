"""What the tests and `save_notebooks.py` share about the bundled notebooks: where they are, how they run."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))


def execute(notebook, folder=FOLDER):
    """Runs every cell with the kernel that the notebook names; a cell that fails raises."""
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    return notebook


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def bundles(cell):
    """The displays of a cell, by MIME type."""
    return [output.data for output in cell.outputs if "data" in output]


def figures(notebook):
    return [bundle for cell in code_cells(notebook) for bundle in bundles(cell) if "image/png" in bundle]
