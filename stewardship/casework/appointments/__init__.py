"""Appointments: three times offered to a party from the officer's roster, one picked, kept or missed."""
