"""Bundled notebooks in a real JupyterLab in a real browser, in the light and in the dark theme."""

import base64
import os
import shutil

import browser
import lab
import nbformat
import notebooks
import pytest

needs_chromium = pytest.mark.skipif(
    browser.find_chromium() is None and not os.environ.get("CI"),
    reason="no Chromium on this machine (Debian: apt-get install chromium)",
)


@pytest.fixture(scope="module")
def chromium():
    with browser.open_browser() as opened:
        yield opened


def luminance(page, png_base64):
    """Mean brightness of a picture, 0 to 255, read by the browser itself."""
    return page.evaluate("""async data => {
        const image = new Image();
        image.src = 'data:image/png;base64,' + data;
        await image.decode();
        const canvas = new OffscreenCanvas(image.width, image.height);
        const context = canvas.getContext('2d');
        context.drawImage(image, 0, 0);
        const bytes = context.getImageData(0, 0, image.width, image.height).data;
        let sum = 0;
        for (let i = 0; i < bytes.length; i += 4) sum += (bytes[i] + bytes[i + 1] + bytes[i + 2]) / 3;
        return sum / (bytes.length / 4);
    }""", png_base64)


@needs_chromium
@pytest.mark.parametrize("theme", lab.THEMES)
@pytest.mark.parametrize("path", notebooks.PATHS, ids=lambda path: path.stem)
def test_figures_show(path, theme, chromium, tmp_path, repository):
    shutil.copy(path, tmp_path)
    expected = len(notebooks.figures(notebooks.read(path)))
    assert expected > 0
    with lab.open_notebook(chromium, tmp_path, path.name, theme) as page:
        # As opened: saved figures show though nobody has said that the notebook is trusted.
        lab.wait_for_images(page)
        assert len(lab.figures(page)) == expected

        lab.run_all(page)
        lab.picture(page, repository / f"target/screens/{path.stem}-{theme}.png")
        assert lab.errors(page) == []
        shown = lab.figures(page)
        assert len(shown) == expected
        for figure in shown:
            assert figure["natural"] > 300 and figure["width"] > 300 and figure["height"] > 80
            assert len(figure["alt"]) > 20
        first = page.locator(".jp-OutputArea-output img").first.screenshot()
        brightness = luminance(page, base64.b64encode(first).decode())
        assert brightness < 90 if theme == "dark" else brightness > 180, f"{brightness} in the {theme} theme"


ZOOMED = """\
task = [{ cpu = "2ms" }, { sleep = "20ms" }]
tasks = 4
models = ["threads", "async"]
repeat = 1
plot = "timeline"
zoom = true"""


@needs_chromium
def test_the_zoomable_view_shows_beside_the_picture_and_is_zoomed(chromium, tmp_path, repository):
    kernel = {"name": "conclab", "display_name": "conclab", "language": "toml"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    notebook.cells = [nbformat.v4.new_code_cell(ZOOMED)]
    nbformat.write(notebook, tmp_path / "zoom.ipynb")
    with lab.open_notebook(chromium, tmp_path, "zoom.ipynb", "dark") as page:
        lab.run_all(page)
        view = page.locator(".vega-embed canvas, .vega-embed svg.marks").first
        view.wait_for(state="visible")
        assert lab.errors(page) == [] and len(lab.figures(page)) == 1
        view.scroll_into_view_if_needed()
        whole = without_mouse(page, view)
        box = view.bounding_box()
        on_first_row = (box["x"] + 0.5 * box["width"], box["y"] + 0.4 * box["height"])
        page.mouse.move(*on_first_row)
        page.mouse.wheel(0, -400)
        assert without_mouse(page, view) != whole, "the wheel zooms"
        page.mouse.dblclick(*on_first_row)
        assert without_mouse(page, view) == whole, "a double click shows all of it again"
        lab.picture(page, repository / "target/screens/zoom-dark.png")


def without_mouse(page, view):
    """A picture of the view, without what the mouse shows of it."""
    page.wait_for_timeout(300)
    page.mouse.move(1, 1)
    page.wait_for_timeout(300)
    return view.screenshot()
