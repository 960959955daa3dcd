"""Settlement: claims meet their charge items, referral and answer; amounts are checked.

Nothing here computes or rescales an amount: sums are only compared.
"""

from gateway.settlement.reaction import react

__all__ = ["react"]
