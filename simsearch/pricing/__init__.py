"""What an item would fetch: level, comparables, premiums, intervals."""
