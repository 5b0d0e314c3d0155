//! Labelled addresses: what each becomes, or why it does not.

use proptest::prelude::*;

use super::{Address, read, spell};

/// Text and the spelling it is sent with.
const VALID: &[(&str, &str)] = &[
    ("ana@example.com", "ana@example.com"),
    ("Ana.Pop@Example.COM", "ana.pop@example.com"),
    ("  ana@example.com  ", "ana@example.com"),
    ("\tana@example.com\r\n", "ana@example.com"),
    ("\u{a0}ana@example.com\u{a0}", "ana@example.com"),
    ("ana\u{200b}@example.com", "ana@example.com"),
    ("\u{feff}ana@example.com", "ana@example.com"),
    ("ana@exam\u{ad}ple.com", "ana@example.com"),
    ("\u{202a}ana@example.com\u{202c}", "ana@example.com"),
    ("ana@example.com\u{0}", "ana@example.com"),
    ("a\u{7}na@example.com", "ana@example.com"),
    ("ana\u{2060}@example.com", "ana@example.com"),
    ("\u{200f}ANA@EXAMPLE.COM", "ana@example.com"),
    ("ana@example.com \u{200b}", "ana@example.com"),
    ("ana+news@example.com", "ana+news@example.com"),
    ("a.n.a@example.com", "a.n.a@example.com"),
    ("ana_maria@example.com", "ana_maria@example.com"),
    ("ana-maria@example.com", "ana-maria@example.com"),
    ("o'neill@example.ie", "o'neill@example.ie"),
    ("ana=x@example.com", "ana=x@example.com"),
    ("!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~@example.com"),
    ("1234567890@example.com", "1234567890@example.com"),
    ("a@b.co", "a@b.co"),
    ("x@sub.domain.example.com", "x@sub.domain.example.com"),
    ("x@ex-ample.com", "x@ex-ample.com"),
    ("x@1and1.de", "x@1and1.de"),
    ("x@123.com", "x@123.com"),
    ("x@example.museum", "x@example.museum"),
    ("x@example.xn--p1ai", "x@example.xn--p1ai"),
    ("x@xn--bcher-kva.example", "x@xn--bcher-kva.example"),
    ("x@bücher.example", "x@xn--bcher-kva.example"),
    ("x@BÜCHER.example", "x@xn--bcher-kva.example"),
    ("x@bu\u{308}cher.example", "x@xn--bcher-kva.example"),
    ("åsa@exempel.se", "åsa@exempel.se"),
    ("ÅSA@exempel.se", "åsa@exempel.se"),
    ("A\u{30a}sa@exempel.se", "åsa@exempel.se"),
    ("josé@ejemplo.es", "josé@ejemplo.es"),
    ("ștefan@exemplu.ro", "ștefan@exemplu.ro"),
    ("núria.lull@exemple.cat", "núria.lull@exemple.cat"),
    ("joão@exemplo.pt", "joão@exemplo.pt"),
    ("测试@example.com", "测试@example.com"),
    ("abbie_moss@collinsreedandhoward.com", "abbie_moss@collinsreedandhoward.com"),
    (
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.com",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.com",
    ),
    (
        "x@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.com",
        "x@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.com",
    ),
    ("x@a-b--c.com", "x@a-b--c.com"),
    ("x@gmail.com", "x@gmail.com"),
    ("X@GMAIL.COM", "x@gmail.com"),
    ("first.last+tag.more@mail.example.co.uk", "first.last+tag.more@mail.example.co.uk"),
    ("info@example.cat", "info@example.cat"),
    ("kontakt@exempel.nu", "kontakt@exempel.nu"),
    ("office@exemplu.com.ro", "office@exemplu.com.ro"),
];

/// Texts that hold nothing.
const MISSING: &[&str] = &["", " ", "\t", "\u{a0}", "\u{200b}", "\u{feff}\r\n", " \u{ad} ", "\u{0}"];

/// Texts that hold something, but no address that mail can be sent to.
const INVALID: &[&str] = &[
    "ana",
    "ana@",
    "@example.com",
    "@",
    "ana@example",
    "ana@localhost",
    "ana.example.com",
    "ana at example.com",
    "ana@@example.com",
    "ana@b@example.com",
    "ana@example..com",
    "ana@.example.com",
    "ana@example.com.",
    ".ana@example.com",
    "ana.@example.com",
    "an..a@example.com",
    "ana @example.com",
    "ana@ example.com",
    "ana@exam ple.com",
    "ana b@example.com",
    "ana@example.com, pop@example.com",
    "ana@example.com;pop@example.com",
    "ana@example.com/pop@example.com",
    "ana@example,com",
    "ana,pop@example.com",
    "Ana Pop <ana@example.com>",
    "<ana@example.com>",
    "mailto:ana@example.com",
    "\"ana pop\"@example.com",
    "\"ana\"@example.com",
    "ana(comment)@example.com",
    "ana@[192.168.0.1]",
    "ana@[IPv6:::1]",
    "ana@192.168.0.1",
    "ana@1.2.3.4",
    "ana@example.123",
    "ana@-example.com",
    "ana@example-.com",
    "ana@exa_mple.com",
    "ana@exam!ple.com",
    "ana@example.c",
    "ana@example.com?subject=x",
    "ana@exam\\ple.com",
    "ana\\@example.com",
    "n/a",
    "none",
    "-",
    "null",
    "no tiene",
    "saknas",
    "???",
    "ana@example.com ana@example.com",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.com",
    "x@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.com",
    "ana@%20example.com",
    "ana@例え",
    "ana＠example.com",
    "ana@example。",
    "https://example.com",
    "+34612345678",
];

#[test]
fn valid_addresses_get_their_one_spelling() {
    for (text, spelled) in VALID {
        assert_eq!(read(text), Address::Valid((*spelled).to_owned()), "{text:?}");
    }
}

#[test]
fn nothing_is_missing_and_not_invalid() {
    for text in MISSING {
        assert_eq!(read(text), Address::Missing, "{text:?}");
    }
}

#[test]
fn what_is_no_address_is_told_apart() {
    for text in INVALID {
        assert_eq!(read(text), Address::Invalid, "{text:?}");
    }
    assert!(VALID.len() + MISSING.len() + INVALID.len() >= 100);
}

#[test]
fn an_address_of_255_bytes_is_too_long() {
    let label = "a".repeat(62);
    let domain = format!("{label}.{label}.{label}.com");
    let local = "b".repeat(254 - 1 - domain.len());
    assert!(local.len() <= 64);
    assert!(matches!(read(&format!("{local}@{domain}")), Address::Valid(_)));
    assert_eq!(read(&format!("b{local}@{domain}")), Address::Invalid);
}

proptest! {
    #[test]
    fn spelling_a_spelled_text_changes_nothing(text in "\\PC{0,40}") {
        let once = spell(&text);
        prop_assert_eq!(spell(&once), once);
    }

    #[test]
    fn any_text_is_read_without_a_panic_and_a_valid_address_reads_as_itself(text in "[\\PC\\x00-\\x20]{0,20}@?[\\PC.]{0,20}") {
        if let Address::Valid(address) = read(&text) {
            prop_assert_eq!(read(&address), Address::Valid(address.clone()));
            prop_assert!(!address.contains(char::is_whitespace));
        }
    }
}
