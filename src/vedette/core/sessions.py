"""Signing in: one-time tokens and passwords, and the sessions they are worth."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from vedette.core import tokens
from vedette.core.audit import Audit
from vedette.core.clock import Clock
from vedette.core.database import State
from vedette.core.errors import Forbidden, Unauthorized
from vedette.core.models import AccountRow, SessionRow, SignInRow
from vedette.core.passwords import verify_password
from vedette.core.redaction import Secret
from vedette.core.roles import SYSTEM, Principal
from vedette.core.throttle import FailureLimit
from vedette.core.tokens import TokenKind

TOUCH_SECONDS: Final = 60.0
"""How old `last seen` may be before a request writes it again."""

OF_A_NAME: Final = 50
"""Passwords that may be wrong for one name within an hour, wherever they come from: addresses are many, and can be made up."""

_LONGEST: Final = 256  # characters of a name that is counted
_KEEP: Final = timedelta(days=30)  # how long what has ended stays to be looked at


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long things last, in seconds: a one-time sign-in, a session without requests, a session at all."""

    sign_in: float = 300.0
    idle: float = 8 * 3600.0
    lifetime: float = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that was just opened: the cookie's value, the token against cross-site requests, and the end."""

    principal: Principal
    cookie: Secret
    csrf: Secret
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session as its owner and administrators see it."""

    id: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    source: str


class Sessions:
    """Sign-ins and sessions of one state. Every failure to sign in is the same `Unauthorized`, whatever its cause."""

    def __init__(
        self,
        state: State,
        clock: Clock,
        audit: Audit,
        load: Callable[[Session, AccountRow, str], Principal],
        limits: SessionLimits,
        random: tokens.RandomBytes,
        failures: FailureLimit,
    ) -> None:
        self._state = state
        self._clock = clock
        self._audit = audit
        self._load = load
        self._limits = limits
        self._random = random
        self._failures = failures
        self._names = FailureLimit(clock, limit=OF_A_NAME, window=3600.0, told="as")

    def offer(self, session: Session, account: AccountRow, by: Principal, lifetime: timedelta | None = None) -> Secret:
        """A one-time sign-in for an account; it is shown once and good for one session, within `lifetime`."""
        minted = tokens.mint(TokenKind.SIGN_IN, self._random)
        now = self._clock.now()
        session.execute(delete(SignInRow).where(SignInRow.expires_at < now - _KEEP))
        session.add(
            SignInRow(
                id=minted.id,
                account_id=account.id,
                hash=minted.hash,
                created_at=now,
                expires_at=now + (lifetime or timedelta(seconds=self._limits.sign_in)),
                used_at=None,
            )
        )
        self._audit.record(by, "sign-ins/create", account.name, detail={"sign_in": minted.id})
        return minted.text

    def sign_in(self, token: str, source: str) -> NewSession:
        """Open a session with a one-time sign-in, which is used up by that, also if two try at the same moment.

        `source` is the address that the request comes from. `Unauthorized` if the token is not good, or no longer;
        `TooManyRequests` after too many failures of the source.
        """
        with self._failures.attempt(source):
            presented = tokens.read(TokenKind.SIGN_IN, token)
            if presented is None:
                raise self._refused("sign-in", source)
            with self._state.session() as session:
                now = self._clock.now()
                row = session.get(SignInRow, presented.id)
                if row is not None and presented.matches(row.hash):
                    taken = session.execute(
                        update(SignInRow)
                        .where(SignInRow.id == row.id, SignInRow.used_at.is_(None), SignInRow.expires_at > now)
                        .values(used_at=now)
                        .returning(SignInRow.id)
                    ).first()
                    account = session.get_one(AccountRow, row.account_id)
                    if taken is not None and account.disabled_at is None:
                        return self._open(session, account, source, "one-time sign-in")
            raise self._refused("sign-in", source)

    def sign_in_with_password(self, name: str, password: str, source: str) -> NewSession:
        """Open a session with a user's name and password; errors as those of `sign_in`.

        `TooManyRequests` also after too many failures of a name from all sources; a one-time sign-in helps its owner then.
        """
        with self._failures.attempt(source), self._names.attempt(name.casefold()[:_LONGEST]):
            with self._state.session(read_only=True) as session:
                account = session.scalars(
                    select(AccountRow).where(AccountRow.folded_name == name.casefold())
                ).one_or_none()
                kept = account.password_hash if account is not None and account.disabled_at is None else None
            # Outside of any transaction: this takes its time on purpose.
            if not verify_password(kept, password) or account is None:
                raise self._refused("password", source)
            with self._state.session() as session:
                current = session.get(AccountRow, account.id)
                if current is None or current.password_hash != kept or current.disabled_at is not None:
                    raise self._refused("password", source)
                return self._open(session, current, source, "password")

    def authenticate(self, cookie: str) -> Principal:
        """Who the session of that cookie belongs to; `Unauthorized` if it has ended or never was."""
        presented = tokens.read(TokenKind.SESSION, cookie)
        if presented is None:
            raise _ended()
        now = self._clock.now()
        with self._state.session(read_only=True) as session:
            row = session.get(SessionRow, presented.id)
            if row is None or not presented.matches(row.hash) or not self._alive(row, now):
                raise _ended()
            account = session.get_one(AccountRow, row.account_id)
            if account.disabled_at is not None:
                raise _ended()
            principal = self._load(session, account, f"session:{row.id}")
        if (now - row.last_seen_at).total_seconds() >= min(TOUCH_SECONDS, self._limits.idle / 4):
            with self._state.session() as session:
                # Only forward: of two requests at once the later one counts, and an ended session stays ended.
                session.execute(
                    update(SessionRow)
                    .where(SessionRow.id == row.id, SessionRow.last_seen_at < now, SessionRow.ended_at.is_(None))
                    .values(last_seen_at=now)
                )
        return principal

    def csrf(self, cookie: str) -> Secret:
        """The token that a page must send with each change, for the session of that cookie."""
        presented = tokens.read(TokenKind.SESSION, cookie)
        if presented is None:
            raise _ended()
        return Secret(tokens.derived(presented, "csrf"))

    def check_csrf(self, cookie: str, sent: str | None) -> None:
        """Return if that is the session's token against cross-site requests; `Forbidden` if not."""
        expected = self.csrf(cookie).reveal()
        if sent is None or not hmac.compare_digest(expected.encode(), sent.encode(errors="replace")):
            raise Forbidden(
                "The request does not carry the session's CSRF token.",
                code="VDT0430",
                hint="Reload the page; programs use an API token instead of a session.",
            )

    def sign_out(self, cookie: str) -> None:
        """End the session of that cookie; nothing happens if there is none."""
        presented = tokens.read(TokenKind.SESSION, cookie)
        if presented is None:
            return
        with self._state.session() as session:
            row = session.get(SessionRow, presented.id)
            if row is not None and presented.matches(row.hash) and row.ended_at is None:
                row.ended_at = self._clock.now()
                account = session.get_one(AccountRow, row.account_id)
                principal = self._load(session, account, f"session:{row.id}")
                self._audit.record(principal, "sessions/end", account.name, detail={"session": row.id})

    def of(self, account_id: str) -> list[SessionInfo]:
        """The sessions of an account that have not ended, newest first."""
        now = self._clock.now()
        with self._state.session(read_only=True) as session:
            rows = session.scalars(
                select(SessionRow).where(SessionRow.account_id == account_id).order_by(SessionRow.created_at.desc())
            )
            return [
                SessionInfo(row.id, row.created_at, row.last_seen_at, row.expires_at, row.source)
                for row in rows
                if self._alive(row, now)
            ]

    def end(self, session: Session, session_id: str) -> None:
        """End one session."""
        session.execute(
            update(SessionRow)
            .where(SessionRow.id == session_id, SessionRow.ended_at.is_(None))
            .values(ended_at=self._clock.now())
        )

    def end_all(self, session: Session, account_id: str) -> None:
        """End every session of an account, and every sign-in that was not used."""
        now = self._clock.now()
        session.execute(
            update(SessionRow)
            .where(SessionRow.account_id == account_id, SessionRow.ended_at.is_(None))
            .values(ended_at=now)
        )
        session.execute(
            update(SignInRow).where(SignInRow.account_id == account_id, SignInRow.used_at.is_(None)).values(used_at=now)
        )

    def _open(self, session: Session, account: AccountRow, source: str, how: str) -> NewSession:
        minted = tokens.mint(TokenKind.SESSION, self._random)
        now = self._clock.now()
        expires_at = now + timedelta(seconds=self._limits.lifetime)
        old = now - _KEEP
        session.execute(delete(SessionRow).where(or_(SessionRow.expires_at < old, SessionRow.ended_at < old)))
        session.add(
            SessionRow(
                id=minted.id,
                account_id=account.id,
                hash=minted.hash,
                created_at=now,
                last_seen_at=now,
                expires_at=expires_at,
                ended_at=None,
                source=source,
            )
        )
        session.flush()
        principal = self._load(session, account, f"session:{minted.id}")
        detail = {"session": minted.id, "source": source, "how": how}
        self._audit.record(principal, "sessions/create", account.name, detail=detail)
        return NewSession(principal, minted.text, self.csrf(minted.text.reveal()), expires_at)

    def _alive(self, row: SessionRow, now: datetime) -> bool:
        idle_end = row.last_seen_at + timedelta(seconds=self._limits.idle)
        return row.ended_at is None and now < row.expires_at and now < idle_end

    def _refused(self, how: str, source: str) -> Unauthorized:
        self._audit.record(SYSTEM, "sign-ins/refuse", how, detail={"source": source})
        return Unauthorized(
            "The sign-in was not accepted.",
            code="VDT0431",
            hint="Name or password are not right, or the account is disabled."
            if how == "password"
            else "A sign-in link works once and for a few minutes; `vedette sign-in --data DIR` prints a new one.",
        )


def _ended() -> Unauthorized:
    return Unauthorized("Nobody is signed in, or the session has ended.", code="VDT0432", hint="Sign in again.")
