//! Guessing the types of columns, with care: a type is proposed only if the values looked at are of it, and what merely
//! looks like a number (post codes, phone numbers, ids) stays text.
//!
//! A slip of the pen in a long column of numbers or days (`unknown`, `12,50 €`) does not make the column text: one value
//! in two hundred may be of no known form; its row is then rejected and named in the report. A value that would lose
//! something as the type, such as `007` as a number or a day in the other order, rules the type out.

use domain::attribute::AttributeType;
use domain::source::DateOrder;
use jiff::tz::TimeZone;

use super::names;
use crate::profiles::moment;
use crate::profiles::value::{boolean, decimal, integer};

/// How a value stands in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Written without a type.
    Any,
    /// Marked as text: digits in it are no number.
    Text,
    /// Marked as a number.
    Number,
}

/// What a column may still be, after the values seen so far.
#[derive(Debug, Clone)]
pub(super) struct Guess {
    decimal_comma: bool,
    /// Values that are not empty.
    seen: u32,
    may_be_number: bool,
    /// Values that are no whole number, and those that are no decimal.
    no_integers: u32,
    no_decimals: u32,
    boolean: bool,
    time: bool,
    /// A day, by the order in which it is written; and an instant.
    days: Orders,
    instants: Orders,
}

/// Which orders of day and month are still possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Orders {
    day_first: bool,
    month_first: bool,
    /// All values so far begin with the year.
    year_first: bool,
    /// Values so far that are of this kind in no order.
    others: u32,
}

const ALL: Orders = Orders { day_first: true, month_first: true, year_first: true, others: 0 };

/// Of so many values, one may be of no form.
const ONE_IN: u32 = 200;

impl Guess {
    pub(super) fn new(name: &str, decimal_comma: bool) -> Self {
        Self {
            decimal_comma,
            seen: 0,
            may_be_number: names::may_be_amount(name),
            no_integers: 0,
            no_decimals: 0,
            boolean: true,
            time: true,
            days: ALL,
            instants: ALL,
        }
    }

    /// Takes a value into account.
    pub(super) fn look_at(&mut self, text: &str, form: Form) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        self.seen += 1;
        self.look_for_number(text, form);
        // 1 and 0 are numbers first.
        self.boolean &= form != Form::Number && text != "1" && text != "0" && boolean(text).is_some();
        self.time &= form != Form::Number && moment::time(text).is_some();
        if form == Form::Number {
            (self.days, self.instants) = (Orders::NONE, Orders::NONE);
        }
        if self.days.any() {
            self.days = self.days.and(Orders::of(text, |order| moment::date(text, order).is_some()));
        }
        if self.instants.any() {
            // A day alone is no instant here, so that a column of days is one of days.
            let is_instant = |order| moment::date(text, order).is_none() && is_instant(text, order);
            self.instants = self.instants.and(Orders::of(text, is_instant));
        }
    }

    fn look_for_number(&mut self, text: &str, form: Form) {
        let has_exponent = text.contains(['e', 'E']);
        let is_decimal = !has_exponent && decimal(text, self.decimal_comma).is_some();
        // 16 digits and more are numbers of cards and accounts.
        let is_integer = text.len() <= 15 && integer(text).is_some();
        self.no_integers += u32::from(!is_integer);
        self.no_decimals += u32::from(!is_decimal);
        let is_written_in_digits =
            !is_decimal && text.bytes().all(|byte| byte.is_ascii_digit() || b" +-.".contains(&byte));
        // An amount with cents is a slip in no column of whole numbers.
        if is_decimal && !is_integer {
            self.no_integers = self.no_integers.max(u32::MAX / 2);
        }
        if form == Form::Text || is_written_in_digits {
            self.may_be_number = false;
        }
    }

    /// May so many of the values be of no form?
    fn are_slips(&self, count: u32) -> bool {
        count <= self.seen / ONE_IN
    }

    /// The order that the values show, if they show one.
    fn shown_order(&self) -> Option<DateOrder> {
        let orders = if self.days.any() { self.days } else { self.instants };
        match (self.seen == 0 || orders.year_first, orders.day_first, orders.month_first) {
            (false, true, false) => Some(DateOrder::DayFirst),
            (false, false, true) => Some(DateOrder::MonthFirst),
            _ => None,
        }
    }

    /// The type to propose, where days are written in this order.
    pub(super) fn kind(&self, order: DateOrder) -> AttributeType {
        let is_number = self.may_be_number;
        match () {
            () if self.seen == 0 => AttributeType::Text,
            () if is_number && self.are_slips(self.no_integers) => AttributeType::Integer,
            () if is_number && self.are_slips(self.no_decimals) => AttributeType::Decimal,
            () if self.boolean => AttributeType::Boolean,
            () if self.are_slips(self.days.others) && self.days.proposed(order) => AttributeType::Date,
            () if self.are_slips(self.instants.others) && self.instants.proposed(order) => AttributeType::DateTime,
            () if self.time => AttributeType::Time,
            () => AttributeType::Text,
        }
    }
}

/// The order in which a file writes days: what the columns show. [`Guess::kind`] then takes a column whose own values
/// fit both orders for days only if another one decided.
pub(super) fn date_order(guesses: &[Guess]) -> DateOrder {
    let count = |order| guesses.iter().filter(|guess| guess.shown_order() == Some(order)).count();
    if count(DateOrder::MonthFirst) > count(DateOrder::DayFirst) { DateOrder::MonthFirst } else { DateOrder::DayFirst }
}

impl Orders {
    const NONE: Self = Self { day_first: false, month_first: false, year_first: false, others: 0 };

    fn of(text: &str, is: impl Fn(DateOrder) -> bool) -> Self {
        let year_first = text.as_bytes().iter().take(4).all(u8::is_ascii_digit);
        let (day_first, month_first) = (is(DateOrder::DayFirst), is(DateOrder::MonthFirst));
        Self { day_first, month_first, year_first, others: u32::from(!day_first && !month_first) }
    }

    fn any(self) -> bool {
        self.day_first || self.month_first
    }

    /// What is possible of the values before and this one. All must be of one form: the year first, or last.
    fn and(self, other: Self) -> Self {
        if other.others > 0 {
            return Self { others: self.others + 1, ..self };
        }
        let is_first = Self { others: 0, ..self } == ALL;
        if !is_first && self.year_first != other.year_first {
            return Self::NONE;
        }
        Self {
            day_first: self.day_first && other.day_first,
            month_first: self.month_first && other.month_first,
            year_first: other.year_first,
            others: self.others,
        }
    }

    fn proposed(self, order: DateOrder) -> bool {
        match order {
            _ if self.year_first => self.any(),
            // Where both are possible, nothing in the column says which is meant.
            DateOrder::DayFirst => self.day_first && !self.month_first,
            DateOrder::MonthFirst => self.month_first && !self.day_first,
        }
    }
}

fn is_instant(text: &str, order: DateOrder) -> bool {
    moment::instant(text, order, &TimeZone::UTC).is_some()
}

#[cfg(test)]
mod tests {
    use domain::attribute::AttributeType as T;
    use domain::source::DateOrder;

    use super::{Form, Guess, date_order};

    fn kind(name: &str, values: &[&str]) -> T {
        let mut guess = Guess::new(name, false);
        values.iter().for_each(|text| guess.look_at(text, Form::Any));
        guess.kind(date_order(&[guess.clone()]))
    }

    #[test]
    fn a_type_is_proposed_only_if_every_value_is_of_it() {
        for (name, values, expected) in [
            ("orders", &["1", "20", "", "-3"][..], T::Integer),
            ("orders", &["1", "020"], T::Text),
            ("spend", &["1", "2.50", " 3 "], T::Decimal),
            ("spend", &["1", "2,50"], T::Text),
            ("spend", &["1e5"], T::Text),
            ("holder", &["1234567890123456"], T::Decimal),
            ("Post Code", &["10753", "28679"], T::Text),
            ("customerId", &["1", "2"], T::Text),
            ("Phone", &["600111222"], T::Text),
            ("member", &["true", "FALSE"], T::Boolean),
            ("member", &["Sí", "No"], T::Boolean),
            ("member", &["1", "0"], T::Integer),
            ("born", &["2001-02-03", "1999-12-31"], T::Date),
            ("born", &["13/02/2001", "01/12/1999"], T::Date),
            ("born", &["02/13/2001", "12/01/1999"], T::Date),
            ("born", &["02/03/2001", "01/12/1999"], T::Text),
            ("born", &["13/02/2001", "2001-02-03"], T::Text),
            ("born", &["13/02/2001", "02/13/2001"], T::Text),
            ("born", &["13.02.2001", "x"], T::Text),
            ("seen", &["2026-11-22T10:00:00+01:00", "2026-11-22 10:00"], T::DateTime),
            ("seen", &["22/11/2026 10:00"], T::DateTime),
            ("seen", &["2026-11-22", "2026-11-22 10:00"], T::Text),
            ("at", &["09:30", "23:59:59"], T::Time),
            ("nothing", &["", " "], T::Text),
        ] {
            assert_eq!(kind(name, values), expected, "{name} {values:?}");
        }
    }

    #[test]
    fn a_slip_of_the_pen_does_not_make_a_long_column_text() {
        let with = |value: &'static str, slip: &'static str| {
            let mut values = vec![value; 400];
            values[7] = slip;
            values
        };
        assert_eq!(kind("spent", &with("2.50", "12,50 €")), T::Decimal);
        assert_eq!(kind("born", &with("2001-02-03", "31/02/1980")), T::Date);
        assert_eq!(kind("born", &with("2001-02-03", "03/02/1980")), T::Text);
        assert_eq!(kind("orders", &with("3", "many")), T::Integer);
        assert_eq!(kind("orders", &with("3", "007")), T::Text);
        assert_eq!(kind("orders", &with("3", "2.5")), T::Decimal);
        assert_eq!(kind("seen", &with("2026-11-22T10:00Z", "never")), T::DateTime);
        assert_eq!(kind("member", &with("yes", "perhaps")), T::Text);
        assert_eq!(kind("born", &["2001-02-03", "unknown"]), T::Text);
    }

    #[test]
    fn text_and_numbers_of_a_typed_source_stay_what_they_are() {
        let mut text = Guess::new("orders", false);
        text.look_at("12", Form::Text);
        assert_eq!(text.kind(DateOrder::DayFirst), T::Text);
        let mut number = Guess::new("orders", false);
        number.look_at("12.0", Form::Number);
        assert_eq!(number.kind(DateOrder::DayFirst), T::Decimal);
        let mut day = Guess::new("born", false);
        day.look_at("2001-02-03", Form::Text);
        assert_eq!(day.kind(DateOrder::DayFirst), T::Date);
    }
}
