"""Money in and out, exactly as written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallet_project.kit import money
from wallet_project.kit.errors import Invalid

currencies = st.sampled_from(money.currencies())


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("10", "USD", 1000),
        ("10.0", "USD", 1000),
        ("10.00", "USD", 1000),
        ("0.01", "USD", 1),
        ("100000000000000.01", "USD", 10000000000000001),  # a float would say .02
        ("10", "JPY", 10),
        ("1.234", "KWD", 1234),
        ("92233720368547758.07", "USD", 2**63 - 1),
    ],
)
def test_reads_a_decimal_exactly(text: str, currency: str, minor: int) -> None:
    assert money.parse_amount(text, currency) == minor


@pytest.mark.parametrize(
    "text",
    ["", " 5", "5 ", "+5", "1e2", "1_000", "1,000", "１２", "٣", ".5", "5.", "007", "0x10", "NaN",
     "Infinity", "--5", "5.5.5", "5\n", "\x005"],
)  # fmt: skip
def test_refuses_what_is_no_plain_decimal(text: str) -> None:
    with pytest.raises(money.MalformedAmount):
        money.parse_amount(text, "USD")


@pytest.mark.parametrize(("text", "currency"), [("1.001", "USD"), ("1.000", "USD"), ("1.0", "JPY")])
def test_refuses_more_decimals_than_the_currency_has(text: str, currency: str) -> None:
    with pytest.raises(money.TooManyDecimals):
        money.parse_amount(text, currency)


@pytest.mark.parametrize("text", ["0", "0.00", "-1", "-0", "-0.01"])
def test_refuses_zero_and_negative_amounts(text: str) -> None:
    with pytest.raises(money.AmountNotPositive):
        money.parse_amount(text, "USD")


@pytest.mark.parametrize("text", ["92233720368547758.08", "9" * 40, "9" * 5000])
def test_refuses_what_the_books_cannot_hold(text: str) -> None:
    with pytest.raises(money.AmountTooLarge):
        money.parse_amount(text, "USD")


@pytest.mark.parametrize("code", ["usd", "XXX", "XAU", "BTC", "", "U$D", "ＵＳＤ"])
def test_knows_no_currency_without_a_minor_unit(code: str) -> None:
    with pytest.raises(money.UnknownCurrency):
        money.exponent_of(code)


def test_knows_the_exponents_of_iso_4217() -> None:
    found = [money.exponent_of(code) for code in ("JPY", "USD", "KWD", "CLF")]

    assert found == [0, 2, 3, 4]


@given(minor=st.integers(1, money.LARGEST_MINOR), currency=currencies)
def test_what_is_written_reads_back_to_the_same_amount(minor: int, currency: str) -> None:
    assert money.parse_amount(money.format_minor(minor, currency), currency) == minor


@given(minor=st.integers(-money.LARGEST_MINOR, money.LARGEST_MINOR), currency=currencies)
def test_writes_all_decimals_of_the_currency(minor: int, currency: str) -> None:
    text = money.format_minor(minor, currency)

    decimals = len(text.partition(".")[2])
    assert decimals == money.exponent_of(currency)
    assert int(text.replace(".", "")) == minor


@given(minor=st.integers(0, money.LARGEST_MINOR), currency=currencies)
def test_the_shortest_form_is_exact_and_has_nothing_to_leave_out(minor: int, currency: str) -> None:
    text = money.format_shortest(minor, currency)

    whole, point, fraction = text.partition(".")
    assert not fraction.endswith("0")
    assert bool(point) == bool(fraction)
    filled = whole + fraction.ljust(money.exponent_of(currency), "0")
    assert (int(filled), str(int(whole))) == (minor, whole)


@given(text=st.text(max_size=50))
def test_any_text_is_read_or_refused_with_a_reason(text: str) -> None:
    try:
        minor = money.parse_amount(text, "USD")
    except Invalid as refusal:
        assert refusal.field == "amount"
        assert refusal.detail
    else:
        assert 0 < minor <= money.LARGEST_MINOR
