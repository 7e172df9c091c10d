"""The reader of compose files; tests/containers compares it with docker compose's own."""

from pathlib import Path

import pytest

from tests.hardening import compose


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder / "main.yaml"


class TestProject:
    def test_holds_what_is_included(self, tmp_path: Path) -> None:
        path = written(
            tmp_path,
            main="include: ['${PART:-part}.yaml']\nservices: {a: {image: a}}",
            part="services: {b: {image: b}}\nnetworks: {n: {internal: true}, open: }",
        )
        project = compose.read(path)
        assert set(project.services) == {"a", "b"}
        assert project.networks == {"n": {"internal": True}, "open": {}}
        assert project.places["b"].name == "part.yaml"

    def test_takes_a_file_twice_and_no_thing_twice_differently(self, tmp_path: Path) -> None:
        path = written(
            tmp_path, main="include: [part.yaml, part.yaml]", part="services: {b: {image: b}}"
        )
        assert set(compose.read(path).services) == {"b"}
        path.write_text("include: [part.yaml]\nservices: {b: {image: c}}")
        with pytest.raises(ValueError, match="defines b in another way"):
            compose.read(path)

    def test_lays_the_files_of_one_include_over_each_other(self, tmp_path: Path) -> None:
        path = written(
            tmp_path,
            main="include: [{path: [part.yaml, 'over-${OVER:-off}.yaml']}]",
            part="services: {b: {image: b, ports: ['1:1'], environment: {A: '1'}}}",
            **{"over-off": "services: {}", "over-on": "services: {b: {ports: ['2:2']}}"},
        )
        assert compose.read(path).services["b"]["ports"] == ["1:1"]
        over = compose.read(path, {"OVER": "on"}).services["b"]
        assert over == {"image": "b", "ports": ["1:1", "2:2"], "environment": {"A": "1"}}

    def test_holds_what_is_extended(self, tmp_path: Path) -> None:
        path = written(
            tmp_path,
            main="""
x-own: &own {environment: {A: "2", B: "3"}}
services:
  child:
    <<: *own
    extends: {file: part.yaml, service: parent}
    tmpfs: [/var, "/var/t:size=2m"]
    volumes: ["b:/data"]
    command: [one]
""",
            part="""
services:
  parent: {extends: root, environment: {A: "1", C: "4"}, command: [two, three]}
  root: {tmpfs: [/run, "/var/t:size=1m"], volumes: ["a:/data"], read_only: true}
""",
        )
        child = compose.read(path).services["child"]
        assert child["environment"] == {"A": "2", "B": "3", "C": "4"}
        assert child["tmpfs"] == ["/run", "/var", "/var/t:size=2m"]
        assert child["volumes"] == ["b:/data"]
        assert child["command"] == ["one"]
        assert child["read_only"] is True
        assert "extends" not in child

    def test_takes_no_path_that_is_relative_to_another_folder(self, tmp_path: Path) -> None:
        path = written(tmp_path, main="include: [{path: part.yaml, project_directory: /}]")
        with pytest.raises(ValueError, match="includes with more than a path"):
            compose.read(path)
        path.write_text("services: {a: {extends: {file: ../part.yaml, service: b}}}")
        with pytest.raises(ValueError, match="extends a file of another folder"):
            compose.read(path)

    def test_keeps_what_was_written_beside_what_it_means(self, tmp_path: Path) -> None:
        path = written(tmp_path, main="services: {a: {image: '${A_IMAGE:-a:1}'}}")
        project = compose.read(path, {"A_IMAGE": "b:2"})
        assert project.services["a"]["image"] == "b:2"
        assert project.written["a"]["image"] == "${A_IMAGE:-a:1}"


class TestInterpolation:
    @pytest.mark.parametrize(
        ("text", "meant"),
        [
            ("$A ${A} ${NONE} $$A", "1 1  $A"),
            ("${NONE:-2} ${NONE-3} ${EMPTY:-4}${EMPTY-5}", "2 3 4"),
            ("${A:+6}${NONE:+7}${EMPTY+8}", "68"),
            ("http://h:${NONE:-${A}}", "http://h:1"),
            ("${NONE:-http://h:${NONE:-80}}/x", "http://h:80/x"),
        ],
    )
    def test_puts_variables_in(self, text: str, meant: str) -> None:
        assert compose.interpolate(text, {"A": "1", "EMPTY": ""}) == meant

    @pytest.mark.parametrize("text", ["${NONE:?say it}", "${NONE?say it}", "${EMPTY:?say it}"])
    def test_refuses_to_go_on_without_what_is_demanded(self, text: str) -> None:
        with pytest.raises(KeyError, match="say it"):
            compose.interpolate(text, {"EMPTY": ""})


class TestMounts:
    @pytest.mark.parametrize(
        ("volume", "mount"),
        [
            ("data:/data", compose.Mount("volume", "data", "/data", False)),
            ("./a:/a:ro", compose.Mount("bind", "./a", "/a", True)),
            ("/a:/a:z,ro", compose.Mount("bind", "/a", "/a", True)),
            ({"type": "bind", "source": "/a", "target": "/b"}, compose.Mount("bind", "/a", "/b", False)),
            (
                {"type": "bind", "source": "/a", "target": "/b", "read_only": True},
                compose.Mount("bind", "/a", "/b", True),
            ),
        ],
    )  # fmt: skip
    def test_are_read_in_both_forms(self, volume: object, mount: compose.Mount) -> None:
        assert compose.mounts({"volumes": [volume]}) == [mount]


class TestDuration:
    def test_is_read_in_seconds(self) -> None:
        assert [compose.seconds(text) for text in ("45s", "1m30s", "500ms", "1h")] == [
            *(45, 90, 0.5, 3600)
        ]
