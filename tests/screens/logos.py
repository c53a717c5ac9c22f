"""Draws kernelspec/logo-64x64.png and logo-32x32.png from logo-svg.svg. Run it when the logo changes."""

from pathlib import Path

from browser import open_browser

KERNELSPEC = Path(__file__).resolve().parents[2] / "kernelspec"


def main():
    svg = (KERNELSPEC / "logo-svg.svg").read_text()
    with open_browser() as browser:
        for side in (64, 32):
            page = browser.new_page(viewport={"width": side, "height": side})
            sized = svg.replace('width="64" height="64" viewBox', f'width="{side}" height="{side}" viewBox', 1)
            page.set_content(f'<body style="margin:0;background:none;line-height:0">{sized}</body>')
            page.screenshot(path=KERNELSPEC / f"logo-{side}x{side}.png", omit_background=True)


if __name__ == "__main__":
    main()
