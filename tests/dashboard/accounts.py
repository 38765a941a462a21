"""The tasks with accounts, their keys and their webhooks, for `tasks.py`."""

import http.server

import kit
from playwright.sync_api import expect

ACCOUNT = "Studio Nord & <Söhne>"
# A name for the account, and back.
NEW_NAME = "Studio Süd"


class Receiver(http.server.BaseHTTPRequestHandler):
    """Receives events of a webhook."""

    events = []

    def do_POST(self):
        self.events.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def create_an_account_whose_keys_are_shown_once(person):
    page = person.page
    person.goes_to("Accounts")
    person.presses("New account")
    person.fills("Name, as it appears on bills", ACCOUNT)
    person.fills("A fresh link or code", "0" * 32)
    person.presses("Create account and keys")
    expect(page.locator("dialog[open] .error")).to_contain_text("admin dashboard")
    person.confirms("Create account and keys")
    result = page.locator("#result")
    expect(result).to_contain_text(f"Keys of {ACCOUNT}")
    person.key = result.locator("#new-metered-key").inner_text()
    reserved = result.locator("#new-reserved-key").inner_text()
    result.get_by_role("button", name="Copy the metered key").click()
    assert page.evaluate("navigator.clipboard.readText()") == person.key, "the key was not copied"
    person.closes_the_result()
    expect(page.locator("h1")).to_have_text(f"Account {ACCOUNT}")
    for key in (person.key, reserved):
        assert key not in page.content(), "the key is still in the page"
    page.reload()
    expect(page.locator("h1")).to_have_text(f"Account {ACCOUNT}")
    assert person.key not in page.content(), "the key is shown again"
    assert not person.client_can_use(person.key), "the account was not activated yet"


def activate_the_account(person):
    person.presses("Activate")
    person.is_told("its keys are accepted from now on")
    assert person.client_can_use(person.key)


def rename_and_deactivate_the_account(person):
    page, heading = person.page, person.page.locator("h1")
    open_the_account(person)
    person.presses("Rename…")
    person.fills("New name", NEW_NAME)
    person.presses("Rename")
    person.is_told(f"is now called {NEW_NAME}")
    expect(heading).to_have_text(f"Account {NEW_NAME}")
    person.presses("Undo")
    expect(heading).to_have_text(f"Account {ACCOUNT}")
    person.presses("Deactivate…")
    person.presses("Deactivate")
    person.is_told("has been deactivated")
    assert not person.client_can_use(person.key)
    person.presses("Undo")
    person.is_told("is active")
    assert person.client_can_use(person.key)


def open_the_account(person):
    person.goes_to("Accounts")
    person.page.get_by_role("table").get_by_role("link", name=ACCOUNT).click()
    expect(person.page.locator("h1")).to_have_text(f"Account {ACCOUNT}")


def rotate_a_key_and_revoke_the_old_one(person):
    page = person.page
    person.presses("Rotate…")
    page.get_by_label("The old key").select_option("1h")
    person.confirms("Rotate")
    expect(page.locator("#result")).to_contain_text("stays valid for")
    new = page.locator("#new-metered-key").inner_text()
    person.closes_the_result()
    assert new not in page.content(), "the key is still in the page"
    assert person.client_can_use(new) and person.client_can_use(person.key)
    old = page.get_by_role("row").filter(has_text="valid until")
    old.get_by_role("button", name="Revoke…").click()
    person.presses("Revoke")
    person.is_told("is revoked")
    assert person.client_can_use(new) and not person.client_can_use(person.key)
    person.key = new


def find_whose_a_leaked_key_is(person):
    person.goes_to("Accounts")
    person.fills("A key that was found somewhere", person.key)
    person.presses("Find its account")
    expect(person.page.locator("#result")).to_contain_text(f"It is a key of {ACCOUNT}")
    person.presses("Close")
    expect(person.page.locator("#result")).to_be_empty()
    assert person.key not in person.page.content() + person.page.url


def set_dinks_and_take_them_back(person):
    page = person.page
    open_the_account(person)
    page.get_by_role("region", name="Dinks").get_by_role("button", name="Set…").click()
    person.fills("Dinks from now on", "1")
    person.confirms("Set dinks")
    person.is_told("has 1 dink from now on")
    person.presses("Undo the last change…")
    person.confirms("Undo the change")
    person.is_told("no longer billed")


def limit_the_room_for_demos(person):
    page = person.page
    person.presses("Change…")
    person.fills("Size of all its demos together", "20GB")
    person.presses("Set the limit")
    person.is_told("at most 20")
    expect(page.get_by_text("a limit of its own")).to_be_visible()
    person.presses("Undo")
    expect(page.get_by_text("the server's limit", exact=False).first).to_be_visible()


def set_test_and_replay_the_webhook(person, receiver):
    page = person.page
    webhook = page.get_by_role("region", name="Webhook")
    webhook.get_by_role("button", name="Set…").click()
    person.fills("URL that receives a signed request", f"http://127.0.0.1:{receiver.server_port}/hook")
    person.confirms("Set the webhook")
    expect(page.locator("#result")).to_contain_text("The webhook's secret")
    secret = page.locator("#webhook-secret").inner_text()
    person.closes_the_result()
    assert secret not in page.content(), "the secret is still in the page"
    person.presses("Allow a private host…")
    person.fills("Host name, address, or network", "127.0.0.1")
    person.presses("Allow")
    person.is_told("may reach 127.0.0.1")
    person.presses("Send a test")
    expect(webhook.get_by_text("delivered", exact=True)).to_have_count(1)
    webhook.get_by_role("button", name="Replay").click()
    person.is_told("is sent again")
    kit.until(page, lambda: len(Receiver.events) == 2, "the event to arrive twice")
    person.presses("Take back")
    person.is_told("may no longer reach")
    webhook.get_by_role("button", name="Remove…").click()
    person.presses("Remove")
    person.is_told("The webhook is removed.")


def make_keys_for_an_account_without_any(person):
    page = person.page
    person.goes_to("Accounts")
    person.presses("New, without keys")
    person.fills("Name, as it appears on bills", "Second")
    person.presses("Create account")
    expect(page.get_by_text("It has no keys")).to_be_visible()
    person.presses("New keys…")
    person.confirms("Make keys")
    expect(page.locator("#result")).to_contain_text("The metered key")
    person.presses("Close")
    person.goes_to("Accounts")
    waiting = page.get_by_role("region", name="Waiting to be activated")
    waiting.get_by_role("button", name="Activate").click()
    person.is_told("Second is active")
    expect(waiting).to_be_hidden()
