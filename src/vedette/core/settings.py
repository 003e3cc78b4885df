"""Settings: what an installation may choose, from VEDETTE_ environment variables or from arguments."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from vedette.core.database import State
from vedette.core.datadir import DataDirectory, default_path
from vedette.core.errors import InvalidInput, nearest
from vedette.core.sessions import SessionLimits

PREFIX = "VEDETTE_"
SECRET_VARIABLES = f"{PREFIX}SECRET_"
"""How the variables begin that hold secrets, for the backend `environment`."""
SHARED_VARIABLE = f"{PREFIX}SHARED"
"""The folder of reference material that `serve --demo` and the tests take a campaign from; no setting of an installation."""

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]

_Folder = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]
_Port = Annotated[int, Field(ge=0, le=65535)]
_Count = Annotated[int, Field(ge=1, le=10_000_000)]
_Seconds = Annotated[float, Field(gt=0, le=86_400 * 366)]


class Settings(BaseSettings):
    """Every setting; the variable of `data_dir` is VEDETTE_DATA_DIR, and so on. Arguments win over variables."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, hide_input_in_errors=True)

    data_dir: _Folder = Field(default_factory=default_path, description="The data directory.")
    host: str = Field("127.0.0.1", min_length=1, description="The address that the server listens on.")
    port: _Port = Field(8080, description="The port that the server listens on; 0 takes a free one.")
    tls: bool = Field(
        False, description="Serve over TLS, with a certificate of the data directory's authority unless one is given."
    )
    tls_certificate: Path | None = Field(
        None, description="The certificate (PEM, with its chain) of the server's port; with it, the server speaks TLS."
    )
    tls_key: Path | None = Field(None, description="The key (PEM) of that certificate.")
    public_url: str | None = Field(
        None, pattern=r"^https?://", description="The address under which people reach the console, for links."
    )
    allowed_hosts: str = Field(
        "",
        pattern=r"^[A-Za-z0-9.\-, ]*$",
        description="Further names, with commas, under which browsers may reach the server, beside that of public_url.",
    )
    state_url: SecretStr | None = Field(
        None, description="Where the state is, if not in the data directory: postgresql://user:password@host/name."
    )
    secrets_key: SecretStr | None = Field(
        None, description="The key that secrets are encrypted with, if not in the key file."
    )
    secrets_key_file: _Folder | None = Field(
        None,
        description="The file with that key, if not DIR.keys/secrets.key beside the data directory DIR.",
    )
    secrets_backend: str = Field(
        "state",
        pattern=r"^(state|environment|azure-key-vault|aws-secrets-manager|hashicorp-vault)$",
        description="Where new secrets are kept: state (encrypted in the state), environment, azure-key-vault, "
        "aws-secrets-manager or hashicorp-vault.",
    )
    secrets_prefix: str = Field(
        "vedette",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_/-]{0,199}$",
        description="What the names of secrets in AWS Secrets Manager and HashiCorp Vault begin with.",
    )
    secrets_ca_file: Path | None = Field(
        None, description="The authority (PEM) of the service that keeps secrets, where it is a private one."
    )
    secrets_azure_vault_url: str | None = Field(
        None, pattern=r"^https://", description="The Azure Key Vault, like https://NAME.vault.azure.net."
    )
    secrets_aws_region: str | None = Field(None, description="The region of AWS Secrets Manager, if not AWS_REGION.")
    secrets_aws_endpoint: str | None = Field(
        None, pattern=r"^https?://", description="The address of AWS Secrets Manager, if not Amazon's own."
    )
    secrets_vault_url: str | None = Field(
        None, pattern=r"^https?://", description="The HashiCorp Vault, like https://vault.example:8200."
    )
    secrets_vault_token: SecretStr | None = Field(None, description="The token for it.")
    secrets_vault_mount: str = Field(
        "secret", min_length=1, description="The mount of its KV secrets engine, version 2."
    )
    secrets_vault_namespace: str | None = Field(None, description="Its namespace, where it has some.")
    azure_clouds: dict[str, dict[str, str]] = Field(
        default_factory=dict,
        description="Further Azure clouds that destinations may be in, as JSON: a name, and of each its authority and "
        "resource_manager (https), audience and ca_file.",
    )
    externaldata_hosts: str = Field(
        "",
        pattern=r"^[A-Za-z0-9.\-:*, ]*$",
        description="Hosts that queries may read with externaldata, with commas; *.example.com stands for every name below.",
    )
    outbound_allow: str = Field(
        "",
        description="Networks, addresses and names, with commas, that destinations and connectors may be at beyond the public internet, "
        "whoever enters them; *.example.com stands for every name below.",
    )
    geoip_city: Path | None = Field(
        None,
        description="A database of where addresses are, in MaxMind's format (GeoLite2-City.mmdb), for geo_info_from_ip_address.",
    )
    geoip_asn: Path | None = Field(
        None, description="A database of whose addresses are (GeoLite2-ASN.mmdb), for asn_info_from_ip_address."
    )
    syslog_host: str = Field("127.0.0.1", min_length=1, description="The address that syslog is heard on.")
    syslog_udp: _Port | None = Field(None, description="The port for syslog over UDP; off by default.")
    syslog_tcp: _Port | None = Field(None, description="The port for syslog over TCP; off by default.")
    syslog_tls: _Port | None = Field(None, description="The port for syslog over TLS; off by default.")
    syslog_allow: str = Field(
        "127.0.0.0/8, ::1/128", description="The networks and addresses that syslog is taken from, with commas."
    )
    syslog_timezone: str = Field(
        "UTC", min_length=1, description="The time zone of senders that do not tell theirs, like Europe/Prague."
    )
    syslog_line: int = Field(
        64 * 1024, ge=2048, le=8 * 1024**2,
        description="The most bytes of a line of syslog; a longer one is cut there, and its row says so.",
    )  # fmt: skip
    syslog_tls_certificate: Path | None = Field(
        None, description="The certificate (PEM, with its chain) for syslog over TLS, if not one of the own authority."
    )
    syslog_tls_key: Path | None = Field(None, description="The key (PEM) of that certificate.")
    syslog_tls_client_ca: Path | None = Field(
        None, description="The authority (PEM) of client certificates; with it, a sender needs one."
    )
    watch: str = Field(
        "", description="Folders whose files are loaded into the default workspace, as PATH separates them (: or ;)."
    )
    log_memory: int | None = Field(
        None, ge=128,
        description="MiB that the engine of a log store may use, what it keeps of its file in memory included; without, half of what "
        "there is, at most 4096.",
    )  # fmt: skip
    partial_bytes: int = Field(
        512 * 1024**2, ge=0,
        description="How many bytes of each log store's disk partial results of rules with long look-backs may take; 0: none are kept.",
    )  # fmt: skip
    archive_bytes: int = Field(64 * 1024**3, gt=0, description="How many bytes the archives of one load may unpack to.")
    archive_files: int = Field(100_000, gt=0, description="How many files the archives of one load may have.")
    archive_depth: int = Field(4, gt=0, le=32, description="How deep archives may lie within archives.")
    archive_ratio: int = Field(400, gt=1, description="How many times its packed size a file of an archive may have.")
    alerts_per_run: _Count = Field(
        150, description="The most alerts of one run of a rule with an alert for each result."
    )
    alerts_per_nrt_run: _Count = Field(30, description="The same of one run of a near-real-time rule.")
    entities_per_alert: _Count = Field(
        500, description="The most entities of an alert, shared among the rule's mappings."
    )
    entities_bytes: _Count = Field(64 * 1024, description="The most bytes of an alert's entities.")
    alert_sample_rows: _Count = Field(20, description="The most result rows that are kept with an alert.")
    detection_share: int = Field(
        75, ge=5, le=100,
        description="The most percent of the time that the scheduler's rules may take while they catch up; the rest is left to the "
        "console and to rows that come in.",
    )  # fmt: skip
    enrichments_off: str = Field(
        "",
        pattern=r"^[A-Za-z\-, ]*$",
        description="Enrichments of incidents that are not made, with commas, like location, earlier-incidents; all: none is made.",
    )
    log_level: LogLevel = Field("INFO", description="The least severe messages that are logged.")
    log_format: Literal["text", "json"] = Field("text", description="Log lines for people or for programs.")
    lock_wait: _Seconds = Field(
        10.0, description="Seconds to wait for another process to let go of the data directory."
    )
    session_idle: _Seconds = Field(8 * 3600.0, description="Seconds without a request after which a session ends.")
    session_lifetime: _Seconds = Field(24 * 3600.0, description="Seconds after which a session ends in any case.")
    sign_in_lifetime: _Seconds = Field(300.0, description="Seconds that a one-time sign-in link is good for.")

    def data_directory(self) -> DataDirectory:
        """The data directory; nothing is read or made."""
        return DataDirectory(self.data_dir)

    def open_state(self) -> State:
        """The state database that these settings name; nothing is read or made yet."""
        if self.state_url is not None:
            return State(self.state_url.get_secret_value())
        return State.in_file(self.data_directory().state_file)

    def watched_folders(self) -> list[Path]:
        """The folders of `watch`."""
        return [Path(part).expanduser().absolute() for part in self.watch.split(os.pathsep) if part.strip()]

    def alert_limits(self) -> dict[str, int]:
        """How much a run and an alert may hold, for `AlertLimits`; reaching a limit is said on the alert."""
        return {
            "alerts_per_run": self.alerts_per_run,
            "alerts_per_nrt_run": self.alerts_per_nrt_run,
            "entities_per_alert": self.entities_per_alert,
            "entities_bytes": self.entities_bytes,
            "sample_rows": self.alert_sample_rows,
        }

    def session_limits(self) -> SessionLimits:
        """How long sign-ins and sessions last, for `Identity`."""
        return SessionLimits(self.sign_in_lifetime, self.session_idle, self.session_lifetime)


def load_settings(**arguments: object) -> Settings:
    """The settings of this process; an argument that is None counts as not given.

    `InvalidInput` names every setting that cannot be read, and never repeats its value.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]  # pydantic checks the types
    except ValidationError as error:
        problems = [f"{PREFIX}{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors() if item["loc"]]
        raise InvalidInput(
            f"The settings are not valid: {'; '.join(problems)}.", hint="Correct or remove the variable or the option."
        ) from None


def unknown_variables(environment: Mapping[str, str] | None = None) -> list[str]:
    """One sentence for each VEDETTE_ variable that is no setting: most likely a misspelt one."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    taken = known | {SHARED_VARIABLE}
    sentences = []
    for name in sorted(os.environ if environment is None else environment):
        given_secret = name.startswith(SECRET_VARIABLES)
        if name.upper().startswith(PREFIX) and name.upper() not in taken and not given_secret:
            near = nearest(name.upper(), known)
            sentences.append(f"The variable {name} is not a setting{f'; did you mean {near}?' if near else '.'}")
    return sentences
