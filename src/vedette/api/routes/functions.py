"""Saved functions: what they are, and changes of them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from vedette.api.security import Services, requires
from vedette.api.wire import Page, Wire, wire_model
from vedette.content.parsers import Problem, read_function_text
from vedette.core.errors import InvalidInput
from vedette.core.roles import Permission, Principal
from vedette.kql.diagnostics import sentence
from vedette.store.functions import FunctionDefinition, FunctionReport, FunctionRevision, SavedFunctions, StoredFunction
from vedette.store.logstore import LogStore

router = APIRouter(tags=["saved functions"], prefix="/workspaces/{ws}/saved-functions")
Reads = Depends(requires(Permission.CONTENT_READ))
Writes = Annotated[Principal, Depends(requires(Permission.CONTENT_WRITE))]
MAX_IMPORT = 2_000


_BODY = frozenset({"body", "description", "equivalent_built_in", "source", "created_at"})
FunctionSummary = wire_model(
    "FunctionSummary", "A saved function in a list.", FunctionDefinition, StoredFunction, omit=_BODY | {"definition"}
)
FunctionWhole = wire_model(
    "FunctionWhole", "A saved function.", FunctionDefinition, StoredFunction, omit=frozenset({"definition"})
)


class FunctionPut(Wire):
    """A function to save; `parameters` is KQL as between the parentheses of a function."""

    body: str
    parameters: str = ""
    display_name: str = ""
    category: str = ""
    description: str = ""
    version: str = ""


RevisionBody = wire_model(
    "RevisionBody", "What a function was from some time on.", FunctionRevision, FunctionDefinition,
    omit=frozenset({"definition", "name", "display_name", "category", "description", "equivalent_built_in", "source"}),
)  # fmt: skip


class ImportFile(Wire):
    """A file of functions."""

    name: str
    content: str


class ImportRequest(Wire):
    """Files of functions: parsers as YAML, saved searches as ARM JSON, or KQL."""

    files: list[ImportFile]


def summary(stored: StoredFunction) -> Wire:
    """A function in a list."""
    return FunctionSummary.model_validate(_flat(stored, FunctionSummary))


def whole(stored: StoredFunction) -> Wire:
    """A function as the API shows it."""
    return FunctionWhole.model_validate(_flat(stored, FunctionWhole))


def _flat(held: StoredFunction | FunctionRevision, model: type[Wire]) -> dict[str, Any]:
    """What a model shows of a function, and of its definition."""
    return {name: getattr(held if hasattr(held, name) else held.definition, name) for name in model.model_fields}


def imported(
    functions: SavedFunctions, logs: LogStore, found: list[FunctionDefinition], problems: list[Problem], by: Principal
) -> FunctionReport:
    """Saves functions; one that does not bind yet is saved all the same, with a warning."""
    report = functions.import_(found, problems, by)
    files = {one.name: one.source for one in found}
    for name in (*report.added, *report.updated):
        stored = functions.for_query(name)
        if stored is None or any(one.default is None for one in stored.literal.parameters):
            continue
        faults = [one for one in logs.check(f"{name}()").diagnostics if one.severity == "Error"]
        if faults and faults[0].code != "KS205":  # which a function that gives a value has
            report.problems.append(
                {
                    "severity": "Warning", "file": files[name], "line": None, "hint": None,
                    "message": f"'{name}' was saved and does not work yet: {sentence(faults[0].message)}",
                }
            )  # fmt: skip
    return report


@router.get("", dependencies=[Reads], response_model=Page[FunctionSummary])  # type: ignore[valid-type]
def list_(services: Services) -> Page[Wire]:
    """Every saved function, by name."""
    found = [summary(one) for one in services.functions.list()]
    return Page(value=found, count=len(found))


@router.post("/import")
def import_(services: Services, body: ImportRequest, caller: Writes) -> dict[str, Any]:
    """Takes functions in; the answer is the report of `vedette functions import`."""
    if len(body.files) > MAX_IMPORT:
        raise InvalidInput(f"More than {MAX_IMPORT} files in one import.")
    found: list[FunctionDefinition] = []
    problems: list[Problem] = []
    for file in body.files:
        functions, faults = read_function_text(file.content, file.name)
        found += functions
        problems += faults
    return imported(services.functions, services.logs, found, problems, caller).to_dict()


@router.get("/{name}", dependencies=[Reads], response_model=FunctionWhole)
def get(services: Services, name: str) -> Wire:
    """A saved function."""
    return whole(services.functions.get(name))


@router.put("/{name}", response_model=FunctionWhole)
def put(services: Services, name: str, body: FunctionPut, caller: Writes, response: Response) -> Wire:
    """Saves a function, or its next revision."""
    stored, done = services.functions.put(FunctionDefinition(name, **body.model_dump(by_alias=False)), caller)
    response.status_code = 201 if done == "added" else 200
    return whole(stored)


@router.delete("/{name}", status_code=204)
def delete(services: Services, name: str, caller: Writes) -> None:
    """Removes a function with its revisions."""
    services.functions.delete(name, caller)


@router.get("/{name}/revisions", dependencies=[Reads], response_model=Page[RevisionBody])  # type: ignore[valid-type]
def revisions(services: Services, name: str) -> Page[Wire]:
    """What a function was, newest first."""
    found = [_revision(one) for one in services.functions.revisions(name)]
    return Page(value=found, count=len(found))


def _revision(one: FunctionRevision) -> Wire:
    return RevisionBody.model_validate(_flat(one, RevisionBody))
