"""Drives headless Chromium for the tests of the dashboard (Playwright for Python, the system's Chromium).

Each script opens `kit.browser(link)`, does what a person would do, and asserts. When the block ends, it fails if a page
has written to the console, thrown an error, or requested anything from another origin.

    python3 tests/dashboard/NAME.py ARGUMENTS

Environment: AXE_CORE is axe-core's `axe.min.js`, needed for `axe`. DASHBOARD_SHOTS is a directory for screenshots, if
any are wanted; a failing script leaves `failed-N.png` of each open page there.
"""

import os
import re
import shutil
import sys
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import Error, expect, sync_playwright

# Width and height of windows in CSS pixels; one device pixel each.
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
# The pages of the navigation, and their addresses.
PAGES = {
    "Overview": "/operator/",
    "Jobs": "/operator/jobs",
    "Nodes": "/operator/nodes",
    "Accounts": "/operator/accounts",
    "Usage": "/operator/usage",
    "Clips and demos": "/operator/clips",
    "Storage": "/operator/storage",
    "Health": "/operator/health",
    "Audit": "/operator/audit",
}
# How long a step of a script may take, in milliseconds. Generous, because the machine may be busy.
STEP_MS = 30_000
# How often `until` looks, in milliseconds.
POLL_MS = 50
# How long a clip may take to be rendered, in milliseconds.
RENDER_MS = 180_000
# Rules of WCAG 2.2, levels A and AA.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# axe-core checks more rules than this on any page; fewer mean that it did not work.
LEAST_PASSES = 5
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
]


def origin_of(url):
    """Scheme, host and port of a URL, such as `https://localhost:8444`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@contextmanager
def browser(url, *flags):
    """A `Browser` for pages of this URL's origin; closed, and its faults raised, when the block ends."""
    program = shutil.which("chromium") or "/usr/bin/chromium"
    expect.set_options(timeout=STEP_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=[*FLAGS, *flags])
        opened = Browser(chromium, origin_of(url))
        try:
            yield opened
        except BaseException:
            opened.shoot_failure()
            for fault in opened.faults():
                print(f"also: {fault}", file=sys.stderr)
            raise
        finally:
            faults = opened.faults()
            chromium.close()
        assert not faults, "\n".join(faults)


class Browser:
    """Chromium, and what its pages did that they should not have."""

    def __init__(self, chromium, origin):
        self.chromium = chromium
        self.origin = origin
        self._messages = []
        self._allowed = []

    def context(self, size="desktop", scheme="light", **options):
        """A fresh profile with windows of a size in `SIZES`, or of a (width, height), light or dark."""
        width, height = SIZES.get(size, size)
        context = self.chromium.new_context(
            viewport={"width": width, "height": height},
            device_scale_factor=1,
            color_scheme=scheme,
            ignore_https_errors=True,
            locale="en-US",
            timezone_id="UTC",
            **options,
        )
        context.set_default_timeout(STEP_MS)
        context.on("console", lambda message: self._note(f"console {message.type}: {message.text}"))
        context.on("weberror", lambda error: self._note(f"page error: {error.error}"))
        context.on("dialog", self._dismiss)
        context.on("request", lambda request: self._check_request(request.url))
        return context

    def page(self, size="desktop", scheme="light", **options):
        """An empty page in a context of its own."""
        return self.context(size, scheme, **options).new_page()

    def allow(self, pattern):
        """Expects what matches this regular expression: it is no fault, but it must happen."""
        self._allowed.append(re.compile(pattern))

    def faults(self):
        """Everything that must not have happened, and what was allowed but did not happen."""
        faults = [note for note in self._messages if not any(pattern.search(note) for pattern in self._allowed)]
        for pattern in self._allowed:
            if not any(pattern.search(note) for note in self._messages):
                faults.append(f"expected, but did not happen: {pattern.pattern}")
        return faults

    def shoot_failure(self):
        """Screenshots of all open pages."""
        pages = [page for context in self.chromium.contexts for page in context.pages]
        for number, page in enumerate(pages, 1):
            try:
                shot(page, f"failed-{number}")
            except Error as error:
                print(f"no screenshot: {error}", file=sys.stderr)

    def _dismiss(self, dialog):
        self._note(f"dialog {dialog.type}: {dialog.message}")
        dialog.dismiss()

    def _note(self, message):
        self._messages.append(message)

    def _check_request(self, url):
        if urlsplit(url).scheme in ("http", "https", "ws", "wss") and origin_of(url) != self.origin:
            self._note(f"request to elsewhere: {url}")


def sign_in(page, link):
    """Follows a link of `admin dashboard`; returns when the overview is shown and the code is out of the address."""
    page.goto(link)
    page.get_by_role("heading", name="Overview", level=1).wait_for()
    assert "code=" not in page.url, "the code is still in the address"


class Operator:
    """Who does tasks in a page, as a person would."""

    def __init__(self, page, link):
        self.page = page
        # Makes a fresh link, whose code confirms a change.
        self.link = link

    def goes_to(self, name):
        """Follows a link of the navigation; returns when the page is shown."""
        self.page.get_by_role("navigation", name="Pages").get_by_role("link", name=name).click()
        expect(self.page.locator("h1")).to_have_text(name)

    def presses(self, name):
        """Presses the button of this name, of the open dialog if there is one."""
        self.place().get_by_role("button", name=name, exact=True).click()

    def fills(self, label, text):
        """Types into the field of this label, of the open dialog if there is one."""
        self.place().get_by_label(label).fill(text)

    def place(self):
        """The open dialog if there is one, else the page."""
        dialog = self.page.locator("dialog[open]")
        return dialog if dialog.count() else self.page

    def confirms(self, name):
        """Presses a button of the open dialog that asks for a fresh code."""
        dialog = self.page.locator("dialog[open]")
        dialog.get_by_label("A fresh link or code").fill(self.link())
        dialog.get_by_role("button", name=name, exact=True).click()
        expect(dialog.get_by_label("A fresh link or code")).to_be_hidden()

    def is_told(self, text):
        """Reads what a change has done."""
        expect(self.page.locator("#toast")).to_contain_text(text)


def until(page, is_so, what):
    """Waits for what Playwright cannot wait for: the pages' policy forbids the scripts of its own waits."""
    for _ in range(STEP_MS // POLL_MS):
        if is_so():
            return
        page.wait_for_timeout(POLL_MS)
    raise AssertionError(f"waited in vain for {what}")


def axe(page):
    """The violations that axe-core finds, each as its rule and the elements' selectors; `[]` if there are none.

    It runs in a JavaScript world of its own, where the page's Content-Security-Policy does not apply.
    """
    with open(os.environ["AXE_CORE"], encoding="utf-8") as file:
        source = file.read()
    session = page.context.new_cdp_session(page)
    frame = session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
    world = session.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "axe"})["executionContextId"]

    def evaluate(expression):
        answer = session.send(
            "Runtime.evaluate",
            {"expression": expression, "contextId": world, "awaitPromise": True, "returnByValue": True},
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    evaluate(f"{source}; 0")
    passes, violations = evaluate(
        f"axe.run(document, {{runOnly: {RULES}}}).then(({{passes, violations}}) => [passes.length, "
        "violations.map(({id, nodes}) => [id, nodes.map(({target}) => target.join())])])"
    )
    session.detach()
    assert passes >= LEAST_PASSES, f"axe-core checked only {passes} rules"
    return violations


def shot(page, name, full_page=True):
    """Writes a screenshot `NAME.png` if the environment names a directory for them."""
    directory = os.environ.get("DASHBOARD_SHOTS")
    if directory:
        page.screenshot(path=os.path.join(directory, f"{name}.png"), full_page=full_page, animations="disabled")


def fits(page):
    """Asserts that the page does not scroll sideways; says which elements are too wide if it does."""
    wide, window = page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
    if wide > window:
        culprits = page.evaluate(
            "() => [...document.querySelectorAll('body *')].filter((at) => at.getBoundingClientRect().right > innerWidth"
            " && !at.closest('svg, nav')).map((at) => at.outerHTML.slice(0, 90)).slice(-4)"
        )
        raise AssertionError(f"{page.url} is {wide} px wide in a window of {window} px: {culprits}")
