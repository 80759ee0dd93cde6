"""The layout rules of the design: what may import what, and what importing may do."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "advisor"
MODULES = {".".join(p.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): p for p in sorted(PACKAGE.rglob("*.py"))}
LONGEST = 300

# From the bottom up; a module imports from lower layers, or from its own where that makes no circle.
LAYERS: tuple[frozenset[str], ...] = tuple(
    frozenset(names.split())
    for names in (
        "types errors words",
        "adapter stage config laps locks sentences query render weights migrations record",
        "server session streams figures",
        "database documents chunking prompts smalltalk spelling suggest citations encode reader hashed impartial index",
        "corpus pending evidence condense resolve export models",
        "chats keys users uploads deliveries saved rules codes links installations budget",
        "forgetful catalog rows library decide calls writing claims",
        "verify",
        "milestones transcript",
        "lint",
        "retrieve quote answer",
        "personal",
        "pipeline",
        "assemble batch",
        "terminal doctor apps langchain",
        "cli_chats cli_keys cli_slack cli_users",
        "cli",
    )
)
# Conveniences of the public names: `print(answer)` and `Advisor.open()` look up, when called.
LOOKS_UP = {("types", "render"), ("pipeline", "assemble"), ("encode", "export")}

HOMES = {
    "chromadb": {"index"},
    "sentence_transformers": {"encode", "verify"},
    "torch": {"encode", "export", "verify"},
    "transformers": {"encode", "verify"},
    "onnxruntime": {"session", "export"},
    "tokenizers": {"session"},
    "langchain": {"models"},
    "langchain_core": {"models", "langchain"},
    "llama_cpp": {"models"},
    "gradio": {"apps"},
    "fastapi": {"apps"},
    "starlette": {"apps"},
    "uvicorn": {"apps"},
    "limits": {"apps"},
    "slack_bolt": {"apps"},
    "slack_sdk": {"apps"},
    "sqlalchemy": set(
        "database migrations server rows library pending chats keys users uploads deliveries saved rules codes links installations "
        "budget".split()
    ),
    "pydantic": {"config", "apps"},
    "pydantic_settings": {"config"},
    "typer": {"cli", "cli_chats", "cli_keys", "cli_slack", "cli_users"},
    "psycopg": {"server"},
    "cryptography": {"installations"},
    "opentelemetry": {"apps"},
    "rich": {"terminal"},
    "pypdf": {"documents"},
    "docx": {"documents"},
    "yaml": {"corpus"},
    "snowballstemmer": {"query"},
}
SLOW = ("chromadb", "gradio", "langchain", "onnxruntime", "sentence_transformers", "torch", "transformers")


def _imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Every module named in a file, and whether that is on its top level, for running and not for types."""

    def walk(node: ast.AST, top: bool) -> Iterator[tuple[str, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from ((alias.name, top) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert not child.level, f"{path.name}: write imports in full"
                yield str(child.module), top
                if child.module == "advisor":
                    yield from ((f"advisor.{alias.name}", top) for alias in child.names)
            elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
                continue
            else:
                yield from walk(child, top and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef))

    yield from walk(ast.parse(path.read_text()), True)


def _own(path: Path) -> Iterator[tuple[str, bool]]:
    for name, top in _imports(path):
        if name.startswith("advisor."):
            yield name.split(".")[1], top


def _layer(module: str) -> int:
    found = [i for i, layer in enumerate(LAYERS) if module in layer]
    assert found, f"advisor/{module}.py is in no layer: give it a place in LAYERS of {Path(__file__).name}"
    return found[0]


def _unit(module: str) -> str:
    return module.split(".")[0]


@pytest.mark.parametrize("module", [m for m in MODULES if m != "__init__"])
def test_imports_point_down(module: str) -> None:
    unit = _unit(module)
    for other, _ in _own(MODULES[module]):
        if other != unit and (unit, other) not in LOOKS_UP:
            assert _layer(other) <= _layer(unit), f"advisor/{module} imports advisor.{other}, which stands above it"


def test_no_two_modules_import_each_other() -> None:
    graph = {_unit(m): {o for o, _ in _own(p) if (_unit(m), o) not in LOOKS_UP} - {_unit(m)} for m, p in MODULES.items() if m != "__init__"}
    left = dict(graph)
    while left:
        free = [m for m, others in left.items() if not others & set(left)]
        assert free, f"these import one another in a circle: {sorted(left)}"
        for module in free:
            del left[module]


@pytest.mark.parametrize("module", MODULES)
def test_each_vendor_is_imported_in_one_place_only(module: str) -> None:
    for name, _ in _imports(MODULES[module]):
        vendor = name.split(".")[0]
        if vendor in HOMES:
            assert _unit(module) in HOMES[vendor], f"advisor/{module} imports {vendor}, which belongs into {sorted(HOMES[vendor])}"


@pytest.mark.parametrize("module", [m for m in MODULES if _unit(m) != "apps"])
def test_slow_vendors_are_imported_where_they_are_first_used(module: str) -> None:
    at_top = [name for name, top in _imports(MODULES[module]) if top and name.split(".")[0] in SLOW]
    assert not at_top, f"advisor/{module} imports {at_top} when it is imported; move that into the function that needs it"


@pytest.mark.parametrize("module", MODULES)
def test_the_advisor_does_not_import_its_evaluations(module: str) -> None:
    at_top = [
        name
        for name, top in _imports(MODULES[module])
        if name.split(".")[0] in ("evals", "tests", "benchmarks") and (top or module != "cli")
    ]
    assert not at_top


@pytest.mark.parametrize("module", [m for m in MODULES if m != "config"])
def test_only_config_reads_the_environment(module: str) -> None:
    found = re.search(r"\benviron\b|\bgetenv\b|\bputenv\b", MODULES[module].read_text())
    assert not found, f"advisor/{module} reads the environment; make it a setting in config.py and pass it down"


@pytest.mark.parametrize("module", MODULES)
def test_no_module_is_too_long_to_read(module: str) -> None:
    lines = len(MODULES[module].read_text().splitlines())
    assert lines <= LONGEST, f"advisor/{module} has {lines} lines: split it by what it does"


@pytest.mark.parametrize("module", MODULES)
def test_names_say_what_is_inside(module: str) -> None:
    vague = {"util", "utils", "helper", "helpers", "manager", "base", "service", "handler", "common", "misc"}
    assert not vague & set(re.split(r"[._]", module))


@pytest.mark.parametrize("module", MODULES)
def test_every_module_says_what_it_is(module: str) -> None:
    assert ast.get_docstring(ast.parse(MODULES[module].read_text())), f"advisor/{module} has no docstring"


def test_types_need_only_the_standard_library() -> None:
    for module in ("types", "errors", "words"):
        foreign = (
            {n.split(".")[0] for n, top in _imports(MODULES[module]) if top} - set(sys.stdlib_module_names) - {"__future__", "advisor"}
        )
        assert not foreign, f"advisor/{module}.py imports {foreign}"


def test_importing_any_module_does_nothing(tmp_path: Path) -> None:
    """No environment written, no file, no connection, no thread, no slow vendor."""
    script = tmp_path / "look.py"
    names = [f"advisor.{m}" if m != "__init__" else "advisor" for m in MODULES if _unit(m) != "apps"]
    script.write_text(
        "import importlib, logging, os, sys, threading\n"
        "done = []\n"
        "def hook(event, arguments):\n"
        "    if event == 'open' and isinstance(arguments[1], str) and set(arguments[1]) & set('wax+'):\n"
        "        done.append((event, str(arguments[0])))\n"
        "    elif event in ('socket.connect', 'socket.getaddrinfo', 'subprocess.Popen', 'os.mkdir', 'os.remove', 'sqlite3.connect'):\n"
        "        done.append((event, str(arguments)))\n"
        "before, handlers = dict(os.environ), list(logging.getLogger().handlers)\n"
        "sys.dont_write_bytecode = True\n"
        "sys.addaudithook(hook)\n"
        f"for name in {names!r}:\n"
        "    importlib.import_module(name)\n"
        "assert dict(os.environ) == before, set(os.environ.items()) ^ set(before.items())\n"
        "assert list(logging.getLogger().handlers) == handlers\n"
        "assert threading.active_count() == 1, threading.enumerate()\n"
        f"assert not set({SLOW!r}) & set(sys.modules), set({SLOW!r}) & set(sys.modules)\n"
        "assert not done, done\n"
    )
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["look.py"]
    assert not done.stdout
