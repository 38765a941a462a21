"""Makes `docs/pictures/dashboard.png`: the dashboard's overview on a seeded store.

    cargo build --release --bin dinkem-appliance --example seed
    python3 docs/pictures/dashboard.py target/release/dinkem-appliance target/release/examples/seed

Needs Playwright for Python with the system's Chromium, as the dashboard's tests do, and Pillow.
"""

import base64
import io
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import ProxyHandler, Request, build_opener

from PIL import Image

PICTURES = Path(__file__).parent
sys.path.insert(0, str(PICTURES.parent.parent / "tests" / "dashboard"))
import kit  # noqa: E402

SIZE = (1440, 1000)
# Pixels below the nodes, the last part in the picture.
MARGIN = 16
# A studio with a busy day behind it.
SEED = ["--plain", "--nodes", "60", "--waiting", "180", "--finished", "60000", "--ahead", "240"]
# Pictures of real clips, which the nodes seem to be rendering.
FRAMES = ["ace", "floors", "follow", "smoke", "default", "defuse"]
FRAME_WIDTH = 320
# The colors of the palette; more would hardly be seen.
COLORS = 256
# Rounds in which they are improved.
KMEANS = 2
# Limits of waiting for the server to start and for the pictures to be shown, in seconds.
START_SECONDS = 60
SHOWN_SECONDS = 20

opener = build_opener(ProxyHandler({}))


def frame(name):
    """A picture as nodes send it."""
    with Image.open(PICTURES / f"{name}.jpg") as picture:
        height = round(picture.height * FRAME_WIDTH / picture.width)
        small = picture.resize((FRAME_WIDTH, height), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    small.save(file, "JPEG", quality=60)
    return base64.b64encode(file.getvalue()).decode()


def leases(data_dir, seeded):
    """Number, and headers of its node, of each lease that is held, the newest first."""
    keys = {node["name"]: node["node_key"] for node in seeded["nodes"]}
    store = sqlite3.connect(f"file:{data_dir}/store.db?mode=ro", uri=True)
    rows = store.execute(
        "SELECT leases.id, nodes.name, version, protocol FROM leases JOIN nodes ON nodes.id = leases.node"
        " WHERE leases.ended_at_ms IS NULL ORDER BY leases.id DESC"
    ).fetchall()
    store.close()
    return [
        (lease, {"Authorization": f"Bearer {keys[name]}", "Dinkem-Version": version, "Dinkem-Protocol": str(protocol)})
        for lease, name, version, protocol in rows
    ]


def calm(data_dir, program, seeded):
    """Mends most of what the seed breaks, for a studio with a few things to do: a build of the game that no node has, a
    benched node, a webhook that fails, an account to activate."""
    store = sqlite3.connect(data_dir / "store.db")
    store.execute("UPDATE nodes SET doubled_at_ms = NULL, game_not_ready = NULL")
    usual = "SELECT version, protocol FROM nodes GROUP BY version ORDER BY count(*) DESC LIMIT 1"
    store.execute(f"UPDATE nodes SET (version, protocol) = ({usual})")
    store.execute("UPDATE samples SET free_bytes = (SELECT max(free_bytes) FROM samples)")
    clips = store.execute("SELECT lease, bytes FROM clips").fetchall()
    store.commit()
    store.close()
    for lease, size in clips:
        # Holes: they take no space.
        file = data_dir / "clips" / f"{lease}.mp4"
        if not file.exists():
            file.touch()
            os.truncate(file, size)
    job = seeded["jobs"]["waiting_for_lines"]
    subprocess.run([program, "--data-dir", data_dir, "admin", "jobs", "cancel", job], check=True, capture_output=True)


def heartbeat(server, lease, headers, body):
    headers = {**headers, "Content-Type": "application/json"}
    request = Request(f"{server}/api/node/leases/{lease}", json.dumps(body).encode(), headers, method="PUT")
    with opener.open(request, timeout=10) as answer:
        answer.read()


def wait_for(file):
    until = time.monotonic() + START_SECONDS
    while not file.exists():
        assert time.monotonic() < until, "the server did not start"
        time.sleep(0.1)
    return file.read_text().strip()


def take(page, server, held):
    """The overview while the nodes send frames."""
    frames = [frame(name) for name in FRAMES]
    until = time.monotonic() + SHOWN_SECONDS
    # The page asks for frames, the nodes send them, and the page shows them the next time.
    while page.locator("main img[src^='data:image/jpeg']").count() == 0:
        assert time.monotonic() < until, "no frame was shown"
        for at, (lease, node) in enumerate(held):
            body = {"stage": "rendering", "progress": (at * 37 % 97) / 100}
            if at < len(frames):
                body["frame"] = frames[at]
            heartbeat(server, lease, node, body)
        page.wait_for_timeout(2_500)
    nodes = page.locator("section", has=page.get_by_role("heading", name="Nodes", exact=True)).bounding_box()
    clip = {"x": 0, "y": 0, "width": SIZE[0], "height": nodes["y"] + nodes["height"] + MARGIN}
    return Image.open(io.BytesIO(page.screenshot(full_page=True, clip=clip, animations="disabled")))


def main(program, seed):
    os.umask(0o077)
    with tempfile.TemporaryDirectory() as scratch:
        data_dir, port_file = Path(scratch, "data"), Path(scratch, "port")
        seeded = json.loads(subprocess.run([seed, data_dir, *SEED], check=True, capture_output=True).stdout)
        calm(data_dir, program, seeded)
        held = leases(data_dir, seeded)
        appliance = [program, "--data-dir", data_dir]
        options = ["--plain-http", "loopback", "--public-url", "https://clips.studio.example", "--lease-seconds", "3600"]
        listen = ["--listen", "127.0.0.1:0", "--dashboard-listen", "127.0.0.1:0", "--port-file", port_file]
        server = subprocess.Popen([*appliance, "serve", *options, *listen], stderr=subprocess.DEVNULL)
        try:
            url = f"http://{wait_for(port_file)}"
            named = {**os.environ, "SUDO_USER": "mira"}
            printed = subprocess.run([*appliance, "admin", "dashboard"], check=True, capture_output=True, text=True, env=named)
            link = printed.stdout.strip()
            with kit.browser(link) as browser:
                page = browser.page(SIZE)
                kit.sign_in(page, link)
                picture = take(page, url, held)
        finally:
            server.terminate()
            server.wait()
    palette = picture.convert("RGB").quantize(COLORS, Image.Quantize.MAXCOVERAGE, kmeans=KMEANS, dither=Image.Dither.NONE)
    palette.save(PICTURES / "dashboard.png", optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
