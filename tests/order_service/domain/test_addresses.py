from apps.order_service.domain.addresses import COUNTRIES


class TestCountries:
    def test_are_the_249_assigned_codes(self):
        assert len(COUNTRIES) == 249
        assert all(len(code) == 2 and code.isascii() and code.isupper() for code in COUNTRIES)

    def test_leave_out_codes_that_are_reserved_or_withdrawn(self):
        assert not COUNTRIES & {"UK", "EU", "AN", "CS", "SU", "XK", "ZZ"}
        assert {"GB", "DE", "US", "BQ", "SS", "AX"} <= COUNTRIES
