"""Entra ID: sign-ins, audits and risk through Microsoft Graph."""
