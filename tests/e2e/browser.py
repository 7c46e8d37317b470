"""A person at the console: a real Chromium that remembers what went wrong in it, and an accessibility check."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, TimeoutError, expect, sync_playwright

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
PATIENCE = 60_000  # milliseconds that an element may take to appear on a busy machine
WIDTHS = {"phone": 390, "desk": 1440, "wall": 2560}
PICTURES = os.environ.get("SHIPLINE_PICTURES")  # a folder: pages are pictured there


class Visitor:
    """One tab. ``wrong`` holds errors of the browser's console, failed requests, and answers that are errors."""

    def __init__(self, browser: Browser, base: str, *, width: int = WIDTHS["desk"], dark: bool = False) -> None:
        self.base = base
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", reduced_motion="reduce"
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda asked: self.asked.append(asked.url))
        self.page.on(
            "response", lambda got: self.wrong.append(f"{got.status} {got.url}") if got.status >= 400 else None
        )

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def go(self, path: str, *, see: str) -> Page:
        """Open a page by its address and wait for a text on it."""
        self.page.goto(f"{self.base}{path}")
        expect(self.page.get_by_text(see).filter(visible=True).first).to_be_visible()
        self.settled()
        return self.page

    def settled(self) -> None:
        """Wait until nothing of the page is being drawn."""
        expect(self.page.locator("[data-test-script-state=notRunning]").first).to_be_attached()
        expect(self.page.locator("[data-testid=stSkeleton]")).to_have_count(0)
        expect(self.page.locator("[data-stale=true]")).to_have_count(0)

    def pick(self, label: str, option: str) -> None:
        """Choose an option of a box; one that closes because the page is drawn anew is opened again."""
        box = self.page.get_by_role("combobox", name=label)
        for _ in range(10):
            box.click()
            box.fill(option)
            with contextlib.suppress(TimeoutError):
                self.page.get_by_role("option", name=option, exact=True).click(timeout=3000)
                break
        expect(box).to_have_value(option)

    def say(self, idea: str, repo: str, *, see: str) -> Page:
        """A small idea for a repository in the chat, which shows ``see`` before that."""
        page = self.go(f"/new?repo={repo}", see=see)
        page.get_by_text("How an idea is delivered").click()
        self.pick("Size", "small")
        said = page.get_by_test_id("stChatInputTextArea")
        said.fill(idea)
        said.press("Enter")
        return page

    def violations(self) -> list[str]:
        """What axe calls serious or critical, each with its first place."""
        found = Axe().run(self.page).response["violations"]
        return [
            f"{each['id']} ({each['impact']}): {each['nodes'][0]['target']} {each['nodes'][0]['html'][:200]}"
            for each in found
            if each["impact"] in ("serious", "critical")
        ]

    def picture(self, name: str) -> None:
        """Keep what is seen, when pictures are asked for."""
        if PICTURES:
            Path(PICTURES).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=str(Path(PICTURES) / f"{name}.png"))


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium of this machine."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.fail("There is no Chromium here. Install it (Debian: apt-get install chromium), then run this again.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=QUIET)
        try:
            yield browser
        finally:
            browser.close()
