//! Five hundred addresses, each with what must become of it. The labels follow from the rules: a dot-atom of RFC 5322
//! (letters of all scripts, RFC 6531) of at most 64 bytes; a host name of at least two labels (RFC 1123) whose last is no
//! number (RFC 3696); one spelling for each address.

use std::collections::BTreeSet;

use domain::run::{RowReason, RunState};

use super::stage::{Person, Stage};

/// Every sign that RFC 5322 allows in an atom beside letters and digits.
const ATOM_SIGNS: &str = "!#$%&'*+-/=?^_`{|}~";
/// Signs that end an atom.
const OTHER_SIGNS: &str = "()<>,;:\\\"[]@ ";

const HOSTS: &[&str] = &["example.com", "mail.example.co.uk", "a-b.example", "1and1.example", "123.example.museum"];

/// A valid address in its one spelling.
fn valid() -> Vec<String> {
    let names = [
        "ana",
        "a",
        "7",
        "1234567890",
        "ana.pop",
        "a.b.c.d",
        "ana+news",
        "ana+a+b",
        "first.last+tag.more",
        "åsa",
        "josé",
        "ștefan",
        "núria.lull",
        "joão",
        "łukasz",
        "žofie",
        "测试",
        "почта",
        "δοκιμή",
        "अजय",
    ];
    let with_signs = ATOM_SIGNS.chars().map(|sign| format!("a{sign}b"));
    let of_signs = ATOM_SIGNS.chars().map(|sign| format!("{sign}"));
    let longest = ["b".repeat(64), format!("{}.{}", "c".repeat(31), "d".repeat(32)), "é".repeat(32)];
    let locals = names.map(str::to_owned).into_iter().chain(with_signs).chain(of_signs).chain(longest);
    let mut found: Vec<String> = locals
        .enumerate()
        .flat_map(|(n, local)| (0..HOSTS.len()).map(move |k| format!("{local}@{}", HOSTS[(n + k) % HOSTS.len()])))
        .collect();
    found.push(format!("x@{}.example", "e".repeat(63)));
    found.push("x@xn--bcher-kva.example".to_owned());
    found
}

/// Other ways to write some of the valid ones: they hold no further person.
fn other_spellings() -> Vec<String> {
    let of = |address: &str| {
        let (local, host) = address.split_once('@').expect("an address");
        vec![
            address.to_uppercase(),
            format!("  {address}\t"),
            format!("{address}\r\n"),
            format!("\u{a0}{address}\u{a0}"),
            format!("\u{feff}{address}"),
            format!("{local}\u{200b}@{host}"),
            format!("\u{202a}{address}\u{202c}"),
            format!("{local}@\u{ad}{host}"),
        ]
    };
    let many = ["ana@example.com", "ana.pop@example.com", "åsa@example.com", "josé@example.com", "joão@example.com"];
    let mut found: Vec<String> = many.iter().flat_map(|address| of(address)).collect();
    found.extend(
        ["x@bücher.example", "x@BÜCHER.example", "x@bu\u{308}cher.example", "A\u{30a}SA@example.com"]
            .map(str::to_owned),
    );
    found
}

/// Nothing stands there.
fn missing() -> Vec<String> {
    ["", " ", "\t", "\u{a0}", "\u{200b}", "\u{feff}", " \u{ad} ", "\r\n", "\u{2060}", "\u{202a}\u{202c}"]
        .map(str::to_owned)
        .into()
}

/// Something stands there that no mail can be sent to.
fn invalid() -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for host in &HOSTS[..2] {
        found.extend(OTHER_SIGNS.chars().map(|sign| format!("a{sign}b@{host}")));
        found.extend(
            ["", ".a", "a.", "a..b", ".", "..", "a.b.", "\"ana\"", "\"a b\"", "a(c)", "(c)a"]
                .map(|local| format!("{local}@{host}")),
        );
        found.extend([format!("{}@{host}", "b".repeat(65)), format!("{}@{host}", "é".repeat(33))]);
    }
    // Of these, a hyphen may stand within a label.
    let not_in_hosts = ATOM_SIGNS.chars().chain(OTHER_SIGNS.chars()).filter(|sign| *sign != '-');
    found.extend(not_in_hosts.clone().map(|sign| format!("ana@exam{sign}ple.com")));
    found.extend(not_in_hosts.filter(|sign| *sign != ' ').map(|sign| format!("ana@example.com{sign}")));
    let hosts = [
        "",
        "example",
        "localhost",
        "com",
        ".com",
        "example.",
        "example..com",
        ".example.com",
        "example.com.",
        "-example.com",
        "example-.com",
        "a.-b.com",
        "a.b-.com",
        "example.c",
        "example.123",
        "1.2.3.4",
        "192.168.0.1",
        "[192.168.0.1]",
        "[IPv6:::1]",
        "[::1]",
        "::1",
        "2130706433",
        "0x7f.0.0.1",
        " example.com",
        "%20example.com",
        "exam\u{2028}ple.com",
        "例え",
        "example。",
        "example.com:25",
        "example.com/path",
        "example.com?subject=x",
    ];
    found.extend(hosts.map(|host| format!("ana@{host}")));
    found.push(format!("x@{}.example", "e".repeat(64)));
    found.push(format!("{}@{}.{}.{}.example", "b".repeat(64), "c".repeat(63), "d".repeat(63), "e".repeat(63)));
    let others = [
        "ana",
        "@",
        "@@",
        "ana@@example.com",
        "ana.example.com",
        "ana at example.com",
        "ana(at)example.com",
        "ana[at]example[dot]com",
        "Ana Pop <ana@example.com>",
        "<ana@example.com>",
        "mailto:ana@example.com",
        "ana@example.com, bo@example.com",
        "ana@example.com;bo@example.com",
        "ana@example.com/bo@example.com",
        "ana@example.com bo@example.com",
        "ana@example.com\nbo@example.com",
        "n/a",
        "none",
        "-",
        "null",
        "NULL",
        "unknown",
        "no tiene",
        "saknas",
        "não tem",
        "???",
        "xxx",
        "0",
        "+34612345678",
        "612 345 678",
        "https://example.com",
        "www.example.com",
        "ana＠example.com",
        "ana@exampl\u{e000}e.com",
        "ana\u{3000}b@example.com",
    ];
    found.extend(others.map(str::to_owned));
    found
}

/// A field of a CSV file.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// Each label holds, and the destination gets the valid ones alone, each once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r45_five_hundred_addresses_become_what_their_labels_say() {
    let stage = Stage::new().await;
    let (valid, repeated, missing, invalid) = (valid(), other_spellings(), missing(), invalid());
    let all = [&valid, &repeated, &missing, &invalid];
    let distinct: BTreeSet<&String> = all.iter().flat_map(|some| some.iter()).collect();
    assert!(distinct.len() >= 500, "{} labelled addresses", distinct.len());
    assert_eq!(distinct.len(), all.iter().map(|some| some.len()).sum::<usize>(), "each text once");
    let people: Vec<Person> =
        all.iter().flat_map(|some| some.iter()).map(|text| (quoted(text), "Zoë".to_owned(), "a")).collect();
    stage.refresh(&people).await;

    let run = stage.run().await;

    let mut expected = valid.clone();
    expected.sort_unstable();
    let arrived = stage.arrived();
    let wrong: Vec<&String> = arrived.iter().filter(|one| !expected.contains(one)).collect();
    let lost: Vec<&String> = expected.iter().filter(|one| !arrived.contains(one)).collect();
    assert!(wrong.is_empty() && lost.is_empty(), "not to arrive: {wrong:?}; lost: {lost:?}");
    assert_eq!(arrived, expected, "each once");
    assert_eq!(run.state, RunState::CompletedWithErrors);
    let mut reasons = stage.data.troubled_counts(run.id).await.expect("counts");
    reasons.sort_unstable();
    let count = |some: &Vec<String>| some.len() as u64;
    let mut labels = [
        (RowReason::EmailMissing, count(&missing)),
        (RowReason::EmailInvalid, count(&invalid)),
        (RowReason::EmailRepeated, count(&repeated)),
    ];
    labels.sort_unstable();
    assert_eq!(reasons, labels);
    println!("{} addresses: {} valid, {labels:?}", distinct.len(), valid.len());
}
