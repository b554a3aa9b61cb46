"""Take the pictures of the README anew: the map and the report of the sample district, as a browser shows them."""

from __future__ import annotations

import io
import logging
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

import siting as st
from siting.labels import label

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
SIZE = {"width": 1280, "height": 800}
MOST_BYTES = 300_000

log = logging.getLogger("screenshots")


def main() -> None:
    """Run the sample's study and photograph its map and its report."""
    logging.basicConfig(format="%(message)s")
    log.setLevel(logging.INFO)
    browser_path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser_path is None:
        sys.exit("no Chromium is here; `make browser` installs one")
    study = st.Study.from_toml(st.data.sample_path("study.toml"))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        paths = st.run(study).write(folder)
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        for kind in ("map", "report"):
            page = browser.new_page(viewport=SIZE, locale="zh-CN")
            page.goto(paths[kind].as_uri())
            if kind == "report":
                # The first screen is the contents; the next section shows what a report is like.
                title = label("study.coverage_of", service=label("service.childcare"))
                page.get_by_role("heading", name=title).evaluate("heading => heading.scrollIntoView()")
            page.wait_for_timeout(1500)
            _keep(page.screenshot(), IMAGES / f"{kind}.png")
        browser.close()


def _keep(png: bytes, path: Path) -> None:
    """Write a picture with as many colours as fit into the allowed size."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    for colours in (256, 128, 64, 32):
        few = io.BytesIO()
        picture.quantize(colours, dither=Image.Dither.NONE).save(few, "PNG", optimize=True)
        if few.tell() <= MOST_BYTES:
            break
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(few.getvalue())
    log.info("%s: %d colours, %.0f KB", path.name, colours, few.tell() / 1000)


if __name__ == "__main__":
    main()
