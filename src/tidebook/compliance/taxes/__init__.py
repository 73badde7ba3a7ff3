"""The tax view of a household's lots: wash sales, superficial losses, and the reports of both."""

from tidebook.compliance.taxes.from_book import Household, household_history
from tidebook.compliance.taxes.identity import Confidence, Identity
from tidebook.compliance.taxes.lot_events import (
    Account,
    AccountKind,
    Closing,
    History,
    LotCost,
    LotEvent,
    LotKey,
    Move,
    Opening,
    Owner,
)
from tidebook.compliance.taxes.reports import (
    FORM_8949_COLUMNS,
    Form8949Row,
    Reporting,
    TaxLot,
    form_8949,
    tax_lots,
)
from tidebook.compliance.taxes.tax_view import (
    LotAdjustment,
    Replacement,
    Standing,
    TaxSale,
    TaxTotals,
    TaxView,
)
from tidebook.compliance.taxes.wash_terms import (
    NOT_ADVICE,
    AssetClass,
    WashTerms,
)
from tidebook.compliance.taxes.washing import match_washes

__all__ = [
    "FORM_8949_COLUMNS",
    "NOT_ADVICE",
    "Account",
    "AccountKind",
    "AssetClass",
    "Closing",
    "Confidence",
    "Form8949Row",
    "History",
    "Household",
    "Identity",
    "LotAdjustment",
    "LotCost",
    "LotEvent",
    "LotKey",
    "Move",
    "Opening",
    "Owner",
    "Replacement",
    "Reporting",
    "Standing",
    "TaxLot",
    "TaxSale",
    "TaxTotals",
    "TaxView",
    "WashTerms",
    "form_8949",
    "household_history",
    "match_washes",
    "tax_lots",
]
