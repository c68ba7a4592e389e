"""Units on three levels, officers, roles and their scopes, duty rosters, calendars."""
