"""Every task of the dashboard, done as a person would, on an appliance that begins empty and gets a node.

    python3 tests/dashboard/tasks.py PROGRAM SIZE

SIZE is `desktop` or `phone`.
"""

import http.server
import os
import re
import sys
import tempfile
import threading

import accounts
import appliance
import kit
from playwright.sync_api import expect

NODE = "render-1"
# Price of an hour of the built-in renderer's footage.
PRICE = "360"


class Person(kit.Operator):
    """An operator, with what the tasks hand on to each other."""

    def __init__(self, page, server, folder):
        super().__init__(page, server.link)
        self.server = server
        self.folder = folder
        self.key = None
        self.job = None

    def closes_the_result(self):
        """Closes the dialog with what is shown once."""
        self.presses("Close")
        expect(self.page.locator("#result")).to_be_empty()

    def short_job(self):
        """How the job is called in lists."""
        return self.job[-8:]

    def plays(self, video):
        """Starts a video, and waits until it plays."""
        video.evaluate("(video) => { video.muted = true; return video.play() }")
        kit.until(self.page, lambda: video.evaluate("(video) => video.currentTime") > 0.2, "the video to play")

    def client_can_use(self, key):
        """Whether a client's request with this key is answered."""
        try:
            self.server.run("clips", "list", "--server", self.server.url(), DINKEM_API_KEY=key)
        except AssertionError as error:
            assert "401" in str(error) or "403" in str(error) or "key" in str(error), error
            return False
        return True


def see_what_to_do_next(person):
    page = person.page
    expect(page.get_by_text("No job was submitted yet")).to_be_visible()
    for name, why, line in [
        ("Jobs", "No job was submitted yet", "dinkem-appliance submit DEMO --server"),
        ("Nodes", "No node has joined yet, so jobs wait", "--local-nodes 1"),
        ("Clips and demos", "No clip yet.", "dinkem-appliance submit match.dem"),
        ("Accounts", "There is no account yet", "dinkem-appliance admin account create"),
    ]:
        person.goes_to(name)
        expect(page.get_by_text(why, exact=True)).to_be_visible()
        expect(page.get_by_text(line)).to_be_visible()
        kit.fits(page)


def set_a_price(person):
    person.goes_to("Usage")
    person.presses("Set a price…")
    person.fills("Price in ", PRICE)
    person.confirms("Set the price")
    person.is_told("from now on.")
    expect(person.page.get_by_role("row", name="an hour of metered footage").first).to_contain_text(PRICE)


def see_why_a_job_waits(person):
    demo = os.path.join(person.folder, "sample.dem")
    person.server.run("sample", "--output", demo)
    submitted = person.server.submit(person.key, demo, "--highlights", "1")
    person.job = submitted["clips"][0]["job"]["id"]
    person.goes_to("Jobs")
    row = person.page.get_by_role("row", name=person.short_job())
    expect(row).to_contain_text("waiting")
    expect(row).to_contain_text("1st in line")
    row.get_by_role("link", name=person.short_job()).click()
    expect(person.page.locator("h1")).to_have_text(f"Job {person.short_job()}")
    expect(person.page.get_by_text("No node has taken this job yet.")).to_be_visible()


def cancel_the_job_undo_and_retry(person):
    state = person.page.locator("#job ~ *, section[aria-labelledby=job]").locator(".st").first
    person.presses("Cancel")
    person.is_told("is cancelled")
    expect(state).to_have_text("cancelled")
    person.presses("Undo")
    person.is_told("is back in the queue")
    expect(state).to_have_text("waiting")
    person.presses("Cancel")
    expect(state).to_have_text("cancelled")
    person.presses("Retry")
    person.is_told("is back in the queue")
    expect(state).to_have_text("waiting")


def join_a_node_with_the_line(person):
    person.goes_to("Nodes")
    person.presses("Add a node")
    line = person.page.locator("#result #join-line").inner_text()
    token = re.fullmatch(r"echo (\S+) \| dinkem-appliance node --join -", line).group(1)
    person.closes_the_result()
    assert token not in person.page.content(), "the token is still in the page"
    state_dir = os.path.join(person.folder, "node")
    command = [person.server.program, "node", "--join", "-", "--state-dir", state_dir, "--name", NODE]
    return appliance.running(command, os.path.join(person.folder, "node.log"), token + "\n")


def follow_the_job_to_its_clip(person):
    page = person.page
    expect(page.get_by_role("table").get_by_role("link", name=NODE)).to_be_visible()
    person.goes_to("Jobs")
    page.get_by_role("link", name=person.short_job()).click()
    expect(page.get_by_role("img", name="What the node draws now")).to_be_visible()
    frame = page.get_by_role("img", name="What the node draws now")
    assert frame.evaluate("(img) => img.decode().then(() => img.naturalWidth)") == 320
    kit.fits(page)
    video = page.locator("main video")
    expect(video).to_be_visible(timeout=kit.RENDER_MS)
    person.plays(video)
    video.evaluate("(video) => video.pause()")
    expect(page.get_by_text(f"Done on {NODE}")).to_be_visible()
    expect(page.get_by_role("link", name="Download")).to_be_visible()


def drain_and_resume_the_node(person):
    page = person.page
    person.goes_to("Nodes")
    page.get_by_role("table").get_by_role("link", name=NODE).click()
    expect(page.locator("h1")).to_have_text(f"Node {NODE}")
    person.presses("Drain")
    person.is_told("finishes its jobs and gets no new ones")
    expect(page.get_by_role("region", name="State").get_by_text("finishes its jobs")).to_be_visible()
    person.presses("Resume")
    person.is_told("gets jobs again")
    person.presses("Drain")
    person.presses("Undo")
    person.is_told("gets jobs again")
    expect(page.get_by_role("link", name=person.short_job())).to_be_visible()


def set_and_remove_a_retention_rule(person):
    page = person.page
    person.goes_to("Storage")
    person.presses("Set a rule…")
    person.fills("Maximum age in days", "30")
    person.presses("Show what would go")
    expect(page.locator("#result")).to_contain_text("Nothing goes now.")
    person.presses("Set rule")
    person.is_told("Rule set.")
    row = page.get_by_role("row", name="all accounts")
    expect(row).to_contain_text("30 d")
    row.get_by_role("button", name="Remove").click()
    person.is_told("Rule removed.")
    person.presses("Undo")
    expect(row).to_contain_text("30 d")
    row.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("No rules: nothing is deleted by age or size.")).to_be_visible()


def pin_play_and_delete_the_clip(person):
    page = person.page
    person.goes_to("Clips and demos")
    person.presses("Pin")
    person.is_told("Pinned")
    expect(page.get_by_text("pinned", exact=True)).to_be_visible()
    person.presses("Undo")
    person.is_told("Unpinned")
    poster = page.locator("main img.poster")
    assert poster.evaluate("(img) => img.decode().then(() => img.naturalWidth)") > 0
    page.get_by_role("button", name=re.compile("^Play ")).click()
    video = page.locator("dialog[open] video")
    person.plays(video)
    kit.fits(page)
    person.presses("Close")
    closed = page.locator("main video")
    kit.until(page, lambda: closed.evaluate("(video) => video.paused"), "the closed clip to stop")
    person.presses("Delete…")
    person.presses("Delete clip")
    person.is_told("Clip deleted.")
    expect(page.get_by_text("No clip yet.")).to_be_visible()


def delete_the_demo(person):
    person.page.get_by_role("link", name="Uploaded demos").click()
    person.presses("Delete…")
    person.presses("Delete demo")
    person.is_told("Demo deleted.")
    expect(person.page.get_by_text("No demo has been uploaded.")).to_be_visible()


def print_the_bill_and_save_the_csv(person):
    page = person.page
    person.goes_to("Usage")
    page.get_by_role("row", name=accounts.ACCOUNT).get_by_role("link", name="Statement").click()
    expect(page.locator("h1")).to_have_text(f"Statement for {accounts.ACCOUNT}")
    bill = page.locator("section.bill")
    expect(bill).to_contain_text("metered footage, builtin 1080p30")
    expect(bill).to_contain_text("USD")
    expect(bill.get_by_role("row").nth(1)).to_contain_text("360")
    page.evaluate("window.print = () => { window.wasPrinted = true }")
    person.presses("Print")
    assert page.evaluate("window.wasPrinted"), "Print does not print"
    page.emulate_media(media="print")
    expect(bill).to_be_visible()
    for hidden in ["nav.nav", "header.top", "main .buttons"]:
        expect(page.locator(hidden).first).to_be_hidden()
    assert page.pdf().startswith(b"%PDF-")
    page.emulate_media(media="screen")
    with page.expect_download() as download:
        page.get_by_role("link", name="Save as CSV").click()
    assert re.fullmatch(r"usage-\d{4}-\d\d\.csv", download.value.suggested_filename)
    with open(download.value.path(), encoding="utf-8") as file:
        assert accounts.ACCOUNT in file.read()


def filter_search_and_go_back(person):
    page = person.page
    person.goes_to("Jobs")
    page.get_by_label("State").select_option("failed")
    expect(page.get_by_text("No job matches these filters.")).to_be_visible()
    assert page.url.endswith("/operator/jobs?status=failed"), page.url
    page.get_by_label("State").select_option("done")
    expect(page.get_by_role("row", name=person.short_job())).to_be_visible()
    page.go_back()
    expect(page.get_by_text("No job matches these filters.")).to_be_visible()
    expect(page.get_by_label("State")).to_have_value("failed")
    page.reload()
    expect(page.get_by_text("No job matches these filters.")).to_be_visible()
    page.get_by_role("link", name="Clear").click()
    expect(page.get_by_label("State")).to_have_value("")
    find = page.get_by_role("searchbox", name="Search")
    for text, hit in [(person.short_job(), person.short_job()), (accounts.ACCOUNT[:6], accounts.ACCOUNT), (NODE, NODE)]:
        find.fill(text)
        find.press("Enter")
        expect(page.get_by_role("heading", name=f"Found for “{text}”")).to_be_visible()
        expect(page.get_by_role("main").get_by_role("link", name=hit)).to_be_visible()
    page.get_by_role("main").get_by_role("link", name=NODE).click()
    expect(page.get_by_role("row", name=person.short_job())).to_be_visible()


def look_at_health(person):
    person.goes_to("Health")
    expect(person.page.get_by_text(re.compile("^Checked "))).to_be_visible()
    person.presses("Look again")
    person.is_told("Checking again")


def sign_another_window_out(person, browser):
    other = browser.page()
    kit.sign_in(other, person.server.link())
    person.goes_to("Audit")
    row = person.page.get_by_role("row").filter(has_text="signed in").filter(has_not_text="this browser tab")
    browser.allow("console error: Failed to load resource.* 401")
    row.get_by_role("button", name="Sign out").click()
    person.is_told("Signed out.")
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    other.close()


def read_who_did_what(person):
    page = person.page
    page.get_by_label("About").select_option("nodes")
    expect(page.get_by_role("row", name="nodes.drain").first).to_be_visible()
    assert "area=nodes" in page.url
    expect(page.get_by_role("row", name="nodes.drain").first).to_contain_text("127.0.0.1")


def remove_the_node(person):
    person.goes_to("Nodes")
    person.page.get_by_role("table").get_by_role("link", name=NODE).click()
    person.presses("Remove…")
    person.presses("Remove")
    person.is_told("has been removed")
    expect(person.page.get_by_text("No node has joined yet, so jobs wait")).to_be_visible()


def sign_out(person):
    person.goes_to("Audit")
    own = person.page.get_by_role("row").filter(has_text="this browser tab")
    own.get_by_role("button", name="Sign out").click()
    expect(person.page.get_by_text("You are signed out.")).to_be_visible()
    assert person.page.evaluate("sessionStorage.length") == 0
    person.page.go_back()
    expect(person.page.get_by_role("heading", name="Sign in")).to_be_visible()


def see_that_the_server_is_gone(browser, person):
    page = person.page
    browser.allow("console error: Failed to load resource: net::ERR_CONNECTION_REFUSED")
    page.goto("about:blank")
    kit.sign_in(page, person.server.link())
    person.goes_to("Health")
    expect(page.get_by_text("Live, every 2 s")).to_be_visible()
    person.server.stop()
    expect(page.get_by_text("No answer from the server")).to_be_visible()
    expect(page.locator("h1")).to_have_text("Health")
    person.presses("Look again")
    person.is_told("The server did not respond.")


def do_everything(browser, person, receiver):
    browser.allow("console error: Failed to load resource.* 403")
    kit.sign_in(person.page, person.server.link())
    see_what_to_do_next(person)
    accounts.create_an_account_whose_keys_are_shown_once(person)
    accounts.activate_the_account(person)
    set_a_price(person)
    see_why_a_job_waits(person)
    cancel_the_job_undo_and_retry(person)
    with join_a_node_with_the_line(person):
        follow_the_job_to_its_clip(person)
        drain_and_resume_the_node(person)
        set_and_remove_a_retention_rule(person)
        print_the_bill_and_save_the_csv(person)
        filter_search_and_go_back(person)
        pin_play_and_delete_the_clip(person)
        delete_the_demo(person)
        accounts.rename_and_deactivate_the_account(person)
        accounts.rotate_a_key_and_revoke_the_old_one(person)
        accounts.find_whose_a_leaked_key_is(person)
        accounts.set_dinks_and_take_them_back(person)
        accounts.limit_the_room_for_demos(person)
        accounts.set_test_and_replay_the_webhook(person, receiver)
        accounts.make_keys_for_an_account_without_any(person)
        look_at_health(person)
        sign_another_window_out(person, browser)
        read_who_did_what(person)
        remove_the_node(person)
    sign_out(person)
    see_that_the_server_is_gone(browser, person)


def main(program, size):
    receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), accounts.Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder, appliance.serving(program, folder) as server:
        with kit.browser(server.link()) as browser:
            page = browser.page(size, permissions=["clipboard-read", "clipboard-write"])
            do_everything(browser, Person(page, server, folder), receiver)
    print(f"every task was done on a {size}")


if __name__ == "__main__":
    main(*sys.argv[1:])
