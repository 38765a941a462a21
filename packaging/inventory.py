#!/usr/bin/env python3
"""The program's dependencies according to Cargo: an SBOM (CycloneDX 1.5, JSON) or the texts of all licences.

    inventory.py sbom TARGET > sbom.cdx.json
    inventory.py licences TARGET > third-party.txt

TARGET is a Rust target triple. The output is reproducible: its time is SOURCE_DATE_EPOCH.
"""

import datetime
import json
import os
import pathlib
import subprocess
import sys
import tomllib
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Names of licence files, and how deep in a package to look for them (for bundled C sources).
NAMES = ("LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE")
DEPTH = 3
FONTS = ROOT / "src/render/draw/fonts"


def shipped(target):
    """The product's package, and its dependencies in this target's program as `id: (package, ids of its own)`."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target]
    told = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    packages = {package["id"]: package for package in told["packages"]}
    uses = {
        node["id"]: sorted(
            dep["pkg"] for dep in node["deps"] if any(kind["kind"] is None for kind in dep["dep_kinds"])
        )
        for node in told["resolve"]["nodes"]
    }
    product = told["resolve"]["root"]
    found, to_visit = {}, [product]
    while to_visit:
        package = to_visit.pop()
        if package not in found:
            found[package] = (packages[package], uses[package])
            to_visit += uses[package]
    in_order = sorted(found.items(), key=lambda item: (item[1][0]["name"], item[1][0]["version"]))
    return packages[product], dict(in_order)


def reference(package):
    """A package URL (purl-spec)."""
    return f"pkg:cargo/{package['name']}@{package['version']}"


def licence(package):
    """Its SPDX expression; old packages write `/` for OR."""
    return (package["license"] or "NOASSERTION").replace("/", " OR ")


def sbom(target):
    product, packages = shipped(target)
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    checksums = {(entry["name"], entry["version"]): entry.get("checksum") for entry in lock["package"]}

    def component(package, kind):
        checksum = checksums.get((package["name"], package["version"]))
        described = {
            "type": kind,
            "bom-ref": reference(package),
            "name": package["name"],
            "version": package["version"],
            "description": (package["description"] or "").strip(),
            "licenses": [{"expression": licence(package)}],
            "purl": reference(package),
        }
        if checksum:
            described["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        return described

    time = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    content = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": component(product, "application"),
            "properties": [{"name": "cdx:rustc:target", "value": target}],
        },
        "components": [
            component(package, "library") for package, _ in packages.values() if package["id"] != product["id"]
        ],
        "dependencies": [
            {"ref": reference(package), "dependsOn": sorted({reference(packages[use][0]) for use in uses})}
            for package, uses in packages.values()
        ],
    }
    content["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(content)).urn
    print(json.dumps(content, indent=1))


def licence_files(folder):
    """The licence files of a package, including those of bundled sources."""
    for path in sorted(folder.rglob("*")):
        is_near = len(path.relative_to(folder).parts) <= DEPTH
        if is_near and path.is_file() and path.name.upper().startswith(NAMES) and path.suffix != ".rs":
            yield path


def licences(target):
    product, packages = shipped(target)
    texts, bare, names = {}, [], []
    for package, _ in packages.values():
        if package["id"] == product["id"]:
            continue
        name = f"{package['name']} {package['version']}"
        names.append(f"{name} ({licence(package)})")
        files = list(licence_files(pathlib.Path(package["manifest_path"]).parent))
        if not files:
            bare.append(f"{name} ({licence(package)}), by {', '.join(package['authors']) or 'its authors'}")
        for file in files:
            texts.setdefault(file.read_text(errors="replace").strip(), []).append(name)
    texts.setdefault((FONTS / "OFL.txt").read_text().strip(), []).append("the Inter fonts")
    texts.setdefault((FONTS / "OFL-Noto.txt").read_text().strip(), []).append("the Noto fonts")
    texts.setdefault((FONTS / "Apache-2.0.txt").read_text().strip(), []).append("the Droid Sans Fallback font")
    line = "=" * 100
    print("The program contains the packages below, each under its own licence.\n")
    print("\n".join(names))
    print("\nThese come without a licence file and are used under the licence that they declare:\n")
    print("\n".join(bare))
    for text, users in sorted(texts.items(), key=lambda item: item[1][0]):
        print(f"\n{line}\n{', '.join(dict.fromkeys(users))}\n{line}\n\n{text}")


if __name__ == "__main__":
    jobs = {"sbom": sbom, "licences": licences}
    if len(sys.argv) != 3 or sys.argv[1] not in jobs:
        sys.exit(__doc__)
    jobs[sys.argv[1]](sys.argv[2])
