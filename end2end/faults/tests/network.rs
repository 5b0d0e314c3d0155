//! Ferry's own client over a bad network: every request ends in time, what it means is what became of it, and nothing
//! stays open.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ferry_faults::proxy::{Proxy, Toxic};
use omnisend_simulator::{Action, Endpoint, Options, PRACTICE_KEY, Rule, Running, Script, Simulator};
use secrecy::SecretString;
use server::destinations::omnisend::Omnisend;
use server::destinations::{DeliveryError, Destination as _, Meaning};

struct Network {
    simulator: Running,
    proxy: Proxy,
    ferry: Omnisend,
    key: SecretString,
}

impl Network {
    async fn new() -> Self {
        let mut options = Options::default();
        options.limits.enabled = false;
        let simulator = Simulator::start(options).await.expect("a simulator");
        let proxy = Proxy::start(simulator.address(), 1).await.expect("a proxy");
        let ferry = Omnisend::new(Some(&format!("http://{}/api", proxy.address()))).expect("an address");
        Self { simulator, proxy, ferry, key: SecretString::from(PRACTICE_KEY.to_owned()) }
    }

    /// Sends a batch of some people; gives what it meant and how long it took.
    async fn send(&self, from: u32) -> (Result<String, DeliveryError>, Duration) {
        let payload = r#"{"targets":{"first_name":"Zoë"},"properties":{}}"#;
        let items: Vec<String> = (from..from + 5)
            .map(|n| self.ferry.item(&format!("p{n}@example.com"), payload).expect("an item"))
            .collect();
        let begun = Instant::now();
        let answer = self.ferry.send_batch(&self.key, &items).await;
        (answer, begun.elapsed())
    }

    fn taken(&self) -> usize {
        let requests = self.simulator.state().requests(0, usize::MAX);
        requests.iter().filter(|one| one.endpoint == Endpoint::BatchCreate && one.served).count()
    }

    /// Fails with this meaning, within this time, and leaves no connection open.
    async fn check(&self, toxic: Toxic, meaning: Meaning, within: Duration) {
        self.proxy.set(Some(toxic)).await;
        let (answer, took) = self.send(0).await;
        assert_eq!(answer.map_err(|error| error.meaning), Err(meaning), "{toxic:?}");
        assert!(took <= within, "{toxic:?} took {took:?}");
        let patience = Instant::now();
        while self.proxy.open_connections() > 0 && !matches!(toxic, Toxic::Timeout { .. }) {
            assert!(patience.elapsed() < Duration::from_secs(15), "{toxic:?} leaves connections open");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.proxy.set(None).await;
        assert!(self.send(0).await.0.is_ok(), "after {toxic:?} all is well");
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r14_a_server_that_falls_silent_is_given_up_after_ten_seconds() {
    Network::new().await.check(Toxic::Timeout { after: None }, Meaning::Unknown, 12 * SECOND).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r14_an_answer_that_comes_byte_by_byte_is_given_up_after_thirty_seconds() {
    let network = Network::new().await;
    network.check(Toxic::Slicer { size: 1, pause: SECOND }, Meaning::Unknown, 32 * SECOND).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r14_a_thin_line_is_given_up_after_thirty_seconds() {
    Network::new().await.check(Toxic::Bandwidth { per_second: 4 }, Meaning::Unknown, 32 * SECOND).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r14_where_nobody_listens_the_request_is_known_not_to_be_sent() {
    Network::new().await.check(Toxic::Down, Meaning::Unreachable, 6 * SECOND).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r14_a_reset_and_a_close_without_an_answer_leave_it_unknown() {
    let network = Network::new().await;
    let soon = Duration::from_millis(30);
    network.simulator.state().set_faults(Script::one(Rule::always(Action::Delay { ms: 80, after: true })));
    network.check(Toxic::ResetPeer { after: soon }, Meaning::Unknown, SECOND).await;
    network.check(Toxic::Timeout { after: Some(soon) }, Meaning::Unknown, SECOND).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_but_steady_network_only_takes_time() {
    let network = Network::new().await;
    let millis = Duration::from_millis;
    for toxic in [
        Toxic::Latency { delay: millis(200), jitter: millis(300) },
        Toxic::Slicer { size: 40, pause: millis(20) },
        Toxic::Bandwidth { per_second: 2_000 },
        Toxic::SlowClose { delay: millis(500) },
    ] {
        network.proxy.set(Some(toxic)).await;
        let (answer, took) = network.send(0).await;
        assert!(answer.is_ok() && took < 5 * SECOND, "{toxic:?}: {answer:?} after {took:?}");
    }
}

/// The answer is cut after each of its bytes in turn. Whatever arrived of it, nothing is taken for a success that is not
/// one, and sending again changes nothing at the receiver.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r15_a_lost_answer_is_unknown_wherever_it_was_cut_and_sending_again_is_harmless() {
    let network = Network::new().await;
    let mut cut = 0;
    let mut whole = None;
    for bytes in 1..2_000 {
        network.proxy.set(Some(Toxic::LimitData { bytes })).await;
        let before = network.taken();
        let (first, _) = network.send(cut * 10).await;
        assert_eq!(network.taken(), before + 1, "the request was taken");
        if first.is_ok() {
            whole = Some(bytes);
            break;
        }
        assert_eq!(first.map_err(|error| error.meaning), Err(Meaning::Unknown), "{bytes} bytes of the answer");
        network.proxy.set(None).await;
        assert!(network.send(cut * 10).await.0.is_ok());
        assert_eq!(network.taken(), before + 2, "one repetition");
        cut += 1;
    }
    assert!(whole.is_some_and(|bytes| bytes > 100), "{whole:?}");
    tokio::time::sleep(Duration::from_millis(200)).await;
    let summary = serde_json::to_value(network.simulator.state().summary()).expect("JSON");
    let (contacts, _) = network.simulator.state().contacts(&omnisend_simulator::Filter::default(), 0, usize::MAX);
    let emails: BTreeSet<&str> = contacts.iter().filter_map(|contact| contact["email"].as_str()).collect();
    assert_eq!((contacts.len(), emails.len()), (cut as usize * 5 + 5, contacts.len()));
    assert_eq!((&summary["welcomeMessages"], &summary["resubscribed"]), (&0.into(), &0.into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r17_what_is_no_answer_of_the_interface_is_never_taken_for_a_success() {
    let network = Network::new().await;
    let page = "<html><body>Sign in to the hotel's network</body></html>";
    let json = "application/json";
    let table: [(u16, &str, &str, usize); 12] = [
        (200, "text/html", page, 1),
        (201, "text/html", page, 1),
        (201, json, "", 1),
        (201, json, "{\"batchID\":", 1),
        (201, json, "{\"batchID\":7}", 1),
        (201, json, "{\"batch\":\"x\"}", 1),
        (201, json, "[]", 1),
        (201, json, "null", 1),
        (201, json, "\u{feff}{}", 1),
        (200, json, "{\"batchID\":\"x\"}", 1),
        (204, json, "", 1),
        // 50 MB.
        (201, json, "0123456789", 5_000_000),
    ];
    for (status, content_type, body, repeat) in table {
        let (content_type, body) = (content_type.to_owned(), body.to_owned());
        let action = Action::Body { status, content_type, body: body.clone(), repeat };
        network.simulator.state().set_faults(Script::one(Rule::always(action)));
        let (answer, _) = network.send(0).await;
        assert_eq!(answer.map_err(|error| error.meaning), Err(Meaning::Unknown), "{status} {body}");
    }
}
