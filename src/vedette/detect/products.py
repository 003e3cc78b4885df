"""Microsoft's security products, by the names that rules and alerts have for them."""

from __future__ import annotations

from typing import Final

_PRODUCTS: Final = (
    ("Azure Security Center", "Microsoft Defender for Cloud", "Azure Defender"),
    ("Azure Security Center for IoT", "Microsoft Defender for IoT", "Azure Defender for IoT"),
    ("Azure Active Directory Identity Protection", "Microsoft Entra ID Protection"),
    ("Azure Advanced Threat Protection", "Microsoft Defender for Identity"),
    ("Microsoft Cloud App Security", "Microsoft Defender for Cloud Apps"),
    ("Microsoft Defender Advanced Threat Protection", "Microsoft Defender for Endpoint"),
    ("Office 365 Advanced Threat Protection", "Microsoft Defender for Office 365"),
    ("Microsoft 365 Defender", "Microsoft Defender XDR"),
)
"""A product's name in rules, and those it has had since: its own interfaces say any of them in an alert."""


def names_of(product: str) -> tuple[str, ...]:
    """All names of a product; one that is not known has its own."""
    return next((names for names in _PRODUCTS if product.casefold() in map(str.casefold, names)), (product,))
