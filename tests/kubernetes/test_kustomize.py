"""What is checked is what `kubectl kustomize` makes."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.kubernetes import OVERLAYS
from tests.kubernetes.kustomize import load, render


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl to compare with")
@pytest.mark.parametrize("overlay", ["small", "production"])
def test_renders_as_kubectl_does(overlay: str) -> None:
    command = ["kubectl", "kustomize", str(OVERLAYS / overlay)]
    theirs = load(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    ours = render(OVERLAYS / overlay)
    by_name = [{(d["kind"], d["metadata"]["name"]): d for d in each} for each in (ours, theirs)]
    assert by_name[0] == by_name[1]
    assert len(ours) == len(theirs) > 60


def kustomization(folder: Path, text: str) -> Path:
    (folder / "kustomization.yaml").write_text(f"apiVersion: v1\nkind: Kustomization\n{text}")
    (folder / "one.yaml").write_text("kind: ConfigMap\nmetadata: {name: one}\ndata: {a: b}\n")
    return folder


class TestRenderer:
    def test_refuses_what_it_does_not_know(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="secretGenerator"):
            render(kustomization(tmp_path, "resources: [one.yaml]\nsecretGenerator: []\n"))

    def test_refuses_a_patch_of_nothing(self, tmp_path: Path) -> None:
        patch = "patches: [{target: {kind: Job}, patch: '[{op: add, path: /data, value: {}}]'}]"
        (tmp_path / "two.yaml").write_text("kind: ConfigMap\nmetadata: {name: two}\n")
        folder = kustomization(tmp_path, f"resources: [one.yaml]\n{patch}\n")
        with pytest.raises(ValueError, match="finds nothing to change"):
            render(folder)
        folder = kustomization(tmp_path, "resources: [one.yaml]\npatches: [{path: two.yaml}]\n")
        with pytest.raises(ValueError, match="finds nothing to change"):
            render(folder)

    def test_refuses_to_replace_what_is_not_there(self, tmp_path: Path) -> None:
        operation = "[{op: replace, path: /data/x, value: y}]"
        patch = f"patches: [{{target: {{kind: ConfigMap}}, patch: '{operation}'}}]"
        with pytest.raises(ValueError, match="cannot replace /data/x"):
            render(kustomization(tmp_path, f"resources: [one.yaml]\n{patch}\n"))
