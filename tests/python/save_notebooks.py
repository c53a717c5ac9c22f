"""Runs the bundled notebooks with the installed kernel and saves them with their outputs.

Run it when an answer changes its looks: `.test-env/bin/python tests/python/save_notebooks.py [NAME.ipynb...]`.
Times of day and the like are left out, so that saving again changes only what was measured.
"""

import sys

import nbformat
import notebooks


def without_noise(notebook):
    notebook.metadata = {
        "kernelspec": {"display_name": "conclab", "language": "toml", "name": "conclab"},
        "language_info": {key: value for key, value in notebook.metadata["language_info"].items() if key != "version"},
    }
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        # nbclient writes down when each message came.
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.get("transient", {}).clear()
    return notebook


def main():
    names = sys.argv[1:]
    for path in notebooks.PATHS:
        if not names or path.name in names:
            notebook = without_noise(notebooks.execute(notebooks.read(path)))
            nbformat.validate(notebook)
            nbformat.write(notebook, path)
            print(f"saved {path.name}: {len(notebooks.figures(notebook))} figures")


if __name__ == "__main__":
    main()
