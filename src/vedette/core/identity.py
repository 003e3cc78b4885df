"""The one identity service: users, API clients, their roles and their tokens; sessions are in `identity.sessions`."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import timedelta
from typing import Final, Literal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from vedette.core import tokens
from vedette.core.accounts import (
    LOCAL_OPERATOR_ID,
    LOCAL_OPERATOR_NAME,
    Account,
    NewToken,
    TokenInfo,
    account_of,
    find_account,
    find_assignment,
    find_by_name,
    local_operator,
    missing_account,
    principal_of,
    token_info,
)
from vedette.core.audit import Audit
from vedette.core.clock import Clock, SystemClock
from vedette.core.database import State
from vedette.core.errors import Conflict, Forbidden, InvalidInput, NotFound, Unauthorized
from vedette.core.ids import IdSource, new_id
from vedette.core.models import AccountRow, RoleAssignmentRow, TokenRow, WorkspaceRow
from vedette.core.owners import keeping_owners
from vedette.core.passwords import generate_password, hash_password
from vedette.core.redaction import Secret
from vedette.core.roles import EVERYWHERE, Permission, Principal, PrincipalKind, Role
from vedette.core.sessions import TOUCH_SECONDS, SessionInfo, SessionLimits, Sessions
from vedette.core.throttle import FailureLimit
from vedette.core.tokens import TokenKind

MAX_TOKEN_DAYS: Final = 730
MAX_SIGN_IN: Final = timedelta(days=7)

AccountKind = Literal["user", "client"]


class Identity:
    """The accounts of one state. `by` is who asks for a change: it is checked, and written to the audit trail."""

    def __init__(
        self,
        state: State,
        clock: Clock | None = None,
        *,
        limits: SessionLimits | None = None,
        new_id: IdSource = new_id,
        random: tokens.RandomBytes = secrets.token_bytes,
        failures: FailureLimit | None = None,
    ) -> None:
        self._state = state
        self._clock = clock or SystemClock()
        self._new_id = new_id
        self._random = random
        self._audit = Audit(state, self._clock)
        self._process_tokens: dict[str, str] = {}
        self.sessions = Sessions(
            state,
            self._clock,
            self._audit,
            principal_of,
            limits or SessionLimits(),
            random,
            failures or FailureLimit(self._clock),
        )

    # ---- accounts

    def create_account(
        self, kind: AccountKind, name: str, *, by: Principal, display_name: str | None = None
    ) -> Account:
        """Make a user or an API client, without any role. `Conflict` if the name (without case) is taken."""
        by.require(EVERYWHERE, Permission.IDENTITY_WRITE)
        if not 1 <= len(name) <= 256 or not name.isprintable() or any(character.isspace() for character in name):
            raise InvalidInput(
                "That is not a name of an account.",
                target=name[:256],
                hint="Use 1 to 256 printable characters without spaces, for example an e-mail address.",
            )
        shown = _check_display_name(display_name or name)
        with self._state.session() as session:
            if find_by_name(session, name) is not None or name.casefold() == LOCAL_OPERATOR_NAME:
                raise Conflict(f"There is an account '{name}' already.", target=name)
            row = self._add(session, self._new_id(), kind, name, shown)
            self._audit.record(by, f"{kind}s/create", name, detail={"id": row.id})
            return account_of(session, row)

    def account(self, name_or_id: str, *, by: Principal) -> Account:
        """The account of that name or id. Everybody may see their own."""
        with self._state.session(read_only=True) as session:
            row = self._find(session, name_or_id, by, Permission.IDENTITY_READ)
            return account_of(session, row)

    def accounts(self, *, by: Principal) -> list[Account]:
        """Every user and API client, by name."""
        by.require(EVERYWHERE, Permission.IDENTITY_READ)
        query = select(AccountRow).where(AccountRow.kind != "local").order_by(AccountRow.folded_name)
        with self._state.session(read_only=True) as session:
            return [account_of(session, row) for row in session.scalars(query)]

    def set_disabled(self, name_or_id: str, disabled: bool, *, by: Principal) -> Account:
        """Shut an account out, which ends its sessions at once and stops its tokens; or let it in again."""
        by.require(EVERYWHERE, Permission.IDENTITY_WRITE)
        with self._state.session() as session:
            row = self._find(session, name_or_id, by, Permission.IDENTITY_WRITE)
            if row.id == by.id and disabled:
                raise Conflict("Nobody can disable their own account.", target=row.name)
            if disabled != (row.disabled_at is not None):
                with keeping_owners(session, row.name):
                    row.disabled_at = self._clock.now() if disabled else None
                if disabled:
                    self.sessions.end_all(session, row.id)
                self._audit.record(by, f"{row.kind}s/{'disable' if disabled else 'enable'}", row.name)
            return account_of(session, row)

    def rename(self, name_or_id: str, display_name: str, *, by: Principal) -> Account:
        """Change the name that is shown of an account; the one that it is found by stays."""
        shown = _check_display_name(display_name)
        with self._state.session() as session:
            row = self._find(session, name_or_id, by, Permission.IDENTITY_WRITE)
            if shown != row.display_name:
                row.display_name = shown
                self._audit.record(by, f"{row.kind}s/rename", row.name, detail={"display_name": shown})
            return account_of(session, row)

    def delete_account(self, name_or_id: str, *, by: Principal) -> None:
        """Delete an account with its roles, tokens and sessions. The audit trail keeps its name."""
        by.require(EVERYWHERE, Permission.IDENTITY_WRITE)
        with self._state.session() as session:
            row = self._find(session, name_or_id, by, Permission.IDENTITY_WRITE)
            if row.id == by.id:
                raise Conflict("Nobody can delete their own account.", target=row.name)
            self._audit.record(by, f"{row.kind}s/delete", row.name, detail={"id": row.id})
            with keeping_owners(session, row.name):
                session.delete(row)

    def set_password(self, name_or_id: str, password: str | None, *, by: Principal) -> None:
        """Set or (None) remove a user's password; their sessions end. A user may do it for themselves, in a session."""
        with self._state.session(read_only=True) as session:
            row = self._find(session, name_or_id, by, Permission.IDENTITY_WRITE)
            if row.kind != "user":
                raise Conflict("Only users have passwords; API clients have tokens.", target=row.name)
        # Outside of any transaction, and for nobody who may not: this takes its time on purpose.
        kept = None if password is None else hash_password(password)
        with self._state.session() as session:
            row = self._find(session, name_or_id, by, Permission.IDENTITY_WRITE)
            row.password_hash = kept
            self.sessions.end_all(session, row.id)
            self._audit.record(by, "users/set-password" if kept else "users/remove-password", row.name)

    def reset_password(self, name_or_id: str, *, by: Principal) -> Secret:
        """Give a user a generated password in the place of theirs; it is shown this once, and their sessions end."""
        made = generate_password(self._random)
        self.set_password(name_or_id, made.reveal(), by=by)
        return made

    # ---- roles

    def grant(self, name_or_id: str, role: Role, workspace_id: str | None = None, *, by: Principal) -> Account:
        """Give an account a role in a workspace, or everywhere. Nothing changes if it has it already."""
        by.require(workspace_id or EVERYWHERE, Permission.IDENTITY_WRITE)
        with self._state.session() as session:
            row = self._target(session, name_or_id)
            if workspace_id is not None and session.get(WorkspaceRow, workspace_id) is None:
                raise NotFound(f"There is no workspace '{workspace_id}'.", target=workspace_id)
            if find_assignment(session, row.id, role, workspace_id) is None:
                session.add(
                    RoleAssignmentRow(
                        id=self._new_id(),
                        account_id=row.id,
                        role=role.value,
                        workspace_id=workspace_id,
                        created_at=self._clock.now(),
                    )
                )
                session.flush()
                self._audit.record(by, "roles/grant", row.name, workspace_id, {"role": role.value})
            return account_of(session, row)

    def revoke(self, name_or_id: str, role: Role, workspace_id: str | None = None, *, by: Principal) -> Account:
        """Take a role away again. `NotFound` if the account does not have it there."""
        by.require(workspace_id or EVERYWHERE, Permission.IDENTITY_WRITE)
        with self._state.session() as session:
            row = self._target(session, name_or_id)
            assignment = find_assignment(session, row.id, role, workspace_id)
            if assignment is None:
                raise NotFound(f"'{row.name}' does not have the role {role.value} there.", target=row.name)
            with keeping_owners(session, row.name):
                session.delete(assignment)
            self._audit.record(by, "roles/revoke", row.name, workspace_id, {"role": role.value})
            return account_of(session, row)

    # ---- tokens

    def create_token(
        self,
        name_or_id: str,
        name: str,
        *,
        by: Principal,
        permissions: Collection[Permission] | None = None,
        workspaces: Collection[str] | None = None,
        days: float | None = 90,
    ) -> NewToken:
        """Make an API token for an account; everybody may make their own, in a session (a token makes no tokens).

        It allows what the account's roles allow at the time of use, limited to the permissions and workspace ids given.
        With `days=None` it does not expire.
        """
        if days is not None and not 0 < days <= MAX_TOKEN_DAYS:
            raise InvalidInput(f"A token cannot be good for {days:g} days.", hint=f"Use up to {MAX_TOKEN_DAYS} days.")
        shown = _check_display_name(name)
        minted = tokens.mint(TokenKind.API, self._random)
        now = self._clock.now()
        with self._state.session() as session:
            if by.kind == "local" and name_or_id == LOCAL_OPERATOR_NAME:
                self._local_row(session)
            row = self._find(session, name_or_id, by, Permission.IDENTITY_WRITE)
            token = TokenRow(
                id=minted.id,
                account_id=row.id,
                name=shown,
                hash=minted.hash,
                permissions=None if permissions is None else sorted(p.value for p in permissions),
                workspaces=None if workspaces is None else sorted(_check_scope(session, workspaces)),
                created_at=now,
                expires_at=None if days is None else now + timedelta(days=days),
                revoked_at=None,
                last_used_at=None,
            )
            session.add(token)
            session.flush()
            self._audit.record(
                by,
                "tokens/create",
                row.name,
                detail={
                    "id": token.id,
                    "name": shown,
                    "permissions": token.permissions,
                    "workspaces": token.workspaces,
                    "expires_at": token.expires_at,
                },
            )
            return NewToken(minted.text, token_info(token))

    def tokens(self, name_or_id: str, *, by: Principal) -> list[TokenInfo]:
        """The API tokens of an account, revoked and expired ones included, newest first."""
        with self._state.session(read_only=True) as session:
            row = self._find(session, name_or_id, by, Permission.IDENTITY_READ)
            query = select(TokenRow).where(TokenRow.account_id == row.id)
            query = query.order_by(TokenRow.created_at.desc(), TokenRow.id)
            return [token_info(token) for token in session.scalars(query)]

    def revoke_token(self, token_id: str, *, by: Principal, owner: str | None = None) -> TokenInfo:
        """End a token at once, one of the account `owner` (name or id) if that is given. Everybody may revoke their own."""
        with self._state.session() as session:
            holder = None if owner is None else self._find(session, owner, by, Permission.IDENTITY_READ)
            token = session.get(TokenRow, token_id)
            if token is None or (token.account_id != by.id and not by.allows(EVERYWHERE, Permission.IDENTITY_WRITE)):
                raise NotFound(f"There is no token '{token_id[:64]}'.", target=token_id[:64])
            if holder is not None and holder.id != token.account_id:
                raise NotFound(f"'{holder.name}' has no token '{token_id[:64]}'.", target=token_id[:64])
            if token.revoked_at is None:
                token.revoked_at = self._clock.now()
                account = session.get_one(AccountRow, token.account_id)
                self._audit.record(by, "tokens/revoke", account.name, detail={"id": token.id, "name": token.name})
            return token_info(token)

    def authenticate(self, token: str) -> Principal:
        """Who an API token belongs to, with its scope. `Unauthorized` if it is not good; says why if it once was."""
        presented = tokens.read(TokenKind.API, token)
        if presented is None:
            raise _no_token()
        if presented.id in self._process_tokens:
            if presented.matches(self._process_tokens[presented.id]):
                return local_operator()
            raise _no_token()
        now = self._clock.now()
        with self._state.session(read_only=True) as session:
            row = session.get(TokenRow, presented.id)
            if row is None or not presented.matches(row.hash):
                raise _no_token()
            account = session.get_one(AccountRow, row.account_id)
            if row.revoked_at is not None:
                raise Unauthorized(f"The token '{row.name}' was revoked.", code="VDT0433", hint="Use another token.")
            if row.expires_at is not None and now >= row.expires_at:
                raise Unauthorized(f"The token '{row.name}' has expired.", code="VDT0434", hint="Make a new token.")
            if account.disabled_at is not None:
                raise Unauthorized(f"The account '{account.name}' is disabled.", code="VDT0435")
            principal = principal_of(session, account, f"token:{row.id}", row.permissions, row.workspaces)
        if row.last_used_at is None or (now - row.last_used_at).total_seconds() >= TOUCH_SECONDS:
            with self._state.session() as session:
                session.execute(update(TokenRow).where(TokenRow.id == row.id).values(last_used_at=now))
        return principal

    def issue_process_token(self) -> Secret:
        """A token of the local operator that is good in this process alone: what a server writes to its record."""
        minted = tokens.mint(TokenKind.API, self._random)
        self._process_tokens[minted.id] = minted.hash
        return minted.text

    # ---- sessions

    def sessions_of(self, name_or_id: str, *, by: Principal) -> list[SessionInfo]:
        """The sessions of an account that have not ended, newest first. Everybody may see their own."""
        with self._state.session(read_only=True) as session:
            row = self._find(session, name_or_id, by, Permission.IDENTITY_READ)
        return self.sessions.of(row.id)

    def end_session(self, name_or_id: str, session_id: str | None = None, *, by: Principal) -> int:
        """End a session of an account at once, or (None) all of them with its unused sign-ins; how many ended.

        Everybody may end their own. `NotFound` if the account has no such session.
        """
        with self._state.session() as session:
            row = self._find(session, name_or_id, by, Permission.IDENTITY_WRITE)
            ended = [one.id for one in self.sessions.of(row.id) if session_id in (None, one.id)]
            if session_id is not None and not ended:
                raise NotFound(f"'{row.name}' has no session '{session_id[:64]}'.", target=session_id[:64])
            if session_id is None:
                self.sessions.end_all(session, row.id)
            else:
                self.sessions.end(session, session_id)
            self._audit.record(by, "sessions/end", row.name, detail={"sessions": ended})
            return len(ended)

    # ---- sign-ins

    def create_sign_in(
        self, name_or_id: str | None = None, *, by: Principal, lifetime: timedelta | None = None
    ) -> Secret:
        """A one-time sign-in for a user, or (None) for the local operator, who alone may make that.

        It is good for `lifetime`, at most a week; None: as the limits say.
        """
        if lifetime is not None and not timedelta(0) < lifetime <= MAX_SIGN_IN:
            raise InvalidInput("A one-time sign-in is good for a week at most.", target="lifetime")
        with self._state.session() as session:
            if name_or_id is None:
                if by.kind not in ("local", "system"):
                    raise Forbidden("Only the owner of the data directory may sign in as the local operator.")
                row = self._local_row(session)
            else:
                by.require(EVERYWHERE, Permission.IDENTITY_WRITE)
                row = self._target(session, name_or_id)
            if row.kind == "client":
                raise Conflict("API clients do not sign in; they have tokens.", target=row.name)
            if row.disabled_at is not None:
                raise Conflict(f"The account '{row.name}' is disabled.", target=row.name)
            return self.sessions.offer(session, row, by, lifetime)

    # ---- rows

    def _add(self, session: Session, account_id: str, kind: PrincipalKind, name: str, display_name: str) -> AccountRow:
        row = AccountRow(
            id=account_id,
            kind=kind,
            name=name,
            folded_name=name.casefold(),
            display_name=display_name,
            created_at=self._clock.now(),
            disabled_at=None,
            password_hash=None,
        )
        session.add(row)
        session.flush()
        return row

    def _local_row(self, session: Session) -> AccountRow:
        """Sessions belong to a row; the local operator has one from the first sign-in on."""
        row = session.get(AccountRow, LOCAL_OPERATOR_ID)
        return row or self._add(session, LOCAL_OPERATOR_ID, "local", LOCAL_OPERATOR_NAME, "Local operator")

    def _find(self, session: Session, name_or_id: str, by: Principal, permission: Permission) -> AccountRow:
        """The account, for its owner or for somebody with the permission; nobody else learns whether it exists.

        An owner who comes with an API token may not change anything: what is limited must not make itself unlimited.
        """
        row = find_account(session, name_or_id)
        own = row is not None and row.id == by.id
        if not own or (permission is Permission.IDENTITY_WRITE and by.credential.startswith("token:")):
            by.require(EVERYWHERE, permission)
        if row is None or (row.kind == "local" and by.kind != "local"):
            raise missing_account(session, name_or_id)
        return row

    def _target(self, session: Session, name_or_id: str) -> AccountRow:
        """The account that somebody who may do so wants to change; the local operator's is not among them."""
        row = find_account(session, name_or_id)
        if row is None or row.kind == "local":
            raise missing_account(session, name_or_id)
        return row


def _check_scope(session: Session, workspaces: Collection[str]) -> set[str]:
    for workspace_id in workspaces:
        if session.get(WorkspaceRow, workspace_id) is None:
            raise NotFound(f"There is no workspace '{workspace_id}'.", target=workspace_id)
    return set(workspaces)


def _check_display_name(name: str) -> str:
    stripped = name.strip()
    if not stripped or len(stripped) > 256 or not stripped.isprintable():
        raise InvalidInput("A name to show has 1 to 256 printable characters.", target=name[:256])
    return stripped


def _no_token() -> Unauthorized:
    return Unauthorized("The token is not valid.", code="VDT0436", hint="Send a token that starts with vdt_.")
