"""Property tests (hypothesis) where one failure stops everybody: how long an example takes is not judged, and every run has the same.

`VEDETTE_LAWS=1` looks for others, which is for those who change what a property is about, and for long runs.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# By itself hypothesis fails a test of which one example takes more than 200 ms, or whose examples take long to make. A test that
# says `suppress_health_check` names `too_slow` as well: its list takes the place of this one.
settings.register_profile(
    "vedette", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True,
    derandomize=not int(os.environ.get("VEDETTE_LAWS", "0")),
)  # fmt: skip
settings.load_profile("vedette")
