"""Every bundled notebook: runs from top to bottom, is saved with its answers, exports to HTML with the figures."""

import re
from html.parser import HTMLParser

import nbformat
import notebooks
import pytest
from nbconvert import HTMLExporter

each_notebook = pytest.mark.parametrize("path", notebooks.PATHS, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def executed():
    """Notebooks as run just now, each once."""
    done = {}

    def run(path):
        if path not in done:
            done[path] = notebooks.execute(notebooks.read(path))
        return done[path]

    return run


def kinds_of_answer(notebook):
    """MIME types of each cell's displays: what stays the same from run to run."""
    return [[sorted(bundle) for bundle in notebooks.bundles(cell)] for cell in notebooks.code_cells(notebook)]


def test_there_are_notebooks():
    assert "00-quick-start" in [path.stem for path in notebooks.PATHS]


@each_notebook
def test_it_runs(path, executed):
    notebook = executed(path)
    assert notebooks.figures(notebook)
    for cell in notebooks.code_cells(notebook):
        assert cell.outputs, f"no answer to:\n{cell.source}"
        assert [output for output in cell.outputs if output.output_type == "error" or output.get("name") == "stderr"] == []
        for bundle in notebooks.bundles(cell):
            assert "text/plain" in bundle
            assert "image/svg+xml" not in bundle and "application/javascript" not in bundle
            assert "<script" not in bundle.get("text/html", "")


@each_notebook
def test_it_is_saved_with_its_answers(path, executed):
    saved = notebooks.read(path)
    nbformat.validate(saved)
    assert saved.metadata.kernelspec.name == "conclab"
    assert saved.metadata.language_info.name == "toml"
    assert kinds_of_answer(saved) == kinds_of_answer(executed(path)), \
        "saved answers are of an older version: run tests/python/save_notebooks.py"
    counts = [cell.execution_count for cell in notebooks.code_cells(saved)]
    assert counts == list(range(1, len(counts) + 1))


def claims(notebook):
    """What became of each claim of a notebook's cells, from the stable text that is printed for them."""
    printed = [output.text for cell in notebooks.code_cells(notebook)
               for output in cell.outputs if output.output_type == "stream"]
    lines = [line for text in printed for line in text.splitlines()]
    return [line for line in lines if re.match(r"(ok|FAILED|not clear)\b", line)]


@each_notebook
def test_its_claims_hold(path, executed):
    written = sum(cell.source.count("check") for cell in notebooks.code_cells(notebooks.read(path)))
    found = claims(executed(path))
    assert bool(found) == bool(written)
    if not all(line.startswith("ok") for line in found):
        # A machine that others use can hide a difference once.
        found = claims(notebooks.execute(notebooks.read(path)))
    assert [line for line in found if not line.startswith("ok")] == []


@each_notebook
def test_it_is_a_text_that_shows_what_a_wrong_cell_says(path, executed):
    """A fence ```toml followed by a fence ```text in a notebook's prose is a cell and the error that it gives."""
    shown = []
    for cell in notebooks.read(path).cells:
        if cell.cell_type == "markdown":
            shown += re.findall(r"```toml\n(.*?)```\s+```text\n(.*?)```", cell.source, re.DOTALL)
    for cell, answer in shown:
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
        notebook.metadata.kernelspec = {"name": "conclab", "display_name": "conclab", "language": "toml"}
        notebook.metadata.allow_errors = True
        notebook.cells[0].metadata.tags = ["raises-exception"]
        outputs = notebooks.execute(notebook).cells[0].outputs
        assert [output.output_type for output in outputs] == ["error"]
        traceback = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(outputs[0].traceback))
        assert traceback.rstrip() == answer.rstrip()


class Images(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        if tag == "img":
            self.found.append(dict(attributes))


@each_notebook
def test_it_exports_to_html_with_its_figures(path, executed):
    notebook = executed(path)
    page, _ = HTMLExporter().from_notebook_node(notebook)
    drawn = [image for image in Images(page).found if image.get("src", "").startswith("data:image/")]
    assert len(drawn) >= len(notebooks.figures(notebook))
    for image in drawn:
        assert len(image.get("alt", "")) > 20, "a figure without alternative text"
        assert len(image["src"]) > 1000
