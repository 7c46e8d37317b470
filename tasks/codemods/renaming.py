"""Renaming what a module defines, wherever the repository uses it, by what names mean and not by how they look."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import libcst as cst
from libcst import matchers as m
from libcst.helpers import calculate_module_and_package, get_absolute_module_from_package_for_import
from libcst.metadata import GlobalScope, MetadataWrapper, QualifiedNameProvider, ScopeProvider

from shipline.errors import AgentError
from tasks.codemods.files import tracked


def rename(root: Path, old: str, new: str) -> list[str]:
    """Rename ``package.module.name`` to ``new``; what is left for a person to look at is returned in words.

    Raises AgentError when no module defines it, ``new`` is taken somewhere, or a file cannot be parsed.
    """
    module, _, name = old.rpartition(".")
    if not module:
        raise AgentError(f"{old} does not say where it is defined.", f"Write MODULE.{old}.")
    if name == new:
        raise AgentError(f"{old} has that name already.")
    files = tracked(root, "*.py")
    defining = [each for each in files if each in _places(root, module)]
    if len(defining) != 1:
        raise AgentError(
            f"No module of the repository is {module}.", "A codemod renames what a module defines, no methods."
        )
    # A package and its `src` folder: what is below it is imported as from there.
    base = defining[0].parents[len(module.split(".")) - (0 if defining[0].name == "__init__.py" else 1)]
    changed, mentions = {}, []
    for file in files:
        text = file.read_text()
        if name not in text and file != defining[0]:
            continue
        here = file.relative_to(base) if file.is_relative_to(base) else file.relative_to(root)
        renamer = _renamed(text, here, str(file.relative_to(root)), module, name, new)
        if file == defining[0] and not renamer.defined:
            raise AgentError(
                f"{module} does not define {name}.", "A codemod renames functions, classes and variables of a module."
            )
        if renamer.text != text:
            changed[file] = renamer.text
        mentions += [
            f"{file.relative_to(root)} mentions {name} in a string; look whether it means this one."
        ] * renamer.strings
    for file, text in changed.items():
        file.write_text(text)
    return mentions


class _Renamer(cst.CSTTransformer):
    """One file. Names are compared by what they are bound to; ``__all__`` of the module itself is kept in step."""

    METADATA_DEPENDENCIES = (QualifiedNameProvider, ScopeProvider)

    def __init__(self, here: str, package: str, module: str, name: str, new: str, where: str) -> None:
        super().__init__()
        self._here, self._package, self._module, self._name, self._new = here, package, module, name, new
        self._where = where
        self._aside: set[cst.CSTNode] = set()
        self.defined, self.strings, self.text = False, 0, ""

    def visit_Arg(self, node: cst.Arg) -> None:
        if node.keyword is not None:
            self._aside.add(node.keyword)

    def visit_Attribute(self, node: cst.Attribute) -> None:
        self._aside.add(node.attr)

    def visit_ImportAlias(self, node: cst.ImportAlias) -> None:
        self._aside.add(node.name)

    def visit_SimpleString(self, node: cst.SimpleString) -> None:
        if node.evaluated_value == self._name:
            self.strings += 1

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        if original_node.value != self._name or original_node in self._aside or not self._is_it(original_node):
            return updated_node
        if self._here == self._module:
            self.defined = True
        self._require_free(original_node)
        return updated_node.with_changes(value=self._new)

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        if original_node.attr.value != self._name or not self._is_it(original_node):
            return updated_node
        return updated_node.with_changes(attr=cst.Name(self._new))

    def leave_ImportFrom(self, original_node: cst.ImportFrom, updated_node: cst.ImportFrom) -> cst.ImportFrom:
        source = get_absolute_module_from_package_for_import(self._package, original_node)
        if source != self._module or isinstance(updated_node.names, cst.ImportStar):
            return updated_node
        names = []
        for each in updated_node.names:
            if not m.matches(each.name, m.Name(self._name)):
                names.append(each)
                continue
            if each.asname is None:
                self._require_free(original_node)
            names.append(each.with_changes(name=cst.Name(self._new)))
        return updated_node.with_changes(names=names)

    def leave_Assign(self, original_node: cst.Assign, updated_node: cst.Assign) -> cst.Assign:
        exported = any(m.matches(each.target, m.Name("__all__")) for each in original_node.targets)
        if self._here != self._module or not exported:
            return updated_node
        listed = m.findall(updated_node.value, m.SimpleString())
        for each in listed:
            if isinstance(each, cst.SimpleString) and each.evaluated_value == self._name:
                self.strings -= 1  # counted as a mention a moment ago, and kept in step here
                said = each.with_changes(value=f"{each.quote}{self._new}{each.quote}")
                updated_node = cast(cst.Assign, updated_node.deep_replace(each, said))
        return updated_node

    def _is_it(self, node: cst.CSTNode) -> bool:
        for each in self.get_metadata(QualifiedNameProvider, node, set()):
            if each.source.name == "LOCAL":
                if self._here == self._module and each.name == self._name:
                    return True
            elif _absolute(each.name, self._package) == f"{self._module}.{self._name}":
                return True
        return False

    def _require_free(self, node: cst.CSTNode) -> None:
        scope = self.get_metadata(ScopeProvider, node, None)
        while scope is not None:
            if self._new in scope:
                raise AgentError(f"{self._new} is taken in {self._where}.", "Choose another name.")
            if isinstance(scope, GlobalScope):
                return
            scope = scope.parent


def _renamed(text: str, here: Path, where: str, module: str, name: str, new: str) -> _Renamer:
    try:
        wrapper = MetadataWrapper(cst.parse_module(text))
    except cst.ParserSyntaxError as error:
        raise AgentError(f"{where} cannot be parsed: {error.message.splitlines()[0]}", "Mend it first.") from None
    known = calculate_module_and_package("", str(here))
    renamer = _Renamer(known.name, known.package, module, name, new, where)
    renamer.text = wrapper.visit(renamer).code
    return renamer


def _absolute(name: str, package: str) -> str:
    """``..month.parse`` in the package ``tally.cli`` is ``tally.month.parse``."""
    dots = len(name) - len(name.lstrip("."))
    if not dots:
        return name
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - dots + 1], name[dots:]])


def _places(root: Path, module: str) -> Sequence[Path]:
    parts = Path(*module.split("."))
    return [base / each for base in (root, root / "src") for each in (parts.with_suffix(".py"), parts / "__init__.py")]
