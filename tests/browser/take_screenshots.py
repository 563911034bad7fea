"""`make screenshots`: the pictures of docs/screenshots, taken of the sample city that `make run` trained.

Everything in them is invented. With --every, pictures of every page at a desk, on a phone and at 200% zoom go to
another folder, to be looked at.
"""

from __future__ import annotations

import argparse
import base64
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from conftest import listen, sign_in
from playwright.sync_api import Browser, Page, expect, sync_playwright
from sample_weeks import add_people, add_weeks
from sqlalchemy import select

from serve.app import create_app
from serve.review.sample import fill_sample
from serve.running import load_scorer
from serve.settings import load_settings
from serve.store.decisions import StoredDecision
from serve.store.dispatching import Dispatching
from serve.store.engine import Store
from serve.store.people import User
from serve.store.recording import RecordingScorer
from serve.store.reviews import ReviewItem
from serve.store.schema import upgrade
from serve.store.write_ahead import WriteAheadFile

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "screenshots"
CHROMIUM = "/usr/bin/chromium"
LARGEST = 250_000
SIZES = {"desk": (1280, 720, 1), "phone": (390, 844, 1), "zoom": (640, 360, 2)}
PAGES = {
    "page": "/", "review": "/review", "consultations": "/review/consult", "export": "/review/export?since=2020-01-01",
    "lead": "/desk?period=week", "models": "/models", "drift": "/drift", "users": "/admin/users",
    "audit": "/admin/audit", "password": "/password",
}  # fmt: skip


def paidan(*words: object) -> str:
    """Run a command of `paidan` and return what it prints."""
    command = [str(Path(sys.executable).with_name("paidan")), *map(str, words)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def add_second(registry: Path, scratch: Path) -> None:
    """Let a second model serve, with a promise that lets some tickets go out by themselves; compare the two."""
    current, tickets = registry / "current", scratch / "tickets.jsonl"
    paidan("sample", "tickets", "--count", 1200, "--seed", 77, "--output", tickets)
    paidan(
        "policy", "fit", tickets, "--artifact", current, "--output", scratch / "second", "--precision", 0.8
    )
    name = paidan("models", "add", scratch / "second", "--registry", registry).splitlines()[-1]
    paidan(
        "compare", "--champion", current, "--challenger", registry / name, "--tickets", tickets, "--without-text",
        "--output", registry / "reports" / name,
    )  # fmt: skip
    paidan("models", "promote", name, "--registry", registry, "--reason", "承诺八成，多派一些", "--overrule")


@contextmanager
def served(sample: Path) -> Iterator[tuple[str, Store]]:
    """Serve the sample city with weeks behind it, and yield the address and its store."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        registry = scratch / "registry"
        shutil.copytree(sample / "registry", registry, symlinks=True)
        add_second(registry, scratch)
        url = f"sqlite:///{scratch}/paidan.db"
        settings = load_settings(
            artifact=registry / "current", database_url=url, write_ahead_file=scratch / "waiting.log"
        )
        scorer = load_scorer(settings)
        store = Store.open(url)
        upgrade(store)
        # The hand-written tickets that wait are the newest, and answered as callers' are.
        recording = RecordingScorer(
            scorer, store, WriteAheadFile(scratch / "sample.log", 10**6), Dispatching.from_settings(settings)
        )
        fill_sample(store, recording)
        people = add_people(store)
        add_weeks(store, scorer, sample / "tickets.jsonl", people)
        with listen(create_app(settings, scorer)) as address:
            yield address, store
        store.close()


PIXELS = """async (encoded) => {
  const image = new Image();
  image.src = `data:image/png;base64,${encoded}`;
  await image.decode();
  const drawing = new OffscreenCanvas(image.width, image.height).getContext("2d");
  drawing.drawImage(image, 0, 0);
  const { data } = drawing.getImageData(0, 0, image.width, image.height);
  let text = "";
  for (let at = 0; at < data.length; at += 0x8000) text += String.fromCharCode(...data.subarray(at, at + 0x8000));
  return [image.width, image.height, btoa(text)];
}"""


def unfiltered(blank: Page, picture: bytes) -> bytes:
    """Write a PNG anew without its filters, which make pictures of flat pages a third larger; no pixel changes."""
    width, height, pixels = blank.evaluate(PIXELS, base64.b64encode(picture).decode())
    colours = (
        np.frombuffer(base64.b64decode(pixels), np.uint8)
        .reshape(height, width, 4)[..., :3]
        .reshape(height, -1)
    )
    rows = np.concatenate([np.zeros((height, 1), np.uint8), colours], axis=1)  # 0: the row has no filter

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    written = (
        b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)) + chunk(b"IEND", b"")
    )
    return min(written, picture, key=len)


class Photographer:
    """Takes pictures of pages into a folder."""

    def __init__(self, browser: Browser, url: str, store: Store, folder: Path) -> None:
        self.browser, self.url, self.store, self.folder = browser, url, store, folder
        self.blank = browser.new_page()

    def page(self, size: str = "desk", name: str | None = "chenban") -> Page:
        """Open a browser of a size, somebody signed in."""
        width, height, scale = SIZES[size]
        context = self.browser.new_context(
            viewport={"width": width, "height": height}, device_scale_factor=scale, locale="zh-CN",
            timezone_id="Asia/Shanghai", reduced_motion="reduce",
        )  # fmt: skip
        if name:
            with self.store.transaction() as session:
                user = session.scalars(select(User).where(User.name == name)).one()
            context.add_cookies([sign_in(self.store, self.url, user)])
        return context.new_page()

    def take(self, page: Page, name: str, *, whole: bool = False) -> None:
        """Take a picture once everything on the page is still."""
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(300)
        path = self.folder / f"{name}.png"
        size = path.write_bytes(unfiltered(self.blank, page.screenshot(full_page=whole)))
        print(f"{path.name}: {size / 1000:.0f} kB" + (" - too large" if size > LARGEST else ""))
        if size > LARGEST and self.folder == DOCS:
            raise SystemExit(f"error: {path} has {size} bytes; expected at most {LARGEST}")


def open_demands(camera: Photographer, page: Page) -> None:
    """Bring a ticket with several demands to the desk."""
    with camera.store.transaction() as session:
        waiting = session.scalars(
            select(StoredDecision)
            .join(ReviewItem, ReviewItem.decision_id == StoredDecision.id)
            .where(ReviewItem.status == "waiting")
            .order_by(StoredDecision.ticket_id)
        )
        ticket_id = next(row.ticket_id for row in waiting if len((row.answer or {}).get("demands", ())) > 1)
    page.keyboard.press("f")
    page.locator("#find input").fill(ticket_id)
    page.locator("#found button").first.click()
    expect(page.locator(".demands")).to_be_visible()


def ask_units(page: Page, question: str, *typed: str) -> None:
    """Begin a consultation on the ticket at the desk."""
    page.keyboard.press("c")
    for words in typed:
        page.locator('#consult [data-add="units"]').click()
        page.locator("#picker-input").fill(words)
        expect(page.locator("#picker-list li").first).to_be_visible()
        page.keyboard.press("Enter")
    page.locator("#consult-question").fill(question)


def take_all(camera: Photographer) -> None:
    """Take every picture of the documents."""
    login = camera.page(name=None)
    login.goto(f"{camera.url}/login?next=/review")
    camera.take(login, "login")
    page = camera.page()
    page.goto(f"{camera.url}/?example=0")
    page.locator("#submit").click()
    expect(page.locator(".answer")).to_be_visible()
    camera.take(page, "page")
    page.goto(f"{camera.url}/review")
    page.wait_for_timeout(500)  # or the key would be taken for one pressed twice
    page.keyboard.press("1")
    expect(page.locator(".undo")).to_be_visible()
    camera.take(page, "review")
    page.keyboard.press("/")
    page.locator("#picker-input").fill("cyqcgj")
    expect(page.locator("#picker-list li").first).to_be_visible()
    camera.take(page, "review-catalog")
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    camera.take(page, "review-dual")
    page.keyboard.press("Escape")
    page.wait_for_timeout(300)
    ask_units(page, "两家的职责都沾边，由谁牵头？", "cyqcgj", "cyqzjw")
    camera.take(page, "review-consult")
    page.get_by_role("button", name="发起会商").click()
    expect(page.locator("#desk[aria-busy]")).to_have_count(0)
    open_demands(camera, page)
    camera.take(page, "review-demands")
    page.keyboard.press("d")
    camera.take(page, "review-split")
    for name in ("consultations", "export", "lead", "models", "password"):
        page.goto(f"{camera.url}{PAGES[name]}")
        camera.take(page, name)
    page.goto(f"{camera.url}/models")
    page.get_by_role("button", name="试算").first.click()
    expect(page.locator("#simulation .key-figures")).to_be_visible()
    camera.take(page, "models-trial", whole=True)
    admin = camera.page(name="admin")
    admin.goto(f"{camera.url}/drift")
    admin.get_by_role("button", name="计算").click()
    expect(admin.locator("#weeks-title")).to_be_visible(timeout=120_000)
    camera.take(admin, "drift")
    for name in ("users", "audit"):
        admin.goto(f"{camera.url}{PAGES[name]}")
        camera.take(admin, name)
    phone = camera.page("phone", "wangmin")
    phone.goto(f"{camera.url}/review")
    camera.take(phone, "review-phone")


def take_every(camera: Photographer) -> None:
    """Take every page in every size, as an admin, who has the longest navigation."""
    admin = camera.page(name="admin")
    admin.goto(f"{camera.url}/review")
    ask_units(admin, "两家的职责都沾边，由谁牵头？", "cyqcgj", "cyqzjw")
    admin.get_by_role("button", name="发起会商").click()
    expect(admin.locator("#desk[aria-busy]")).to_have_count(0)
    admin.goto(f"{camera.url}/drift")
    admin.get_by_role("button", name="计算").click()
    expect(admin.locator("#weeks-title")).to_be_visible(timeout=120_000)
    for size in SIZES:
        login = camera.page(size, None)
        login.goto(f"{camera.url}/login")
        camera.take(login, f"login-{size}")
        page = camera.page(size, "admin")
        for name, address in PAGES.items():
            page.goto(f"{camera.url}{address}")
            camera.take(page, f"{name}-{size}", whole=True)
        page.goto(f"{camera.url}/?example=1")
        page.locator("#submit").click()
        expect(page.locator(".answer")).to_be_visible()
        camera.take(page, f"answer-{size}", whole=True)
        page.goto(f"{camera.url}/models")
        page.get_by_role("button", name="试算").first.click()
        expect(page.locator("#simulation .key-figures")).to_be_visible()
        camera.take(page, f"trial-{size}", whole=True)
        page.goto(f"{camera.url}/review")
        page.wait_for_timeout(500)
        open_demands(camera, page)
        camera.take(page, f"demands-{size}", whole=True)
        for key, name in {
            "d": "split",
            "c": "consult",
            "/": "catalog",
            "n": "note",
            "f": "find",
            "t": "handover",
            "?": "help",
        }.items():
            page.keyboard.press(key)
            camera.take(page, f"{name}-{size}")
            page.keyboard.press("Escape")
            page.wait_for_timeout(200)
        page.goto(f"{camera.url}/desk")
        page.get_by_role("button", name="停一家单位").click()
        camera.take(page, f"stop-{size}")


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sample", type=Path, default=ROOT / "artifacts" / "sample", help="what `make run` built"
    )
    parser.add_argument(
        "--every", type=Path, help="folder for every page in every size, instead of the documents'"
    )
    options = parser.parse_args()
    folder = options.every or DOCS
    folder.mkdir(parents=True, exist_ok=True)
    with served(options.sample) as (url, store), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        (take_every if options.every else take_all)(Photographer(browser, url, store, folder))
        browser.close()


if __name__ == "__main__":
    main()
