"""Property tests (hypothesis) on a busy machine: what they try is judged, and not how long it takes."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# By itself hypothesis fails a test of which one example takes more than 200 ms, or whose examples take long to make. A test that
# says `suppress_health_check` names `too_slow` as well: its list takes the place of this one.
settings.register_profile("vedette", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("vedette")
