"""One operator in a real browser: milliseconds from the key to what is painted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
TYPED = (
    "cyqcgj",
    "第4999街道",
    "donghuqushuiwuju",
    "街道",
    "没有这家",
    "diyijiedao",
    "8街道办事处",
    "c",
    "d",
)

_READ = 300  # milliseconds: the page takes no key before a person can have read the ticket
# From the moment the system saw the key to the frame after the one that shows what changed.
_WATCH = """
([box, event]) => {
  window.painted = [];
  let pressed = null;
  addEventListener(event, (happened) => { pressed ??= happened.timeStamp; }, true);
  new MutationObserver(() => {
    if (pressed === null) return;
    const from = pressed;
    pressed = null;
    requestAnimationFrame(() => setTimeout(() => window.painted.push(performance.now() - from)));
  }).observe(document.querySelector(box), { childList: true });
}
"""


def measure(
    url: str, token: str, settlings: int, on_done: Callable[[], None]
) -> tuple[list[float], list[float]]:
    """Return milliseconds of each settled ticket, and of each key typed into the catalog's filter."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1280, "height": 720}, locale="zh-CN")
        context.add_cookies([{"name": "paidan_session", "value": token, "url": url}])
        page = context.new_page()
        page.goto(f"{url}/review", wait_until="networkidle")
        settled = _settle(page, settlings, on_done)
        page.goto(f"{url}/review", wait_until="networkidle")
        filtered = _filter(page)
        browser.close()
    return settled, filtered


def _settle(page: Page, settlings: int, on_done: Callable[[], None]) -> list[float]:
    page.evaluate(_WATCH, ["#desk", "keydown"])
    for count in range(1, settlings + 1):
        page.wait_for_timeout(_READ)
        page.keyboard.press("1")
        page.wait_for_function("count => window.painted.length >= count", arg=count)
        on_done()
    return _times(page)


def _filter(page: Page) -> list[float]:
    page.wait_for_timeout(_READ)
    page.keyboard.press("/")
    page.wait_for_selector("#picker-list li")
    page.evaluate(_WATCH, ["#picker-count", "input"])
    for typed in TYPED:
        page.locator("#picker-input").fill("")
        page.wait_for_timeout(100)
        for character in typed:
            before = len(_times(page))
            page.keyboard.press(character) if character.isascii() else page.keyboard.insert_text(character)
            page.wait_for_function("count => window.painted.length > count", arg=before)
    return _times(page)


def _times(page: Page) -> list[float]:
    found: list[float] = page.evaluate("window.painted")
    return found
