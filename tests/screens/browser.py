"""Finds a Chromium and opens it headless, for screenshots and for the tests that look at pages.

Playwright drives the machine's own Chromium (its package downloads none here). `CONCLAB_CHROMIUM`
names another one.
"""

import os
import shutil
from contextlib import contextmanager

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium():
    """Path of a Chromium on this machine, or None."""
    return os.environ.get("CONCLAB_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def open_browser():
    """A headless browser, closed at the end of the `with` block."""
    from playwright.sync_api import sync_playwright

    path = find_chromium()
    if path is None:
        raise RuntimeError("no Chromium found; on Debian: apt-get install chromium")
    arguments = ["--no-first-run", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
                 "--disable-sync", "--disable-dev-shm-usage"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            browser.close()
