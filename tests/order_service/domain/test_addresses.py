from apps.order_service.domain.addresses import COUNTRIES, parcel_lines


class TestCountries:
    def test_are_the_249_assigned_codes(self):
        assert len(COUNTRIES) == 249
        assert all(len(code) == 2 and code.isascii() and code.isupper() for code in COUNTRIES)

    def test_leave_out_codes_that_are_reserved_or_withdrawn(self):
        assert not COUNTRIES & {"UK", "EU", "AN", "CS", "SU", "XK", "ZZ"}
        assert {"GB", "DE", "US", "BQ", "SS", "AX"} <= COUNTRIES


class TestParcelLines:
    def test_leave_out_what_is_not_given(self):
        address = {"name": "Ada", "line1": "1 Market Square", "postal_code": "1010"}
        address |= {"city": "Vienna", "country": "AT"}
        assert parcel_lines(address) == ["Ada", "1 Market Square", "1010 Vienna", "AT"]
        whole = parcel_lines(address | {"line2": "Door 2", "region": "Wien"})
        assert whole == ["Ada", "1 Market Square", "Door 2", "1010 Vienna", "Wien", "AT"]
