"""What a month of a configuration costs at AWS, before it is deployed: each amount with the line that causes it."""

from strata.price.charges import Bill, Charge
from strata.price.difference import CENTS, PriceChange, differences
from strata.price.prices import Price, prices

__all__ = ["CENTS", "Bill", "Charge", "Price", "PriceChange", "differences", "prices"]
