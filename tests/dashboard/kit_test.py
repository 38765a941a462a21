"""Tests the kit itself, with small pages of its own under the dashboard's Content-Security-Policy."""

import http.server
import os
import tempfile
import threading

import kit

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' http://127.0.0.1:*; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
# A page, by its path: title, body, script.
PAGES = {
    "/good": ("Good", "<h1>Good</h1><p>Nothing is wrong here.</p><a href='/good'>Again</a>", ""),
    "/no-alt": ("Bad", "<h1>Bad</h1><img src='/dot.svg'>", ""),
    "/talks": ("Talks", "<h1>Talks</h1>", "console.log('talks')"),
    "/throws": ("Throws", "<h1>Throws</h1>", "setTimeout(() => { throw new Error('thrown') })"),
    "/elsewhere": ("Elsewhere", "<h1>Elsewhere</h1>", "fetch('http://127.0.0.1:1/elsewhere').catch(() => 0)"),
    "/wide": ("Wide", "<h1>Wide</h1><pre>" + "wide" * 500 + "</pre>", ""),
    "/operator/": (
        "Dashboard",
        "<h1>Dashboard</h1>",
        "if (location.hash) { history.replaceState(null, '', '/operator/');"
        " document.querySelector('h1').textContent = 'Overview' }",
    ),
}


class Site(http.server.BaseHTTPRequestHandler):
    """Serves the pages and their scripts."""

    def do_GET(self):
        path, is_script = self.path.removesuffix(".js"), self.path.endswith(".js")
        if self.path == "/dot.svg":
            return self.answer("image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>")
        if path not in PAGES:
            return self.send_error(404)
        title, body, script = PAGES[path]
        if is_script:
            return self.answer("text/javascript", script)
        self.answer(
            "text/html; charset=utf-8",
            f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{title}</title><link rel='icon' href='/dot.svg'>"
            f"<meta name='viewport' content='width=device-width'><main>{body}</main><script src='{path}.js'></script></html>",
        )

    def answer(self, kind, text):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


def faults(site, path):
    """What the kit reports about a page."""
    found = []
    try:
        with kit.browser(site) as browser:
            browser.page().goto(site + path, wait_until="networkidle")
    except AssertionError as error:
        found = str(error).splitlines()
    return found


def check(site):
    with kit.browser(site) as browser:
        for size, (width, height) in kit.SIZES.items():
            for scheme in ("light", "dark"):
                page = browser.page(size, scheme)
                page.goto(site + "/good")
                shown = page.evaluate(
                    "() => [innerWidth, innerHeight, devicePixelRatio, matchMedia('(prefers-color-scheme: dark)').matches]"
                )
                assert shown == [width, height, 1, scheme == "dark"], shown
                assert kit.axe(page) == []
                kit.fits(page)
        page.goto(site + "/no-alt")
        assert [rule for rule, _ in kit.axe(page)] == ["image-alt"]
        page.goto(site + "/wide")
        try:
            kit.fits(page)
        except AssertionError:
            pass
        else:
            raise AssertionError("a wide page fits")
        kit.sign_in(page, site + "/operator/#code=secret")
        assert page.url == site + "/operator/"

    for path, expected in [
        ("/good", []),
        ("/talks", ["console log: talks"]),
        ("/throws", ["page error: thrown"]),
        ("/elsewhere", ["request to elsewhere: http://127.0.0.1:1/elsewhere"]),
        ("/nowhere", ["console error: Failed to load resource"]),
    ]:
        found = faults(site, path)
        assert all(any(part in fault for fault in found) for part in expected), (path, found)
        assert expected or not found, (path, found)

    with kit.browser(site) as browser:
        browser.allow("console log: talks")
        browser.page().goto(site + "/talks", wait_until="networkidle")
    try:
        with kit.browser(site) as browser:
            browser.allow("console log: never")
            browser.page().goto(site + "/good")
    except AssertionError as error:
        assert "did not happen" in str(error)
    else:
        raise AssertionError("what was expected must happen")


def check_shots(site):
    with tempfile.TemporaryDirectory() as directory:
        os.environ["DASHBOARD_SHOTS"] = directory
        try:
            with kit.browser(site) as browser:
                page = browser.page("phone")
                page.goto(site + "/good")
                kit.shot(page, "good")
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        finally:
            del os.environ["DASHBOARD_SHOTS"]
        assert sorted(os.listdir(directory)) == ["failed-1.png", "good.png"], os.listdir(directory)


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    origin = f"http://127.0.0.1:{server.server_port}"
    check(origin)
    check_shots(origin)
    print("the kit works")
