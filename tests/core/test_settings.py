"""Settings: from variables and arguments, checked, never repeated in an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from vedette.core.errors import InvalidInput
from vedette.core.settings import Settings, load_settings, unknown_variables


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"VEDETTE_{name.upper()}", raising=False)


def test_the_defaults_are_loopback_and_sqlite(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path)
    assert settings.host == "127.0.0.1"
    assert str(settings.open_state()) == f"sqlite:///{tmp_path / 'state.db'}"
    assert settings.data_directory().path == tmp_path


def test_variables_and_arguments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VEDETTE_PORT", "9000")
    monkeypatch.setenv("VEDETTE_DATA_DIR", str(tmp_path))
    assert (load_settings().port, load_settings().data_dir) == (9000, tmp_path)
    assert load_settings(port=None).port == 9000
    assert load_settings(port=1234).port == 1234


def test_sessions_last_as_long_as_the_settings_say() -> None:
    limits = load_settings(sign_in_lifetime=1, session_idle=2, session_lifetime=3).session_limits()
    assert (limits.sign_in, limits.idle, limits.lifetime) == (1, 2, 3)


def test_a_relative_directory_is_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings(data_dir="here").data_dir == tmp_path / "here"


@pytest.mark.parametrize(
    ("variable", "value"),
    [("VEDETTE_PORT", "65536"), ("VEDETTE_PORT", "x"), ("VEDETTE_LOG_LEVEL", "LOUD"), ("VEDETTE_LOCK_WAIT", "-1")],
)
def test_what_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidInput, match=variable):
        load_settings()


def test_an_unknown_argument_is_refused() -> None:
    with pytest.raises(InvalidInput, match="VEDETTE_PROT"):
        load_settings(prot=1)


def test_secret_settings_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VEDETTE_STATE_URL", "postgresql://u:hunter2@h/d")
    monkeypatch.setenv("VEDETTE_SECRETS_KEY", "hunter3-key")
    settings = load_settings()
    shown = f"{settings!r} {settings} {settings.model_dump_json()} {settings.open_state()}"
    assert "hunter" not in shown
    monkeypatch.setenv("VEDETTE_STATE_URL", "mysql://u:hunter2@h/d")
    with pytest.raises(InvalidInput) as caught:
        load_settings().open_state()
    assert "hunter" not in f"{caught.value} {caught.value.to_dict()}"


def test_misspelt_variables_are_noticed() -> None:
    assert unknown_variables({"VEDETTE_PORT": "1", "PATH": "x", "VEDETTE_SHARED": "/x"}) == []
    assert unknown_variables({"VEDETTE_DATADIR": "/x"}) == [
        "The variable VEDETTE_DATADIR is not a setting; did you mean VEDETTE_DATA_DIR?"
    ]
