//! What the name of a column says about its values, by the words in it, in Ferry's languages. The lists stand here
//! alone: the primary key and the types are guessed from the same ones.

/// Words that name keys. Digits in such a column are no amount.
const KEYS: [&str; 21] = [
    "id",
    "guid",
    "uuid",
    "key",
    "pk",
    "code",
    "codi",
    "codigo",
    "código",
    "cod",
    "kod",
    "number",
    "no",
    "nr",
    "num",
    "numero",
    "número",
    "nummer",
    "customerid",
    "contactid",
    "clientid",
];

/// Words of columns whose digits are no amount, and that are no key of the person either.
const OTHER_DIGITS: [&str; 30] = [
    "ids",
    "zip",
    "postal",
    "post",
    "postcode",
    "postnummer",
    "postnr",
    "plz",
    "cp",
    "phone",
    "telephone",
    "tel",
    "telefon",
    "telefono",
    "teléfono",
    "telèfon",
    "telefone",
    "mobile",
    "mobil",
    "movil",
    "móvil",
    "mòbil",
    "telemovel",
    "telemóvel",
    "fax",
    "card",
    "iban",
    "nif",
    "personnummer",
    "vat",
];

/// Words of things that have keys and numbers of their own, which are not the person's.
const OTHER_THINGS: [&str; 13] = [
    "house", "street", "address", "order", "orders", "country", "company", "parent", "owner", "loyalty", "tax",
    "store", "account",
];

/// May digits in the column be an amount?
pub(super) fn may_be_amount(name: &str) -> bool {
    !words(name).iter().any(|word| is_in(word, &KEYS) || is_in(word, &OTHER_DIGITS))
}

/// Is the column named like the key of a person?
pub(super) fn is_key(name: &str) -> bool {
    let words = words(name);
    let is_other = |word: &String| is_in(word, &OTHER_DIGITS) || is_in(word, &OTHER_THINGS);
    words.iter().any(|word| is_in(word, &KEYS)) && !words.iter().any(is_other)
}

fn is_in(word: &str, list: &[&str]) -> bool {
    list.contains(&word)
}

/// The words of a column's name in lower case: `customerId`, `Customer ID` and `customer_id` are the same two.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        let begins = !c.is_alphanumeric() || (c.is_uppercase() && before.is_lowercase());
        if begins && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::{is_key, may_be_amount, words};

    #[test]
    fn a_name_has_words_however_it_is_written() {
        for name in ["customerId", "Customer ID", "customer_id", "customer-id", " Customer  Id "] {
            assert_eq!(words(name), ["customer", "id"], "{name}");
        }
        assert_eq!(words("Address 1: ZIP/Postal Code"), ["address", "1", "zip", "postal", "code"]);
    }

    #[test]
    fn names_tell_keys_from_other_digits_and_amounts() {
        for (name, key, amount) in [
            ("customer_id", true, false),
            ("Kod", true, false),
            ("loyalty number", false, false),
            ("postal code", false, false),
            ("telemóvel", false, false),
            ("order id", false, false),
            ("orders", false, true),
            ("spent", false, true),
        ] {
            assert_eq!((is_key(name), may_be_amount(name)), (key, amount), "{name}");
        }
    }
}
