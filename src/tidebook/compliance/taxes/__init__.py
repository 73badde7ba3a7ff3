"""The tax view of a household's lots: wash sales, superficial losses, and the reports of both."""

from tidebook.compliance.taxes.broker_washes import BrokerDifference, Why, broker_differences
from tidebook.compliance.taxes.from_book import (
    Household,
    HouseholdReading,
    household_history,
    keys_of_sales,
)
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
    families_of,
    in_families,
)
from tidebook.compliance.taxes.reports import (
    FORM_8949_COLUMNS,
    Form8949Row,
    Reporting,
    TaxLot,
    form_8949,
    tax_lots,
)
from tidebook.compliance.taxes.standing_washes import StandingWashes
from tidebook.compliance.taxes.superficial import match_superficial
from tidebook.compliance.taxes.superficial_risk import (
    superficial_risk_of_purchase,
    superficial_risk_of_sale,
)
from tidebook.compliance.taxes.superficial_view import (
    CostBase,
    Substitute,
    SuperficialSale,
    SuperficialTerms,
    SuperficialView,
    denied_loss,
)
from tidebook.compliance.taxes.tax_verdicts import superficial_verdicts, wash_verdicts
from tidebook.compliance.taxes.tax_view import (
    LotAdjustment,
    Replacement,
    Standing,
    TaxSale,
    TaxTotals,
    TaxView,
)
from tidebook.compliance.taxes.wash_risk import (
    PurchaseRisk,
    SaleRisk,
    WashedLoss,
    purchase_in_units,
    risk_of_purchase,
    risk_of_sale,
    sale_in_units,
    wash_risk_of_purchase,
    wash_risk_of_sale,
)
from tidebook.compliance.taxes.wash_terms import (
    NOT_ADVICE,
    AssetClass,
    WashTerms,
)
from tidebook.compliance.taxes.washing import match_washes, washed_sales

__all__ = [
    "FORM_8949_COLUMNS",
    "NOT_ADVICE",
    "Account",
    "AccountKind",
    "AssetClass",
    "BrokerDifference",
    "Closing",
    "Confidence",
    "CostBase",
    "Form8949Row",
    "History",
    "Household",
    "HouseholdReading",
    "Identity",
    "LotAdjustment",
    "LotCost",
    "LotEvent",
    "LotKey",
    "Move",
    "Opening",
    "Owner",
    "PurchaseRisk",
    "Replacement",
    "Reporting",
    "SaleRisk",
    "Standing",
    "StandingWashes",
    "Substitute",
    "SuperficialSale",
    "SuperficialTerms",
    "SuperficialView",
    "TaxLot",
    "TaxSale",
    "TaxTotals",
    "TaxView",
    "WashTerms",
    "WashedLoss",
    "Why",
    "broker_differences",
    "denied_loss",
    "families_of",
    "form_8949",
    "household_history",
    "in_families",
    "keys_of_sales",
    "match_superficial",
    "match_washes",
    "purchase_in_units",
    "risk_of_purchase",
    "risk_of_sale",
    "sale_in_units",
    "superficial_risk_of_purchase",
    "superficial_risk_of_sale",
    "superficial_verdicts",
    "tax_lots",
    "wash_risk_of_purchase",
    "wash_risk_of_sale",
    "wash_verdicts",
    "washed_sales",
]
