"""Every page and every dialog of a seeded store: accessible, in its place, and without what hostile names would do.

    python3 tests/dashboard/seeded.py PROGRAM FOLDER

FOLDER has a seeded store as `data`, of `cargo run --example seed -- FOLDER/data`.
"""

import re
import sys

import appliance
import kit

# The narrowest window, in CSS pixels.
NARROWEST = (320, 640)
# Sizes and schemes of windows: all of them for the pages of the navigation, and each once for all others.
TWO_LOOKS = [("phone", "light"), ("desktop", "dark")]
EVERY_LOOK = [(size, scheme) for size in kit.SIZES for scheme in ("light", "dark")]
# What names would add to a page if they became markup.
INJECTED = "main :is(script, img[src=x], b[onmouseover], i:not([class])), [onerror], [onmouseover]"
# Buttons that show a dialog made by the server, without changing anything that counts: page and button.
ASKS = [
    ("/operator/nodes", "Add a node"),
    ("/operator/clips", "Delete…"),
    ("/operator/clips?show=demos", "Delete…"),
]
# Rows on a page of a list.
ROWS = 50
# Nodes of each state, and one with a hostile name.
STATES = ["up", "draining", "benched", "stopped", "gone"]
# Account, player (a Steam ID) and metadata names that try to break pages; tests/seed/words.rs has them all.
ACCOUNTS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "O'Brien & Sons \"Clips\"",
    "استوديو الشرق",
    "A Studio With a Name of Sixty-Four Characters, Not One Fewer OK?",
]
NODES = ["<b onmouseover=alert(1)>render</b>", "render-node-in-the-second-rack-of-the-basement-by-the-window-064"]
PLAYERS = {76561198000079190: "<img src=x onerror=alert(1)>", 76561198000087109: "</script><script>alert(1)</script>"}
MAP = "de_<i>x</i>"


class Tour:
    """A signed-in window that visits pages and looks at them."""

    def __init__(self, page, origin):
        self.page = page
        self.origin = origin
        self.visited = 0

    def open(self, path):
        """Opens a page by its address."""
        self.page.goto(self.origin + path)
        self.page.wait_for_selector("html[data-ready] .app")

    def visit(self, path, heading, looks=TWO_LOOKS):
        """Opens a page, looks at it, and at its dialogs of new kinds."""
        self.open(path)
        shown = self.page.locator("h1").inner_text()
        assert shown == heading, f"{path} is headed {shown!r}, not {heading!r}"
        self.look(path, looks)
        self.page.set_viewport_size(size(NARROWEST))
        kit.fits(self.page)
        for opener, dialog in self.dialogs():
            opener.click()
            self.look_at_dialog(f"{path} #{dialog}", self.page.locator(f"dialog[id='{dialog}']"))
        self.visited += 1

    def look(self, what, looks=TWO_LOOKS):
        title = self.page.locator("h1").inner_text() + " · dinkem appliance"
        assert self.page.title() == title, f"{what} is titled {self.page.title()!r}"
        injected = self.page.locator(INJECTED).count()
        assert injected == 0, f"{what}: {injected} elements were made by names"
        for name, scheme in looks:
            self.page.set_viewport_size(size(kit.SIZES[name]))
            self.page.emulate_media(color_scheme=scheme)
            kit.fits(self.page)
            violations = kit.axe(self.page)
            assert not violations, f"{what}, {name}, {scheme}: {violations}"

    def look_at_dialog(self, what, dialog):
        """Looks at an open dialog and closes it."""
        dialog.wait_for()
        self.look(what)
        self.page.set_viewport_size(size(NARROWEST))
        box = dialog.bounding_box()
        assert 0 <= box["x"] and box["x"] + box["width"] <= NARROWEST[0], f"{what} is at {box}"
        self.page.keyboard.press("Escape")
        dialog.wait_for(state="hidden")

    def dialogs(self):
        """A button of each kind of dialog that was not seen yet, and the dialog's id."""
        for opener in self.page.locator("main button[data-opens]").all():
            dialog = opener.get_attribute("data-opens")
            kind = re.sub(r"-\d+$", "", dialog)
            if kind not in self.kinds and opener.is_visible():
                self.kinds.add(kind)
                yield opener, dialog

    kinds = set()


def size(window):
    return {"width": window[0], "height": window[1]}


def visit_the_pages_of_the_navigation(tour):
    for name, path in kit.PAGES.items():
        tour.visit(path, name, EVERY_LOOK)


def visit_lists_with_filters(tour):
    for state in ["unfinished", "failed", "cancelled"]:
        tour.visit(f"/operator/jobs?status={state}", "Jobs")
    for path in ["?q=5v5", "?q=nothing-like-this", "?account=Nordclip&code=fetch_failed&from=2020-01-01"]:
        tour.visit(f"/operator/jobs{path}", "Jobs")
    tour.visit("/operator/clips?show=demos", "Clips and demos")
    tour.visit("/operator/clips?pinned=1", "Clips and demos")
    tour.visit("/operator/audit?area=dashboard", "Audit")
    tour.visit("/operator/accounts?name=nothing-like-this", "Accounts")


def visit_a_job_of_each_kind(tour, jobs):
    seen = {}
    for job in jobs:
        waits = re.sub(r"\d+", "1", job["waiting_because"] or "")
        seen.setdefault((job["status"], waits, job["clip"] is None), job["id"])
    assert len(seen) >= 8, f"the store has only these kinds of jobs: {sorted(seen)}"
    for job in seen.values():
        tour.visit(f"/operator/jobs/{job}", f"Job {job[-8:]}")


def visit_a_node_of_each_state(tour):
    for state in STATES:
        tour.open(f"/operator/nodes?state={state}")
        link = tour.page.locator("main tbody td:first-child a").first
        tour.visit(link.get_attribute("href"), f"Node {link.inner_text()}")


def visit_accounts_and_their_statements(tour):
    for status in ["active", "inactive", "deactivated"]:
        tour.open(f"/operator/accounts?status={status}")
        link = tour.page.get_by_role("region", name="Accounts", exact=True).locator("tbody a").first
        tour.visit(link.get_attribute("href"), f"Account {link.inner_text()}")
    tour.open("/operator/usage")
    row = tour.page.locator("main tbody tr", has_text="Statement").first
    name, statement = row.locator("a").first.inner_text(), row.get_by_role("link", name="Statement")
    tour.visit(statement.get_attribute("href"), f"Statement for {name}")


def visit_what_does_not_exist(tour, browser):
    browser.allow("console error: Failed to load resource.* 404")
    tour.visit("/operator/nothing", "Not found")
    tour.visit("/operator/jobs/00000000-0000-7000-8000-000000000000", "Not found")


def page_through_lists_and_back(tour):
    for path, list_of, more in [
        ("/operator/jobs?status=queued", "Newest first", "Older jobs"),
        ("/operator/clips", "Clips", "Older clips"),
    ]:
        tour.open(path)
        rows = tour.page.get_by_role("region", name=list_of, exact=True).locator("tbody tr")
        shown = "all => all.map((row) => row.dataset.key)"
        first = rows.evaluate_all(shown)
        assert len(first) == ROWS, f"{path} shows {len(first)} rows"
        tour.page.get_by_role("link", name=more).click()
        tour.page.wait_for_url("**after=**")
        tour.page.locator(f"tr[data-key='{first[0]}']").wait_for(state="detached")
        second = rows.evaluate_all(shown)
        assert second and not set(first) & set(second), f"{path}: the next page shows the same"
        tour.page.go_back()
        tour.page.locator(f"tr[data-key='{first[0]}']").wait_for()
        assert rows.evaluate_all(shown)[0] == first[0]


def look_at_what_the_server_asks(tour):
    result = tour.page.locator("#result")
    for path, button in ASKS:
        tour.open(path)
        tour.page.set_viewport_size(size(kit.SIZES["desktop"]))
        tour.page.get_by_role("button", name=button, exact=True).first.click()
        tour.look_at_dialog(f"{path} {button}", result)
    tour.open("/operator/storage")
    tour.page.set_viewport_size(size(kit.SIZES["desktop"]))
    tour.page.get_by_role("button", name="Set a rule…").click()
    tour.page.get_by_label("Maximum age in days").fill("1")
    tour.page.get_by_role("button", name="Show what would go").click()
    tour.look_at_dialog("what a rule would delete", result)


def see_hostile_names_as_text(tour, jobs):
    page = tour.page
    for name in ACCOUNTS:
        tour.open("/operator/accounts")
        link = page.get_by_role("link", name=name, exact=True).first
        tour.visit(link.get_attribute("href"), f"Account {name}")
    for name in NODES:
        tour.open("/operator/nodes")
        link = page.get_by_role("table").get_by_role("link", name=name, exact=True)
        tour.visit(link.get_attribute("href"), f"Node {name}")
    for steam_id, name in PLAYERS.items():
        tour.open(f"/operator/jobs?player={steam_id}")
        job = page.locator("main tbody tr", has=page.get_by_text(name, exact=True)).first
        tour.visit(job.locator("a").first.get_attribute("href"), f"Job {job.locator('a').first.inner_text()}")
        page.get_by_text(name, exact=True).first.wait_for()
    tour.open("/operator/clips?show=demos")
    page.get_by_text(MAP).first.wait_for()
    for part in ["onerror", "</script>"]:
        job = next(job for job in jobs if part in str(job["metadata"]))
        tour.open(f"/operator/jobs/{job['id']}")
        page.locator("dd code", has_text=part).wait_for()
        tour.look(f"metadata with {part}")


def look_at_the_gate(browser, origin):
    page = browser.page()
    page.goto(origin + "/operator/jobs")
    page.get_by_role("heading", name="Sign in").wait_for()
    tour = Tour(page, origin)
    tour.look("signed out")


def main(program, folder):
    with appliance.serving(program, folder, "--lease-seconds", "3600") as server:
        jobs = server.admin("jobs", "list", "--limit", "1000")["jobs"]
        link = server.link()
        with kit.browser(link) as browser:
            page = browser.page()
            kit.sign_in(page, link)
            tour = Tour(page, kit.origin_of(link))
            # First, because in a few minutes the seeded nodes will be gone.
            visit_a_node_of_each_state(tour)
            visit_a_job_of_each_kind(tour, jobs)
            see_hostile_names_as_text(tour, jobs)
            look_at_the_gate(browser, tour.origin)
            visit_the_pages_of_the_navigation(tour)
            visit_lists_with_filters(tour)
            visit_accounts_and_their_statements(tour)
            page_through_lists_and_back(tour)
            look_at_what_the_server_asks(tour)
            visit_what_does_not_exist(tour, browser)
            print(f"{tour.visited} pages and {len(tour.kinds)} kinds of dialogs, in two sizes, light and dark")


if __name__ == "__main__":
    main(*sys.argv[1:])
