"""The dashboard without a mouse; and what is in use survives the refresh every two seconds.

    python3 tests/dashboard/keyboard.py PROGRAM FOLDER

FOLDER has a seeded store as `data`, of `cargo run --example seed -- FOLDER/data`.
"""

import sys

import appliance
import kit
from playwright.sync_api import expect

# Presses of Tab after which a page must have come to its end.
MOST_STOPS = 400
# Stops of a page at which the focus must be seen; further ones are like those before.
STOPS_SEEN = 120
# Time of some refreshes, in milliseconds.
REFRESHES_MS = 10_000
# Whether the focused element is on screen and shows that it has the focus: an outline, or another look than without it.
SHOWS_FOCUS = """() => {
  const at = document.activeElement;
  const box = at.getBoundingClientRect();
  const style = getComputedStyle(at);
  const isOutlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
  const isHere = box.bottom > 0 && box.top < innerHeight && box.width > 0;
  return isOutlined && isHere ? '' : at.outerHTML.slice(0, 120);
}"""
# What the focused element is called.
NAME = """() => {
  const at = document.activeElement;
  return (at.getAttribute('aria-label') ?? at.innerText ?? '').trim().split('\\n')[0];
}"""


class Keys:
    """A person without a mouse."""

    def __init__(self, page, origin):
        self.page = page
        self.origin = origin

    def open(self, path):
        """Opens a page by its address; nothing has the focus then."""
        self.page.goto(self.origin + path)
        self.page.wait_for_selector("html[data-ready] .app")

    def press(self, key):
        """Presses a key."""
        self.page.keyboard.press(key)

    def type(self, text):
        """Types into what has the focus."""
        self.page.keyboard.type(text)

    def name(self):
        """What the focused element is called."""
        return self.page.evaluate(NAME)

    def tab_to(self, name):
        """Presses Tab until an element of this name has the focus."""
        for _ in range(MOST_STOPS):
            self.press("Tab")
            if self.name() == name:
                return
        raise AssertionError(f"Tab does not reach {name!r}")

    def focused(self, selector):
        """Whether the focus is on an element that matches."""
        return self.page.evaluate(f"document.activeElement.matches({selector!r})")

    def await_refresh(self, path):
        """Waits until the page was asked for anew, and changed or not."""
        view = self.origin + path.replace("/operator/", "/operator/view/")
        # The second request begins after the first answer was shown.
        for _ in range(2):
            with self.page.expect_response(lambda answer: answer.url == view):
                pass


def skip_to_the_content(keys):
    keys.open("/operator/jobs")
    keys.press("Tab")
    assert keys.name() == "Skip to content", keys.name()
    keys.press("Enter")
    assert keys.focused("main"), "the skip link leads nowhere"
    keys.press("Tab")
    assert keys.page.evaluate("document.querySelector('main').contains(document.activeElement)")


def see_the_focus_everywhere(keys):
    for path in kit.PAGES.values():
        keys.open(path)
        stops = 0
        while stops < STOPS_SEEN:
            keys.press("Tab")
            if keys.focused("body"):
                break
            hidden = keys.page.evaluate(SHOWS_FOCUS)
            assert not hidden, f"{path}: nobody sees that this has the focus: {hidden}"
            stops += 1
        assert stops >= len(kit.PAGES), f"{path} has only {stops} stops"


def go_to_another_page(keys):
    keys.open("/operator/")
    keys.tab_to("Nodes")
    keys.press("Enter")
    expect(keys.page.locator("h1")).to_have_text("Nodes")
    assert keys.focused("main"), "the focus is not at the new page's content"


def search_with_the_slash(keys):
    keys.open("/operator/accounts")
    keys.press("/")
    assert keys.focused("#find")
    keys.type("Nordclip")
    keys.press("Enter")
    expect(keys.page.get_by_role("heading", name="Found for “Nordclip”")).to_be_visible()
    keys.open("/operator/accounts")
    keys.page.get_by_label("Part of the name").focus()
    keys.type("a/b")
    assert keys.page.get_by_label("Part of the name").input_value() == "a/b", "a slash that is typed is a slash"


def walk_through_the_field_of_nodes(keys):
    keys.open("/operator/nodes")
    cells = keys.page.locator(".cells a")
    for _ in range(MOST_STOPS):
        keys.press("Tab")
        if keys.focused(".cells a"):
            break
    at = "[...document.querySelectorAll('.cells a')].indexOf(document.activeElement)"
    columns = "(at) => getComputedStyle(at).gridTemplateColumns.split(' ').length"
    columns = keys.page.locator(".cells").evaluate(columns)
    assert keys.page.evaluate(at) == 0
    last = cells.count() - 1
    for key, expected in [
        ("ArrowRight", 1),
        ("ArrowLeft", 0),
        ("ArrowLeft", 0),
        ("End", last),
        ("Home", 0),
        ("ArrowDown", min(columns, last)),
        ("ArrowUp", max(min(columns, last) - columns, 0)),
        ("ArrowRight", max(min(columns, last) - columns, 0) + 1),
    ]:
        keys.press(key)
        assert keys.page.evaluate(at) == expected, f"{key} leads to {keys.page.evaluate(at)}, not {expected}"
    keys.press("Tab")
    assert not keys.focused(".cells a"), "the field has more than one stop"
    keys.press("Shift+Tab")
    keys.await_refresh("/operator/nodes")
    assert keys.focused(".cells a"), "the refresh took the focus away"
    name = keys.name().split(":")[0]
    keys.press("Enter")
    expect(keys.page.locator("h1")).to_have_text(f"Node {name}")


def use_a_dialog(keys):
    page = keys.page
    keys.open("/operator/accounts")
    keys.tab_to("Nordclip")
    keys.press("Enter")
    expect(page.locator("h1")).to_have_text("Account Nordclip")
    keys.tab_to("Rename…")
    keys.press("Enter")
    dialog = page.locator("dialog[open]")
    expect(dialog).to_be_visible()
    for _ in range(8):
        keys.press("Tab")
        is_inside = "document.activeElement === document.body || !!document.activeElement.closest('dialog[open]')"
        assert page.evaluate(is_inside), "the focus left the dialog"
    keys.press("Escape")
    expect(page.locator("#rename")).to_be_hidden()
    assert keys.name() == "Rename…", f"after Escape, the focus is on {keys.name()!r}"
    keys.press("Enter")
    page.get_by_label("New name").focus()
    keys.press("Control+a")
    keys.type("Nordklipp")
    path = page.evaluate("location.pathname")
    keys.press("Enter")
    expect(page.locator("h1")).to_have_text("Account Nordklipp")
    keys.await_refresh(path)
    assert keys.name() == "Rename…", f"after the change, the focus is on {keys.name()!r}"
    undo(keys)
    expect(page.locator("h1")).to_have_text("Account Nordclip")


def undo(keys):
    """Reaches the button in the message at the page's end."""
    for _ in range(MOST_STOPS):
        keys.press("Shift+Tab")
        if keys.name() == "Undo":
            break
    assert keys.name() == "Undo", "Undo is not reached"
    keys.press("Enter")


def open_a_log(keys, job):
    keys.open(f"/operator/jobs/{job}")
    details = keys.page.locator("details").first
    keys.tab_to("Log")
    keys.press("Enter")
    assert details.get_attribute("open") is not None
    expect(details.locator("pre")).to_be_visible()
    keys.await_refresh(f"/operator/jobs/{job}")
    assert details.get_attribute("open") is not None, "the refresh closed it"
    assert keys.name() == "Log", "the refresh took the focus away"


def filter_without_a_mouse(keys):
    keys.open("/operator/jobs")
    keys.tab_to("More filters")
    keys.press("Enter")
    keys.page.get_by_label("Node", exact=True).wait_for()
    for _ in range(MOST_STOPS):
        keys.press("Tab")
        if keys.focused("#node"):
            break
    keys.type("render-001")
    keys.await_refresh("/operator/jobs")
    assert keys.focused("#node"), "the refresh took the focus away"
    assert keys.page.get_by_label("Node", exact=True).input_value() == "render-001", "the refresh took the text away"
    assert keys.page.locator("details.more").get_attribute("open") is not None, "the refresh closed the filters"
    keys.press("Enter")
    keys.page.wait_for_url("**/operator/jobs?node=render-001")


def an_open_dialog_survives_the_refresh(browser, server, origin):
    page = browser.page()
    page.clock.install()
    kit.sign_in(page, server.link())
    page.goto(origin + "/operator/storage")
    page.get_by_role("button", name="Set a rule…").press("Enter")
    field = page.get_by_label("Maximum age in days")
    field.focus()
    page.keyboard.type("365")
    page.clock.run_for(REFRESHES_MS)
    expect(page.locator("#set-rule")).to_be_visible()
    assert field.input_value() == "365" and field.evaluate("(at) => at === document.activeElement")
    page.keyboard.press("Escape")
    with page.expect_response(lambda answer: answer.url == origin + "/operator/view/storage"):
        page.clock.run_for(REFRESHES_MS)
    expect(page.get_by_role("button", name="Set a rule…")).to_be_focused()
    page.close()


def a_playing_clip_survives_the_refresh(keys, job):
    keys.open(f"/operator/jobs/{job}")
    video = keys.page.locator("main video")
    for _ in range(MOST_STOPS):
        keys.press("Tab")
        if keys.focused("video"):
            break
    video.evaluate("(video) => { video.muted = true; video.loop = true; window.clip = video }")
    keys.press("Space")
    kit.until(keys.page, lambda: video.evaluate("(video) => video.currentTime") > 0, "the clip to play")
    keys.await_refresh(f"/operator/jobs/{job}")
    assert video.evaluate("(video) => video === window.clip && !video.paused"), "the refresh stopped the clip"


def sign_out(keys):
    keys.open("/operator/")
    keys.tab_to("Sign out")
    keys.press("Enter")
    expect(keys.page.get_by_role("heading", name="Sign in")).to_be_visible()


def main(program, folder):
    with appliance.serving(program, folder, "--lease-seconds", "3600") as server:
        jobs = server.admin("jobs", "list", "--limit", "1000")["jobs"]
        played = next(job["id"] for job in jobs if job["clip"])
        failed = next(job["id"] for job in jobs if job["status"] == "failed" and job["attempts"] > 1)
        link = server.link()
        with kit.browser(link) as browser:
            page = browser.page()
            kit.sign_in(page, link)
            keys = Keys(page, kit.origin_of(link))
            skip_to_the_content(keys)
            go_to_another_page(keys)
            search_with_the_slash(keys)
            walk_through_the_field_of_nodes(keys)
            use_a_dialog(keys)
            open_a_log(keys, failed)
            filter_without_a_mouse(keys)
            an_open_dialog_survives_the_refresh(browser, server, keys.origin)
            a_playing_clip_survives_the_refresh(keys, played)
            see_the_focus_everywhere(keys)
            sign_out(keys)
    print("the keyboard alone does everything")


if __name__ == "__main__":
    main(*sys.argv[1:])
