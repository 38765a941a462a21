"""A server of a script's own, on free ports, and what an operator and a client do beside the browser."""

import json
import os
import re
import subprocess
import time
from contextlib import contextmanager

# How long a server may take to start, in seconds.
START = 60


class Appliance:
    """A running server, and the program's commands on its data directory."""

    def __init__(self, program, data_dir, log, process):
        self.program = program
        self.process = process
        self.data_dir = data_dir
        self.log = log

    def run(self, *arguments, **variables):
        """Runs a command that must succeed, with these environment variables: what it prints."""
        line = [self.program, "--data-dir", self.data_dir, *arguments]
        done = subprocess.run(line, capture_output=True, text=True, env=_clean() | variables)
        assert done.returncode == 0, f"{line} failed: {done.stderr}"
        return done.stdout

    def admin(self, *arguments):
        """The JSON of an `admin` command."""
        return json.loads(self.run("--json", "admin", *arguments))

    def link(self, *flags):
        """A fresh link that signs in."""
        return self.admin("dashboard", *flags)["url"]

    def code(self):
        """A fresh code."""
        return self.link().split("code=")[1]

    def printed(self):
        """Everything that the server has printed."""
        with open(self.log, encoding="utf-8") as file:
            return file.read()

    def stop(self):
        """Kills the server."""
        self.process.kill()
        self.process.wait()

    def url(self):
        """The address of the API."""
        return re.search(r"Listening on [^ ]+: (https://[^ ]+?)\. ", self.printed()).group(1)

    def submit(self, key, demo, *arguments):
        """Submits a job, as a client with this key does: what is printed as JSON."""
        line = ["--json", "submit", demo, "--server", self.url(), *arguments]
        return json.loads(self.run(*line, DINKEM_API_KEY=key))


@contextmanager
def serving(program, folder, *flags):
    """A server whose data directory is `data` in this folder; it is stopped when the block ends."""
    data_dir, log = os.path.join(folder, "data"), os.path.join(folder, "serve.log")
    line = [program, "serve", "--data-dir", data_dir, "--listen", "127.0.0.1:0", "--dashboard-listen", "127.0.0.1:0"]
    with running([*line, *flags], log) as server:
        appliance = Appliance(program, data_dir, log, server)
        until = time.monotonic() + START
        while "Dashboard: " not in appliance.printed():
            assert server.poll() is None and time.monotonic() < until, f"no server: {appliance.printed()}"
            time.sleep(0.05)
        yield appliance


@contextmanager
def running(line, log, stdin=None):
    """A process that is stopped when the block ends. What it prints goes to the file `log`."""
    with open(log, "w", encoding="utf-8") as file:
        pipe = subprocess.DEVNULL if stdin is None else subprocess.PIPE
        process = subprocess.Popen(line, stdin=pipe, stdout=file, stderr=file, env=_clean())
    if stdin is not None:
        process.stdin.write(stdin.encode())
        process.stdin.close()
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _clean():
    return {name: value for name, value in os.environ.items() if not name.startswith("DINKEM_")}
