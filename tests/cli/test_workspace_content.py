"""`vedette watchlists` and `vedette functions`, with and without a server that holds the directory."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Command

ASIM = """
Parser:
  Title: A test parser
  Version: '0.3'
Normalization: {Schema: Dns, Version: '0.1'}
Description: Says what it does.
ParserName: vimDnsTest
EquivalentBuiltInParser: _Im_Dns_Test
ParserParams:
  - {Name: responsecodename, Type: string, Default: '*'}
  - {Name: starttime, Type: datetime, Default: datetime(null)}
  - {Name: srcipaddr, Type: dynamic, Default: 'dynamic([])'}
  - {Name: disabled, Type: bool, Default: false}
ParserQuery: |
  let parser = (responsecodename: string = '*', disabled: bool = false) {
    datatable(q: string, code: string)['x.example', 'NXDOMAIN', 'y.example', 'NOERROR']
    | where not(disabled) and (responsecodename == '*' or code =~ responsecodename)
    | project DnsQuery = q, EventResultDetails = code, DnsResponseCodeName = code, EventType = 'Query'
  };
  parser(responsecodename=responsecodename, disabled=disabled)
"""
PLAIN = """
id: 1f2f
Function: {Title: Plain, Version: '1.0.0'}
Category: Microsoft Sentinel Parser
FunctionName: PlainName
FunctionAlias: PlainAlias
FunctionQuery: |
  print who = 'plain'
"""
ARM = {
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "parameters": {"workspace": {"type": "string"}},
    "variables": {"alias": "FromArm"},
    "resources": [
        {
            "type": "Microsoft.OperationalInsights/workspaces",
            "name": "[parameters('workspace')]",
            "resources": [
                {
                    "type": "savedSearches",
                    "name": "x",
                    "properties": {
                        "displayName": "From ARM", "category": "Parsers", "functionAlias": "[variables('alias')]",
                        "query": "range n from 1 to most step 1", "functionParameters": "most:long=2", "version": 2,
                    },
                },
                {
                    "type": "savedSearches",
                    "properties": {"displayName": "no function", "category": "x", "query": "print 1"},
                },
            ],
        }
    ],
}  # fmt: skip


def test_watchlists(vedette: Command, data: Path, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("Account,Tier\nada,0\nbob,1\n", encoding="utf-8")
    missing = vedette("watchlists", "import", "VIP", file, "--data", data)
    assert missing.code == 2
    assert "search key" in missing.err
    made = vedette("watchlists", "import", "VIP", file, "--search-key", "Account", "--name", "People", "--data", data)
    assert (made.code, made.out) == (0, "made VIP: 2 added, 0 removed, 0 kept\n")
    file.write_text("Account,Tier\nada,0\neve,2\n", encoding="utf-8")
    done = vedette("watchlists", "import", "VIP", file, "--append", "--json", "--data", data).json()
    assert (done["added"], done["kept"], done["watchlist"]["name"]) == (1, 1, "People")
    (listed,) = vedette("watchlists", "list", "--json", "--data", data).json()
    assert (listed["alias"], listed["items"], listed["source"]) == ("VIP", 3, "people.csv")
    assert "People" in vedette("watchlists", "list", "--data", data).out
    assert "eve" in vedette("watchlists", "show", "vip", "--data", data).out
    shown = vedette("watchlists", "show", "VIP", "--top", 1, "--json", "--data", data).json()
    assert [row["content"] for row in shown["rows"]] == [{"Account": "ada", "Tier": "0"}]
    asked = vedette(
        "query", "_GetWatchlist('VIP') | summarize make_list(SearchKey)", "--format", "json", "--data", data
    )
    assert "eve" in asked.out
    kept = vedette("watchlists", "revisions", "VIP", "--json", "--data", data).json()
    assert [(one["revision"], one["items"]) for one in kept] == [(2, 3), (1, 2)]
    assert "eve" not in vedette("watchlists", "show", "VIP", "--revision", 1, "--data", data).out
    restored = vedette("watchlists", "restore", "VIP", 1, "--data", data)
    assert restored.out == "restored revision 1 of VIP as revision 3: 0 added, 1 removed, 2 kept\n"
    nothing = vedette("watchlists", "restore", "VIP", 9, "--data", data)
    assert (nothing.code, "Kept are the revisions 1 to 3" in nothing.err) == (1, True)
    unknown = vedette("watchlists", "show", "VPI", "--data", data)
    assert unknown.code != 0
    assert "Did you mean 'VIP'" in unknown.err
    assert vedette("watchlists", "delete", "VIP", "--data", data).code == 0
    assert vedette("watchlists", "list", "--json", "--data", data).json() == []


def test_functions(vedette: Command, data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "parsers"
    folder.mkdir()
    for name, text in (
        ("vimDnsTest.yaml", ASIM), ("plain.yml", PLAIN), ("arm.json", json.dumps(ARM)), ("Small.kql", "print small = 1"),
        ("other.yaml", "key: value"),
    ):  # fmt: skip
        (folder / name).write_text(text, encoding="utf-8")
    done = vedette("functions", "import", folder, "--json", "--data", data)
    assert done.code == 0, done.err
    assert sorted(done.json()["added"]) == ["FromArm", "PlainAlias", "Small", "vimDnsTest"]
    assert done.json()["problems"] == []
    assert vedette("functions", "import", folder, "--data", data).out == "0 added, 0 updated, 4 unchanged\n"
    listed = {one["name"]: one for one in vedette("functions", "list", "--json", "--data", data).json()}
    assert listed["FromArm"]["parameters"] == "most:long=2"
    assert (listed["FromArm"]["version"], listed["vimDnsTest"]["version"]) == ("2", "0.3")
    assert listed["vimDnsTest"]["category"] == "ASIM"
    whole = vedette("functions", "show", "vimDnsTest", "--json", "--data", data).json()
    assert whole["equivalentBuiltIn"] == "_Im_Dns_Test"
    assert whole["parameters"].startswith("responsecodename: string='*', starttime: datetime=datetime(null)")
    shown = vedette("functions", "show", "FromArm", "--data", data).out
    assert vedette("query", f"{shown}\nFromArm(1) | count", "--format", "csv", "--data", data).out.split() == [
        "Count",
        "1",
    ]
    for text, expected in (
        ("_Im_Dns(responsecodename='NXDOMAIN') | project DnsQuery", "x.example"), ("PlainAlias", "plain"),
        ("Small | project small", "1"), ("FromArm | summarize max(n)", "2"),
    ):  # fmt: skip
        assert vedette("query", text, "--format", "csv", "--data", data).out.split()[-1] == expected
    broken = tmp_path / "broken.kql"
    broken.write_text("print 1 |", encoding="utf-8")
    refused = vedette("functions", "import", broken, "--data", data)
    assert refused.code == 1
    assert "line 1, column" in refused.err
    assert vedette("functions", "delete", "Small", "--data", data).code == 0
    assert vedette("functions", "show", "Small", "--data", data).code != 0


def test_check_warns_of_a_watchlist_that_is_not_there(vedette: Command, data: Path) -> None:
    vedette("watchlists", "list", "--data", data)
    done = vedette("check", "_GetWatchlist('Nobody') | project Anything")
    assert done.code == 0
    assert "VDT1010" in done.err
