"""Secrets in AWS Secrets Manager, through Amazon's client library (botocore).

It signs in as Amazon's libraries do: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or the role of the machine.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from vedette.core.secret_backends.contract import OWN, TIMEOUT, absent, checked_locator, not_installed, out_of_reach

_DENIED: Final = (
    "AccessDeniedException",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "ExpiredTokenException",
)


class AwsSecretsManager:
    """The secrets of one region below a prefix: the locator `NAME` is the secret `PREFIX/NAME`."""

    id = "aws-secrets-manager"
    title = "AWS Secrets Manager"

    def __init__(
        self, prefix: str, *, region: str | None = None, endpoint: str | None = None, ca_file: str | None = None
    ) -> None:
        try:
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError
            from botocore.session import get_session
        except ImportError:
            raise not_installed(self.title, "aws") from None
        self._prefix = prefix
        try:
            self._client: Any = get_session().create_client(
                "secretsmanager", region_name=region, endpoint_url=endpoint, verify=ca_file,
                config=Config(connect_timeout=TIMEOUT, read_timeout=TIMEOUT, retries={"max_attempts": 1}),
            )  # fmt: skip
        except (BotoCoreError, ValueError) as error:
            raise self._failed(error) from None

    def read(self, locator: str) -> str:
        """The current version of the secret."""
        answer = self._call("get_secret_value", locator, SecretId=self._name(locator))
        value = answer.get("SecretString")
        if not value:
            raise absent(self.title, self._name(locator))
        return str(value)

    def write(self, locator: str, value: str, expires_at: datetime | None) -> None:
        """Create the secret."""
        name = self._name(locator)
        tags = [{"Key": "vedette-expires", "Value": expires_at.isoformat()}] if expires_at else []
        self._call("create_secret", locator, Name=name, SecretString=value, Tags=tags)

    def delete(self, locator: str) -> None:
        """Delete the secret: at once, where Vedette made it."""
        from vedette.core.errors import NotFound

        now = {"ForceDeleteWithoutRecovery": True} if locator.startswith(OWN) else {}
        try:
            self._call("delete_secret", locator, SecretId=self._name(locator), **now)
        except NotFound:
            return

    def _name(self, locator: str) -> str:
        return f"{self._prefix}/{checked_locator(locator, self.title)}"

    def _call(self, operation: str, locator: str, **arguments: Any) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**arguments)
        except (BotoCoreError, ClientError) as error:
            raise self._failed(error, locator) from None
        return answer

    def _failed(self, error: Exception, locator: str = "") -> Exception:
        code = str(getattr(error, "response", {}).get("Error", {}).get("Code", "")) or type(error).__name__
        if code in ("ResourceNotFoundException", "InvalidRequestException"):
            return absent(self.title, self._name(locator))
        if code == "NoRegionError":
            return out_of_reach(self.title, "no region is set", "Set VEDETTE_SECRETS_AWS_REGION or AWS_REGION.")
        if code in _DENIED or code in ("NoCredentialsError", "PartialCredentialsError"):
            return out_of_reach(
                self.title,
                f"the access is refused ({code})",
                "Its policy needs secretsmanager:GetSecretValue, CreateSecret, TagResource and DeleteSecret below the prefix.",
            )
        return out_of_reach(self.title, code)
