import ast
from pathlib import Path

from dlmath.reporting import SILENT


def test_the_progress_of_one_task_arrives_under_its_name(recorder):
    progress = recorder.task("drawing")
    progress(1, 2)
    progress(2, 2, "done")
    assert recorder.steps == [("drawing", 1, 2), ("drawing", 2, 2)]


def test_a_silent_reporter_takes_progress_too():
    SILENT.task("drawing")(1, 2, "note")


def own_progress_types(source: str) -> list[str]:
    """Every `Progress = ...` and every parameter `progress: Callable[[int, int...` in a module."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and "Progress" in ast.unparse(node.targets[0]):
            found.append(ast.unparse(node))
        if isinstance(node, ast.arg) and ast.unparse(node).startswith("progress: Callable[[int"):
            found.append(ast.unparse(node))
    return found


def test_progress_has_one_type(repository: Path):
    files = list((repository / "dlmath").rglob("*.py"))
    assert len(files) > 100
    found = {str(file): own_progress_types(file.read_text(encoding="utf-8")) for file in files}
    assert {file: types for file, types in found.items() if types} == {}
    assert own_progress_types("Progress = Callable[[int, int], object]")
    assert own_progress_types("def f(*, progress: Callable[[int, int], None] | None = None): ...")
