"""Checks Kubernetes manifests strictly: manifests.py FILE…

Kubernetes' own kinds against its schemas (kubernetes-validate), KEDA's against models made from its definitions
(cloudcoil-models-keda). Unknown fields are errors. Prints one line for each manifest.
"""

import sys

import kubernetes_validate
import yaml
from cloudcoil.models.keda import v1alpha1 as keda

# Version of Kubernetes whose schemas are used.
KUBERNETES = "1.33"


def unknown(given, known, path=""):
    """Paths of what a model dropped when it read the manifest."""
    if isinstance(given, dict) and isinstance(known, dict):
        for name, value in given.items():
            if name in known:
                yield from unknown(value, known[name], f"{path}.{name}")
            else:
                yield f"{path}.{name}"
    elif isinstance(given, list) and isinstance(known, list):
        for number, (value, kept) in enumerate(zip(given, known)):
            yield from unknown(value, kept, f"{path}[{number}]")


def check(manifest):
    kind, version = manifest["kind"], manifest["apiVersion"]
    if version == "keda.sh/v1alpha1":
        model = getattr(keda, kind).model_validate(manifest)
        lost = list(unknown(manifest, model.model_dump(by_alias=True, exclude_unset=True, mode="json")))
        if lost or getattr(model, "model_extra", None):
            raise ValueError(f"unknown fields: {lost or list(model.model_extra)}")
    else:
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
    return f"{kind} {version}"


for file in sys.argv[1:]:
    with open(file, encoding="utf-8") as text:
        for manifest in yaml.safe_load_all(text):
            print(check(manifest))
