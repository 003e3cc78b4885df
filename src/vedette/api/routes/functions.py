"""Saved functions: what they are, and changes of them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from vedette.api.security import Services, requires
from vedette.api.wire import Page, Utc, Wire
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


class FunctionSummary(Wire):
    """A saved function in a list."""

    id: str
    name: str
    parameters: str
    display_name: str
    category: str
    version: str
    revision: int
    updated_at: Utc
    updated_by: str


class FunctionWhole(FunctionSummary):
    """A saved function."""

    body: str
    description: str
    equivalent_built_in: str
    source: str
    created_at: Utc


class FunctionPut(Wire):
    """A function to save; `parameters` is KQL as between the parentheses of a function."""

    body: str
    parameters: str = ""
    display_name: str = ""
    category: str = ""
    description: str = ""
    version: str = ""


class RevisionBody(Wire):
    """What a function was from some time on."""

    revision: int
    at: Utc
    by: str
    parameters: str
    body: str
    version: str


class ImportFile(Wire):
    """A file of functions."""

    name: str
    content: str


class ImportRequest(Wire):
    """Files of functions: parsers as YAML, saved searches as ARM JSON, or KQL."""

    files: list[ImportFile]


def summary(stored: StoredFunction) -> FunctionSummary:
    """A function in a list."""
    one = stored.definition
    return FunctionSummary(
        id=stored.id, name=one.name, parameters=one.parameters, display_name=one.display_name, category=one.category,
        version=one.version, revision=stored.revision, updated_at=stored.updated_at, updated_by=stored.updated_by,
    )  # fmt: skip


def whole(stored: StoredFunction) -> FunctionWhole:
    """A function as the API shows it."""
    one = stored.definition
    return FunctionWhole(
        **summary(stored).model_dump(by_alias=False), body=one.body, description=one.description,
        equivalent_built_in=one.equivalent_built_in, source=one.source, created_at=stored.created_at,
    )  # fmt: skip


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


@router.get("", dependencies=[Reads])
def list_(services: Services) -> Page[FunctionSummary]:
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


@router.get("/{name}", dependencies=[Reads])
def get(services: Services, name: str) -> FunctionWhole:
    """A saved function."""
    return whole(services.functions.get(name))


@router.put("/{name}")
def put(services: Services, name: str, body: FunctionPut, caller: Writes, response: Response) -> FunctionWhole:
    """Saves a function, or its next revision."""
    stored, done = services.functions.put(FunctionDefinition(name, **body.model_dump(by_alias=False)), caller)
    response.status_code = 201 if done == "added" else 200
    return whole(stored)


@router.delete("/{name}", status_code=204)
def delete(services: Services, name: str, caller: Writes) -> None:
    """Removes a function with its revisions."""
    services.functions.delete(name, caller)


@router.get("/{name}/revisions", dependencies=[Reads])
def revisions(services: Services, name: str) -> Page[RevisionBody]:
    """What a function was, newest first."""
    found = [_revision(one) for one in services.functions.revisions(name)]
    return Page(value=found, count=len(found))


def _revision(one: FunctionRevision) -> RevisionBody:
    held = one.definition
    return RevisionBody(
        revision=one.revision, at=one.at, by=one.by, parameters=held.parameters, body=held.body, version=held.version
    )
