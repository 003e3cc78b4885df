"""`vedette rules test`, `lint` and `diff`: rules as code, before they come into force."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from vedette.cli.opening import operations
from vedette.cli.options import DataDir, JsonReport, WorkspaceName
from vedette.cli.output import counted, harmless, json_line, note, screen, write_file
from vedette.cli.progress import DelayedBar
from vedette.cli.rules import group

RulePaths = Annotated[list[Path], typer.Argument(help="Files and folders of rules.", metavar="PATH")]


def register(_app: typer.Typer) -> None:
    """Adds the commands to the group of `vedette rules`."""
    group.command("test")(run_tests)
    group.command("lint")(lint)
    group.command("diff")(diff)


def run_tests(
    paths: RulePaths,
    junit: Annotated[
        Path | None, typer.Option("--junit", help="Write the results as JUnit XML, too.", metavar="FILE")
    ] = None,
    json_: JsonReport = False,
) -> None:
    """Run the tests that stand beside rules: rows of tables, and whether the rule raises alerts of them.

    No data directory is needed: each test has a store of its own in memory. Exit code 1 if a test fails or a file cannot be read.
    """
    from vedette.detect.as_code import rule_tests
    from vedette.detect.reading.files import read_rules
    from vedette.detect.reading.problems import ProblemSeverity

    read, problems = read_rules(paths)
    results: list[rule_tests.RuleTestResult] = []
    without = 0
    with DelayedBar("testing rules") as bar:
        for number, one in enumerate(read):
            bar.update("testing rules", number, len(read))
            found = rule_tests.run_tests(one)
            without += not found
            results += found
    errors = [problem for problem in problems if problem.severity is ProblemSeverity.ERROR]
    results += [
        rule_tests.RuleTestResult(problem.rule or problem.file, problem.file, "reading", 0.0, error=str(problem))
        for problem in errors
    ]
    if junit is not None:
        write_file(junit, rule_tests.junit(results), "--junit")
    failed = [result for result in results if not result.passed]
    if json_:
        report = {"tests": [result.to_dict() for result in results], "rules": len(read), "without_tests": without}
        typer.echo(json_line(report))
    else:
        for result in failed:
            kind = "error" if result.error is not None else "failed"
            typer.echo(harmless(f"{kind} {result.file}: {result.rule}: {result.name}"))
            typer.echo(harmless(f"  {result.error or result.failure}"))
        typer.echo(
            f"{counted(len(results), 'test')} of {counted(len(read), 'rule')}: {len(results) - len(failed)} passed, "
            f"{len(failed)} failed; {counted(without, 'rule')} without tests"
        )
    if failed:
        raise typer.Exit(1)


def lint(
    paths: RulePaths,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    junit: Annotated[
        Path | None, typer.Option("--junit", help="Write the findings as JUnit XML, too.", metavar="FILE")
    ] = None,
    json_: JsonReport = False,
) -> None:
    """Look for mistakes in rules: queries that do not bind, windows with holes, wrong techniques, entities and columns.

    Without `--data`, queries are bound to the known tables; with it, to the tables of the workspace as well. Exit code 1 if
    there is an error; warnings alone are no failure.
    """
    from vedette.detect.as_code import rule_tests
    from vedette.detect.as_code.lint import as_results
    from vedette.detect.as_code.lint import lint as lint_rules
    from vedette.detect.reading.files import read_rules
    from vedette.detect.reading.problems import ProblemSeverity

    read, problems = read_rules(paths)
    with operations(data, workspace, needs_data=False) as held, DelayedBar("looking at rules"):
        findings = lint_rules(read, problems, held, workspace=data is not None)
    if junit is not None:
        write_file(junit, rule_tests.junit(as_results(read, findings)), "--junit")
    errors = sum(finding.severity is ProblemSeverity.ERROR for finding in findings)
    if json_:
        typer.echo(json_line({"findings": [finding.to_dict() for finding in findings], "rules": len(read)}))
    else:
        for finding in findings:
            place = finding.file if finding.line is None else f"{finding.file}:{finding.line}"
            query = "" if finding.query_line is None else f" (query {finding.query_line}:{finding.query_column})"
            typer.echo(harmless(f"{place}: {finding.code} {finding.severity.value.lower()}: {finding.message}{query}"))
            if finding.hint:
                typer.echo(harmless(f"  {finding.hint}"))
        note(f"{counted(len(read), 'rule')}: {counted(errors, 'error')}, {counted(len(findings) - errors, 'warning')}")
    if errors:
        raise typer.Exit(1)


def diff(
    old: Annotated[Path, typer.Argument(help="A file or folder of rules.", metavar="OLD")],
    new: Annotated[Path, typer.Argument(help="Another one.", metavar="NEW")],
    json_: JsonReport = False,
) -> None:
    """Tell what differs between two sets of rules, field by field. Exit code 1 if a file cannot be read."""
    from vedette.detect.as_code.comparison import compare
    from vedette.detect.reading.files import read_rules
    from vedette.detect.reading.problems import ProblemSeverity

    (before, faults), (after, more) = read_rules([old]), read_rules([new])
    found = compare(before, after)
    if json_:
        typer.echo(json_line(found))
    else:
        _print_diff(found)
    errors = [problem for problem in [*faults, *more] if problem.severity is ProblemSeverity.ERROR]
    for problem in errors:
        screen(stderr=True).print(harmless(f"error {problem}"))
    if errors:
        raise typer.Exit(1)


def _print_diff(found: dict[str, Any]) -> None:
    for word, sign in (("removed", "-"), ("added", "+")):
        for rule in found[word]:
            typer.echo(harmless(f"{sign} {rule['name']} ({rule['id']})"))
    for rule in found["changed"]:
        typer.echo(harmless(f"~ {rule['name']} ({rule['id']})"))
        for change in rule["fields"]:
            if change["field"] == "query":
                for line in rule["query"]:
                    typer.echo(harmless(f"    {line}"))
            else:
                typer.echo(harmless(f"    {change['field']}: {json_line(change['old'])} -> {json_line(change['new'])}"))
    note(
        f"{len(found['added'])} added, {len(found['removed'])} removed, {len(found['changed'])} changed, "
        f"{found['unchanged']} unchanged"
    )
