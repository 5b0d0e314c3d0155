//! What is sent for a profile.

use domain::attribute::AttributeType;
use domain::mapping::Field;
use jiff::civil::{date, time};

use super::{contacts, mapping, request, run, segment, target};
use crate::DataEngine;
use crate::error::DataError;
use crate::testing::{Value, attribute, engine, write_snapshot};

fn text(text: &str) -> Option<Value> {
    Some(Value::Text(text.to_owned()))
}

fn property(name: &str) -> Field {
    Field::Property(name.to_owned())
}

/// Writes a snapshot with the columns that each row has besides its e-mail and its membership.
fn write(engine: &DataEngine, columns: &[(&str, AttributeType)], rows: Vec<Vec<Option<Value>>>) {
    let mut attributes = vec![attribute("Email", AttributeType::Text), attribute("in_0", AttributeType::Boolean)];
    attributes.extend(columns.iter().map(|(name, kind)| attribute(name, *kind)));
    let rows: Vec<Vec<Option<Value>>> = rows
        .into_iter()
        .enumerate()
        .map(|(at, row)| [vec![text(&format!("p{at}@example.com")), Some(Value::Boolean(true))], row].concat())
        .collect();
    write_snapshot(engine, 1, &attributes, &rows);
}

#[tokio::test]
async fn each_kind_of_field_gets_what_the_destination_takes() {
    let (_root, engine) = engine();
    let columns = [
        ("Name", AttributeType::Text),
        ("Mobile", AttributeType::Text),
        ("Land", AttributeType::Text),
        ("Born", AttributeType::Text),
        ("Sex", AttributeType::Text),
    ];
    let row = |cells: [&str; 5]| cells.map(text).to_vec();
    write(
        &engine,
        &columns,
        vec![
            row([" Åsa \"A\" ", "070-174 06 05", "Sverige", "7.3.1984", "Kvinna"]),
            row(["", "070-174 06 05", "Atlantis", "07/03/1984", "divers"]),
            row(["Ana\r\nMaria", "+34 612 34 56 78", "", "1984-03-07", "M"]),
            vec![None, None, None, None, None],
        ],
    );
    let mut request = request(1, None, vec![segment(0, true)]);
    request.mapping = mapping(&[
        (target("gender"), "Sex"),
        (target("email"), "Email"),
        (target("country"), "Land"),
        (target("phone"), "Mobile"),
        (target("birthdate"), "Born"),
        (target("first_name"), "Name"),
    ]);
    let summary = engine.make_plan(request).await.expect("a plan");
    assert_eq!((summary.to_send, summary.new_contacts, summary.left_out_values), (4, 4, 2));
    let payloads: Vec<String> = contacts(&engine, 1).await.into_iter().map(|contact| contact.payload).collect();
    assert_eq!(
        payloads,
        [
            r#"{"properties":{},"targets":{"birthdate":"1984-03-07","country":{"code":"SE","name":"Sweden"},"first_name":"Åsa \"A\"","gender":"f","phone":"+46701740605"}}"#,
            r#"{"properties":{},"targets":{"country":{"name":"Atlantis"}}}"#,
            r#"{"properties":{},"targets":{"birthdate":"1984-03-07","first_name":"Ana  Maria","gender":"m","phone":"+34612345678"}}"#,
            r#"{"properties":{},"targets":{}}"#,
        ]
    );
}

#[tokio::test]
async fn properties_keep_the_type_of_their_attribute() {
    let (_root, engine) = engine();
    let columns = [
        ("text", AttributeType::Text),
        ("whole", AttributeType::Integer),
        ("amount", AttributeType::Decimal),
        ("truth", AttributeType::Boolean),
        ("day", AttributeType::Date),
        ("clock", AttributeType::Time),
        ("moment", AttributeType::DateTime),
    ];
    let row = vec![
        text("0042"),
        Some(Value::Integer(-7)),
        Some(Value::Decimal(125_000_000_000)),
        Some(Value::Boolean(false)),
        Some(Value::Date(date(2026, 2, 28))),
        Some(Value::Time(time(9, 30, 0, 0))),
        Some(Value::DateTime("2026-02-28T23:30:00+01:00".parse().expect("an instant"))),
    ];
    write(&engine, &columns, vec![row, vec![text("  "), None, None, None, None, None, None]]);
    let mut request = request(1, None, vec![segment(0, true)]);
    let mut pairs = vec![(target("email"), "Email"), (target("birthdate"), "day")];
    pairs.extend(columns.iter().map(|(name, _)| (property(name), *name)));
    request.mapping = mapping(&pairs);
    engine.make_plan(request).await.expect("a plan");
    let contacts = contacts(&engine, 1).await;
    assert_eq!(
        contacts[0].payload,
        concat!(
            r#"{"properties":{"amount":12.5,"clock":"09:30:00","day":"2026-02-28","moment":"2026-02-28T22:30:00Z","#,
            r#""text":"0042","truth":false,"whole":-7},"targets":{"birthdate":"2026-02-28"}}"#
        )
    );
    assert_eq!(contacts[1].payload, r#"{"properties":{},"targets":{}}"#);
    for contact in contacts {
        assert!(serde_json::from_str::<serde_json::Value>(&contact.payload).is_ok());
    }
}

#[tokio::test]
async fn a_mapping_that_names_what_is_not_there_is_refused() {
    let (_root, engine) = engine();
    write(&engine, &[], vec![vec![]]);
    for pairs in [
        vec![(target("first_name"), "Email")],
        vec![(target("email"), "Gone")],
        vec![(target("email"), "Email"), (target("gone"), "Email")],
    ] {
        let mut request = request(1, None, vec![segment(0, true)]);
        request.mapping = mapping(&pairs);
        let refused = engine.make_plan(request).await;
        assert!(matches!(refused, Err(DataError::UnknownAttribute)), "{refused:?}");
    }
    let none = engine.plan_summary(run(1)).await;
    assert!(matches!(none, Err(DataError::Missing)), "{none:?}");
}
