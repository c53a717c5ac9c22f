"""Makes .readme/answer.png again: the README's first cell, run in JupyterLab, cropped to its answer.

Run it when an answer changes its looks, on a quiet machine, with conclab installed where the tests have it
(tests/run.sh does that): `.test-env/bin/python tests/screens/answer.py`.
"""

import re
import tempfile
from pathlib import Path

import nbformat
from browser import open_browser
from lab import open_notebook, run_all

REPOSITORY = Path(__file__).resolve().parents[2]
PICTURE = REPOSITORY / ".readme/answer.png"
# Of the page, such that the answer is about as wide as GitHub shows a README.
WIDTH = 980
MOST_BYTES = 300_000
# What JupyterLab draws around an answer: the cell itself and the frame of the selected one.
WITHOUT_FRAME = """
    .jp-Cell-inputWrapper, .jp-Collapser { display: none !important }
    .jp-Cell { border-color: transparent !important; box-shadow: none !important }
"""


def first_cell():
    readme = (REPOSITORY / "README.md").read_text()
    return re.search(r"```toml\n(.*?)\n```", readme, re.DOTALL).group(1)


def main():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(first_cell())])
    notebook.metadata.kernelspec = {"name": "conclab", "display_name": "conclab", "language": "toml"}
    with tempfile.TemporaryDirectory() as folder, open_browser() as browser:
        nbformat.write(notebook, Path(folder) / "answer.ipynb")
        with open_notebook(browser, folder, "answer.ipynb", "light", width=WIDTH, scale=2) as page:
            run_all(page)
            page.evaluate("window.jupyterapp.shell.collapseLeft()")
            page.add_style_tag(content=WITHOUT_FRAME)
            page.set_viewport_size({"width": WIDTH, "height": 1400})
            outputs = page.locator(".jp-OutputArea-output")
            boxes = [outputs.nth(index).bounding_box() for index in range(outputs.count())]
            PICTURE.parent.mkdir(exist_ok=True)
            page.screenshot(path=PICTURE, clip=around(boxes))
    size = PICTURE.stat().st_size
    print(f"{PICTURE.relative_to(REPOSITORY)}: {size / 1000:.0f} kB")
    if size > MOST_BYTES:
        raise SystemExit(f"that is more than {MOST_BYTES / 1000:.0f} kB")


def around(boxes, margin=8):
    """The smallest rectangle with all boxes in it, and a margin."""
    left, top = (min(box[side] for box in boxes) - margin for side in ("x", "y"))
    right = max(box["x"] + box["width"] for box in boxes) + margin
    bottom = max(box["y"] + box["height"] for box in boxes) + margin
    return {"x": left, "y": top, "width": right - left, "height": bottom - top}


if __name__ == "__main__":
    main()
