"""A JupyterLab of one's own, and a notebook run in it by a headless Chromium.

As a script it takes pictures to look at, one in each theme, of notebooks or of a file with a cell:
`.test-env/bin/python tests/screens/lab.py notebooks/00-quick-start.ipynb [...] [--out FOLDER]`.
"""

import argparse
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from browser import open_browser

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
PATIENCE_S = 120
WIDTH = 1100


@contextmanager
def lab_server(folder, theme):
    """JupyterLab on `folder`, alone: own settings, own port, no news; gives the URL of a file in it."""
    home = Path(tempfile.mkdtemp(prefix="conclab-lab-"))
    settings = {
        "apputils-extension/themes": {"theme": THEMES[theme]},
        "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
        # Every cell is in the page, not only those that are in view.
        "notebook-extension/tracker": {"windowingMode": "none"},
    }
    for name, value in settings.items():
        file = home / "settings/@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(value))
    token, runtime = secrets.token_hex(16), home / "runtime"
    environment = {
        **os.environ, "JUPYTER_CONFIG_DIR": str(home / "config"), "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(runtime),
    }
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--port=0", "--ip=127.0.0.1", f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={folder}", f"--LabApp.user_settings_dir={home}/settings",
        f"--LabApp.workspaces_dir={home}/workspaces", "--LabApp.expose_app_in_browser=True",
    ]
    if os.geteuid() == 0:
        command.append("--allow-root")
    with open(home / "log", "wb") as log:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        root = server_url(process, runtime, home / "log")
        yield lambda name: f"{root}lab/tree/{name}?token={token}&reset"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(home, ignore_errors=True)


def server_url(process, runtime, log):
    """Waits until the server answers."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        for file in runtime.glob("jpserver-*.json"):
            try:
                url = json.loads(file.read_text())["url"]
                urllib.request.urlopen(f"{url}api", timeout=5).close()
                return url
            except (OSError, ValueError, KeyError):
                pass
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()}")


@contextmanager
def open_notebook(browser, folder, name, theme, width=WIDTH, scale=1):
    """The page of a notebook in JupyterLab, loaded and with its kernel idle; `scale` device pixels for one of the page."""
    with lab_server(folder, theme) as url:
        page = browser.new_page(viewport={"width": width, "height": 900}, device_scale_factor=scale)
        page.set_default_timeout(PATIENCE_S * 1000)
        page.goto(url(name))
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        # Running cells any earlier makes Lab ask which kernel to take.
        page.wait_for_function("""(() => {
            const context = window.jupyterapp.shell.currentWidget?.sessionContext;
            const kernel = context?.session?.kernel;
            return context?.isReady && kernel?.connectionStatus === 'connected' && kernel.status === 'idle';
        })()""")
        try:
            yield page
        finally:
            page.close()


def run_all(page):
    """Runs every cell and waits for the last one."""
    page.evaluate("""{
        window.ended = false;
        window.jupyterapp.commands.execute('notebook:run-all-cells').finally(() => { window.ended = true; });
    }""")
    page.wait_for_function("window.ended", timeout=300_000)
    wait_for_images(page)


def wait_for_images(page):
    page.wait_for_function("Array.from(document.querySelectorAll('.jp-OutputArea-output img')).every(i => i.complete)")


def figures(page):
    """What is drawn: for each image its alternative text, its own width, and its size on the page."""
    return page.evaluate("""Array.from(document.querySelectorAll('.jp-OutputArea-output img')).map(image => {
        const box = image.getBoundingClientRect();
        return {alt: image.alt, natural: image.naturalWidth, width: box.width, height: box.height};
    })""")


def errors(page):
    """The text of each error output."""
    return page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error'],"
                        ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']").all_inner_texts()


def picture(page, path):
    """A screenshot of the whole notebook, as long as it is."""
    height = page.evaluate("""(() => {
        const outer = document.querySelector('.jp-WindowedPanel-outer');
        return outer.scrollHeight + outer.getBoundingClientRect().top;
    })()""")
    page.evaluate("window.jupyterapp.shell.collapseLeft && window.jupyterapp.shell.collapseLeft()")
    page.set_viewport_size({"width": page.viewport_size["width"], "height": int(min(height + 80, 16000))})
    page.evaluate("document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0")
    page.wait_for_timeout(500)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebook", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=Path("target/screens"))
    arguments = parser.parse_args()
    with open_browser() as browser:
        for notebook in arguments.notebook:
            for theme in THEMES:
                with tempfile.TemporaryDirectory() as folder:
                    shutil.copy(notebook, folder)
                    with open_notebook(browser, folder, notebook.name, theme) as page:
                        run_all(page)
                        path = arguments.out / f"{notebook.stem}-{theme}.png"
                        picture(page, path)
                        print(path, f"{len(figures(page))} figures", *errors(page))


if __name__ == "__main__":
    main()
