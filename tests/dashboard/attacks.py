"""Attacks on the dashboard, played in Chromium; each must fail.

    python3 tests/dashboard/attacks.py PROGRAM FOLDER

FOLDER has a seeded store as `data`, of `cargo run --example seed -- FOLDER/data`.
"""

import glob
import http.server
import os
import re
import sys
import threading
from contextlib import suppress

import appliance
import kit
from playwright.sync_api import expect

# Names of the attacker's site: another port of this machine, and a name that points to this machine.
SITES = ["localhost", "127.0.0.1", "evil.example"]
# What a view would contain if the server did not escape.
MARKUP = """<!doctype html><title>Jobs</title><div class="app"><main id="main"><h1>Jobs</h1>
<img src=x onerror="window.attacked = 1"><script>window.attacked = 2</script><svg onload="window.attacked = 3"></svg>
<a id="link" href="javascript:window.attacked = 4">x</a><iframe srcdoc="<script>parent.attacked = 5</script>"></iframe>
<form id="form" action="javascript:window.attacked = 6"><button>y</button></form></main></div>"""
# What turns text into markup or code; each in the page's own world.
SINKS = [
    "document.body.innerHTML = '<b>x</b>'",
    "document.body.insertAdjacentHTML('beforeend', '<b>x</b>')",
    "document.write('<b>x</b>')",
    "new DOMParser().parseFromString('<b>x</b>', 'text/html')",
    "document.createElement('script').src = 'https://evil.example/x.js'",
    "document.createElement('script').text = 'alert(1)'",
    "document.createElement('iframe').srcdoc = '<b>x</b>'",
    "eval('1')",
    "trustedTypes.createPolicy('evil', { createHTML: (html) => html })",
    "trustedTypes.createPolicy('view', { createHTML: (html) => html })",
]


class Site(http.server.BaseHTTPRequestHandler):
    """The attacker's site: an empty page."""

    def do_GET(self):
        # A page that is closed meanwhile does not want the rest.
        with suppress(BrokenPipeError):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>Evil</title><h1>Evil</h1>")

    def log_message(self, *_):
        pass


class Attack:
    """What attacks need: the server, the browser, a signed-in victim, and the attacker's pages beside it."""

    def __init__(self, server, browser, port):
        self.server = server
        self.browser = browser
        self.origin = browser.origin
        # A profile in which other sites are visited: what they request is looked at here, not by the kit.
        self.profile = browser.chromium.new_context(ignore_https_errors=True)
        self.profile.set_default_timeout(kit.STEP_MS)
        self.sites = [f"http://{name}:{port}/" for name in SITES]
        self.victim = self.profile.new_page()
        kit.sign_in(self.victim, server.link())

    def pages(self):
        """A page of each of the attacker's sites."""
        for site in self.sites:
            page = self.profile.new_page()
            page.goto(site)
            yield page
            page.close()

    def url(self, path):
        """An address of the dashboard."""
        return self.origin + path


def rebind_the_name(attack):
    """A site whose name now points to this machine is not answered."""
    evil = attack.origin.replace("localhost", "evil.example")
    page = attack.profile.new_page()
    code = attack.server.code()
    for path in ["/", "/operator/", "/operator/app.js", "/operator/view/overview"]:
        status = page.goto(evil + path).status
        assert status == 421, f"{path} by another name is answered with {status}"
    post = "async (code) => (await fetch('/operator/session', {method: 'POST', headers: {'Content-Type': "
    post += "'application/json'}, body: JSON.stringify({code})})).status"
    assert page.evaluate(post, code) == 421, "another name may sign in"
    page.close()
    still_works(attack, code)


def still_works(attack, code):
    """A code that an attacker could not use still signs in."""
    page = attack.profile.new_page()
    kit.sign_in(page, attack.url(f"/operator/#code={code}"))
    page.close()


def post_a_form_from_another_site(attack, job):
    code = attack.server.code()
    for page in attack.pages():
        for path, body in [
            ("/operator/session", f'{{"code":"{code}","x":"'),
            ("/operator/actions/jobs.cancel", f'{{"id":"{job}","x":"'),
        ]:
            # As text/plain, the form's body is JSON.
            form = """([action, name]) => {
                const form = document.createElement('form');
                Object.assign(form, {method: 'post', enctype: 'text/plain', action});
                form.append(Object.assign(document.createElement('input'), {name, value: '"}'}));
                document.body.append(form);
                form.submit();
            }"""
            home = page.url
            with page.expect_navigation() as answer:
                page.evaluate(form, [attack.url(path), body])
            assert answer.value.status == 403, f"a form of {home} to {path} got {answer.value.status}"
            page.goto(home)
    assert attack.server.admin("jobs", "show", job)["job"]["status"] == "queued", "a form has cancelled a job"
    still_works(attack, code)


def send_and_read_with_a_script_of_another_site(attack, job):
    code = attack.server.code()
    key = attack.victim.evaluate("sessionStorage.getItem('key')")
    fetched = """async ([url, options]) => {
        try { const answer = await fetch(url, options); return [answer.type, answer.status, await answer.text()]; }
        catch (error) { return error.name; }
    }"""
    json = {"Content-Type": "application/json"}
    signed = {"Authorization": f"Operator {key}"}
    cancel = {"method": "POST", "body": f'{{"id":"{job}"}}'}
    for page in attack.pages():
        for path, options in [
            ("/operator/view/overview", {}),
            ("/operator/view/overview", {"credentials": "include"}),
            # Even with the key, which an attacker does not have.
            ("/operator/view/overview", {"headers": signed}),
            ("/operator/files/usage.csv", {"headers": signed}),
            ("/operator/app.js", {}),
            ("/operator/session", {"method": "POST", "body": f'{{"code":"{code}"}}'}),
            ("/operator/session", {"method": "POST", "headers": json, "body": f'{{"code":"{code}"}}'}),
            ("/operator/actions/jobs.cancel", {"headers": signed | json, **cancel}),
            ("/operator/sessions/mine", {"method": "DELETE", "headers": signed}),
        ]:
            read = page.evaluate(fetched, [attack.url(path), options])
            assert read == "TypeError", f"{page.url} has read {read} of {path}"
        for path, options in [
            ("/operator/session", {"method": "POST", "body": f'{{"code":"{code}"}}'}),
            ("/operator/actions/jobs.cancel", cancel),
        ]:
            with page.expect_response(attack.url(path)) as answer:
                read = page.evaluate(fetched, [attack.url(path), {"mode": "no-cors", **options}])
            assert read in ("TypeError", ["opaque", 0, ""]), read
            assert answer.value.status == 403, f"{page.url} sends to {path} and gets {answer.value.status}"
    assert attack.server.admin("jobs", "show", job)["job"]["status"] == "queued", "a script has cancelled a job"
    attack.victim.reload()
    expect(attack.victim.locator("h1")).to_have_text("Overview")
    still_works(attack, code)


def load_the_dashboard_into_another_site(attack):
    """As a script, a style, a picture or a frame."""
    load = """([tag, name, url]) => new Promise((done) => {
        const at = document.createElement(tag);
        at.onload = () => done('loaded');
        at.onerror = () => done('refused');
        if (tag === 'link') at.rel = 'stylesheet';
        at[name] = url;
        document.head.append(at);
    })"""
    for page in attack.pages():
        for tag, name, path in [
            ("script", "src", "/operator/app.js"),
            ("link", "href", "/operator/style.css"),
            ("img", "src", "/operator/icon.svg"),
        ]:
            done = page.evaluate(load, [tag, name, attack.url(path)])
            assert done == "refused", f"{page.url} has {done} {path}"
        frame = """(url) => new Promise((done) => {
            const frame = Object.assign(document.createElement('iframe'), {src: url, onload: () => done()});
            document.body.append(frame);
        })"""
        page.evaluate(frame, attack.url("/operator/"))
        for inner in page.frames[1:]:
            assert not inner.query_selector("#app"), f"{page.url} frames the dashboard"


def open_the_dashboard_from_another_site(attack):
    """A window that another site has opened is out of its reach."""
    for page in attack.pages():
        with page.context.expect_page() as opened:
            page.evaluate("(url) => { window.other = window.open(url) }", attack.url("/operator/jobs"))
        window = opened.value
        window.wait_for_load_state()
        assert not window.query_selector("#app"), f"a link of {page.url} shows the dashboard"
        # The operator goes on to the dashboard in that very window.
        window.goto(attack.server.link())
        expect(window.locator("h1")).to_have_text("Overview")
        assert window.evaluate("window.opener") is None, "the dashboard knows who opened it"
        reach = """() => {
            try { return window.other.document.body.textContent; } catch (error) { return error.name; }
        }"""
        assert page.evaluate(reach) in ("SecurityError", "TypeError"), "an opener reads the dashboard"
        assert page.evaluate("window.other.closed"), "an opener still has the window"
        window.close()


def use_a_code_twice(attack):
    attack.browser.allow("console error: Failed to load resource.* 403")
    link = attack.server.link()
    first = attack.browser.page()
    kit.sign_in(first, link)
    again = attack.browser.page()
    again.goto(link)
    expect(again.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(again.locator(".why")).not_to_be_empty()
    assert "code=" not in again.url and again.evaluate("sessionStorage.length") == 0
    first.close()
    again.close()


def find_the_code_or_the_key_afterwards(attack):
    """In the address, the history, the title, a header, the server's log, a cookie or what is stored for longer."""
    link = attack.server.link()
    code = link.split("code=")[1]
    page = attack.browser.page()
    sent = []
    page.on("request", lambda request: sent.append((request.url, request.all_headers(), request.post_data)))
    kit.sign_in(page, link)
    key = page.evaluate("sessionStorage.getItem('key')")
    kit.Operator(page, attack.server.link).goes_to("Jobs")
    # Chromium also keeps what was typed, by itself; a code is void by then.
    entries = page.context.new_cdp_session(page).send("Page.getNavigationHistory")["entries"]
    history = [(entry["url"], entry["title"]) for entry in entries]
    for secret in (code, key):
        assert secret not in str(history), "it is in the history"
        assert secret not in page.url + page.title() + page.content(), "it is in the page"
        assert secret not in attack.server.printed(), "it is in the server's log"
        assert not any(secret in url.split("#")[0] for url, _, _ in sent), "it was sent in an address"
        assert secret not in str(page.context.storage_state()), "it is in a cookie or in localStorage"
    assert page.context.cookies() == []
    for url, headers, body in sent:
        headers.pop("authorization", None)
        assert code not in str(headers) and key not in str(headers), f"it is in a header to {url}"
        assert code not in (body or "") or url.endswith("/operator/session"), f"it is in a body to {url}"
    page.go_back()
    expect(page.locator("h1")).to_have_text("Overview")
    assert "code=" not in page.url
    other = page.context.new_page()
    other.goto(attack.url("/operator/"))
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    other.close()
    page.close()


def put_markup_into_the_page(attack):
    """If the server once forgot to escape, the policy would still refuse what was injected."""
    attack.browser.allow("console error: .*(Content Security Policy|Trusted|Framing|srcdoc)")
    attack.browser.allow("console error: Failed to load resource")
    attack.browser.allow("page error: .*pushState")
    page = attack.browser.page()
    kit.sign_in(page, attack.server.link())
    # Later, because what Playwright itself evaluates may do more.
    attempt = """() => new Promise((done) => setTimeout(() => {{
        try {{ {}; done('allowed'); }} catch (error) {{ done(error.name); }}
    }}))"""
    for sink in SINKS:
        done = page.evaluate(attempt.format(sink))
        assert done in ("TypeError", "EvalError"), f"{sink}: {done}"
    page.route("**/operator/view/jobs", lambda route: route.fulfill(content_type="text/html", body=MARKUP))
    kit.Operator(page, attack.server.link).goes_to("Jobs")
    page.locator("#link").click()
    page.locator("#form button").click()
    page.evaluate("() => new Promise((done) => setTimeout(done))")
    assert page.evaluate("window.attacked") is None, f"markup number {page.evaluate('window.attacked')} was run"
    page.close()


def actions():
    """The names of all actions, as the pages' sources list them."""
    sources = os.path.join(os.path.dirname(__file__), "../../src/http/operator/**/*.rs")
    names = set()
    for source in glob.glob(sources, recursive=True):
        with open(source, encoding="utf-8") as file:
            names.update(re.findall(r'Action::(?:new|confirmed)\(\s*"([^"]+)"', file.read()))
    assert len(names) > 30, names
    return sorted(names)


def change_something_with_a_read_only_key(attack, paths):
    page = attack.browser.page()
    kit.sign_in(page, attack.server.link("--read-only"))
    post = """async (action) => {
        const headers = {Authorization: `Operator ${sessionStorage.getItem('key')}`, 'Content-Type': 'application/json'};
        return (await fetch(`/operator/actions/${action}`, {method: 'POST', headers, body: '{}'})).status;
    }"""
    for action in actions():
        assert page.evaluate(post, action) == 403, f"{action} is not refused"
    for path in paths:
        page.goto(attack.url(path))
        page.wait_for_selector("html[data-ready] .app")
        changes = page.locator("form[data-action], main [data-opens]:not([data-opens^=play-])")
        offered = changes.evaluate_all("all => all.map((at) => at.dataset.action ?? at.dataset.opens)")
        assert not offered, f"{path} offers {offered}"
    expect(page.get_by_text("read-only").first).to_be_visible()
    page.close()


def details(attack):
    """The addresses of a job of each state, of a node and of an account."""
    jobs = {job["status"]: job["id"] for job in attack.server.admin("jobs", "list", "--limit", "1000")["jobs"]}
    attack.victim.goto(attack.url("/operator/nodes"))
    node = attack.victim.locator("main tbody a").first.get_attribute("href")
    attack.victim.goto(attack.url("/operator/accounts"))
    account = attack.victim.locator("main tbody a").first.get_attribute("href")
    return [f"/operator/jobs/{job}" for job in jobs.values()] + [node, account, "/operator/clips?show=demos"]


def play(attack):
    job = attack.server.admin("jobs", "list", "--status", "queued")["jobs"][0]["id"]
    rebind_the_name(attack)
    post_a_form_from_another_site(attack, job)
    send_and_read_with_a_script_of_another_site(attack, job)
    load_the_dashboard_into_another_site(attack)
    open_the_dashboard_from_another_site(attack)
    use_a_code_twice(attack)
    find_the_code_or_the_key_afterwards(attack)
    change_something_with_a_read_only_key(attack, [*kit.PAGES.values(), *details(attack)])
    put_markup_into_the_page(attack)


def main(program, folder):
    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    with appliance.serving(program, folder, "--lease-seconds", "3600", "--log", "trace") as server:
        with kit.browser(server.link(), "--host-resolver-rules=MAP evil.example 127.0.0.1") as browser:
            play(Attack(server, browser, site.server_port))
    print("every attack failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
