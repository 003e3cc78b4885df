"""What chat services with a secret address for messages have in common."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from vedette.core.checks import CheckReport, CheckStep, passed, run_steps, unknown
from vedette.core.clock import Clock
from vedette.core.redaction import Secret
from vedette.deliver.contract import Receipt
from vedette.deliver.detection import DetectionRun
from vedette.deliver.web import WebEndpoint

TEST_MESSAGE: Final = "This is a test of a Vedette destination."


class ChatDestination:
    """A channel of a chat service that takes messages at a secret address. Repeating a message cannot be recognised there."""

    def __init__(
        self, endpoint: WebEndpoint, url: Secret, clock: Clock, *, message: Callable[[DetectionRun], dict[str, Any]],
        test_message: Mapping[str, Any],
    ) -> None:  # fmt: skip
        """`message` makes the message about a run, and `test_message` is that of a test, both in the service's form."""
        self._endpoint, self._url, self._clock = endpoint, url, clock
        self._message, self._test_message = message, test_message

    def close(self) -> None:
        """Close connections."""
        self._endpoint.close()

    def deliver(self, run: DetectionRun) -> Receipt:
        """Post the message. Raises `DeliveryFailure`."""
        self._post(self._message(run))
        return Receipt(run.incident_id)

    def check(self, *, write: bool = False) -> CheckReport:
        """Ask whether the service can be reached; with `write`, post a test message, which alone proves the address."""
        plan = [(f"Reach {self._endpoint.service}", self._check_reaching)]
        if write:
            plan.append(("Post a test message", self._check_writing))
        return run_steps(self._clock, plan)

    def _check_reaching(self) -> CheckStep:
        answer = self._endpoint.send("HEAD", self._url.reveal())
        return unknown(
            f"{self._endpoint.service} answers (HEAD: {answer.status}); only a message tells whether the address is right.",
            "Post a test message to be sure.",
        )

    def _check_writing(self) -> CheckStep:
        self._post(self._test_message)
        return passed("The test message was posted.")

    def _post(self, body: Mapping[str, Any]) -> None:
        content = json.dumps(body, ensure_ascii=False).encode()
        answer = self._endpoint.send(
            "POST", self._url.reveal(), content=content, headers={"Content-Type": "application/json"}
        )
        self._endpoint.expect(answer)
