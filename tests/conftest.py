"""What every test may use: the shared material, a PostgreSQL server, a browser, and the requirement trace."""

from __future__ import annotations

pytest_plugins = [
    "tests.plugins.browser",
    "tests.plugins.engine",
    "tests.plugins.fake_tenant",
    "tests.plugins.framework_warnings",
    "tests.plugins.left_behind",
    "tests.plugins.names",
    "tests.plugins.postgres",
    "tests.plugins.properties",
    "tests.plugins.requirements",
    "tests.plugins.secrecy",
    "tests.plugins.shared_material",
    "tests.plugins.state",
    "tests.plugins.workers",
]
