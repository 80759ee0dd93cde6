"""A career advisor for physicians who want to become a Chief Medical Officer.

from advisor import Advisor
print(Advisor.open().ask("Do I need an MBA to become a CMO?"))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advisor.errors import AdvisorError
    from advisor.pipeline import Advisor
    from advisor.types import Answer, Citation, Turn

__all__ = ["Advisor", "AdvisorError", "Answer", "Citation", "Turn"]
_HOMES = {"Advisor": "pipeline", "AdvisorError": "errors", "Answer": "types", "Citation": "types", "Turn": "types"}


def __getattr__(name: str) -> Any:
    # Late, so that `advisor --help` does not load the database and the model.
    if name not in _HOMES:
        raise AttributeError(f"module 'advisor' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"advisor.{_HOMES[name]}"), name)
