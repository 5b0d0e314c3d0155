//! The simulator as a program, for the demo, the browser tests and the benchmarks.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use clap::{Parser, ValueEnum};
use jiff::Timestamp;
use omnisend_simulator::{
    BrandOptions, Clock, KeyOptions, Limits, Options, PRACTICE_KEY, Script, Simulator, Switches, TagsInUpserts,
};
use tokio::signal::unix::{SignalKind, signal};

/// A stateful stand-in for the Omnisend API.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8091")]
    listen: SocketAddr,
    /// A key, `BRAND-SECRET`, with all scopes; `BRAND-SECRET=contacts.read,contacts.write` names them.
    /// May be given several times.
    #[arg(long = "key", default_value = PRACTICE_KEY)]
    keys: Vec<String>,
    /// Name of the brands.
    #[arg(long, default_value = "Practice shop")]
    brand_name: String,
    /// No request limits.
    #[arg(long)]
    no_limits: bool,
    /// Requests a minute for a brand.
    #[arg(long, default_value_t = 400)]
    limit: u32,
    /// Requests a minute for each of adding and removing tags.
    #[arg(long, default_value_t = 60)]
    tag_limit: u32,
    /// Fault script, TOML or JSON.
    #[arg(long)]
    fault_script: Option<PathBuf>,
    /// Decides every random choice.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Milliseconds until a batch is done.
    #[arg(long, default_value_t = 150)]
    batch_delay_ms: u64,
    /// Contacts a second that batches are worked off with; 0 is no limit.
    #[arg(long, default_value_t = 0)]
    batch_contacts_per_second: u64,
    /// Batches finish in a shuffled order.
    #[arg(long)]
    batches_out_of_order: bool,
    /// A batch stops after this many failed items; 0 is never.
    #[arg(long, default_value_t = 0)]
    batch_stops_after_errors: u32,
    /// Items that a batch may hold.
    #[arg(long, default_value_t = 100)]
    batch_items_max: usize,
    /// One bad item refuses the whole batch.
    #[arg(long)]
    strict_batches: bool,
    /// What `tags` in an upsert does.
    #[arg(long, value_enum, default_value_t = Tags::Append)]
    tags_in_upserts: Tags,
    /// Refuse identifiers without `channels`.
    #[arg(long)]
    channels_required: bool,
    /// `nonSubscribed` never takes `subscribed` away.
    #[arg(long)]
    non_subscribed_is_weak: bool,
    /// Addresses that differ only in case are one person.
    #[arg(long)]
    email_case_insensitive: bool,
    /// A limit for each endpoint instead of one for the brand.
    #[arg(long)]
    limit_per_endpoint: bool,
    /// Milliseconds until a write shows in GET.
    #[arg(long, default_value_t = 0)]
    visibility_delay_ms: u64,
    /// Milliseconds until a tag request has its effect.
    #[arg(long, default_value_t = 20)]
    tag_delay_ms: u64,
    /// Milliseconds that a segment is being built.
    #[arg(long, default_value_t = 0)]
    segment_build_ms: u64,
    /// Keep request bodies in the log.
    #[arg(long)]
    keep_bodies: bool,
    /// Requests that the log remembers.
    #[arg(long, default_value_t = 1_000_000)]
    log_capacity: usize,
    /// A clock that stands still until `POST /_sim/clock` moves it, from this instant.
    #[arg(long)]
    virtual_clock: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Tags {
    Append,
    Replace,
}

impl Arguments {
    fn options(self) -> anyhow::Result<Options> {
        let faults = match &self.fault_script {
            None => Script::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
                Script::parse(&text).map_err(|error| anyhow!("{}: {error}", path.display()))?
            }
        };
        let limits =
            Limits { enabled: !self.no_limits, default: self.limit, tags: self.tag_limit, ..Limits::default() };
        Ok(Options {
            listen: self.listen,
            brands: brands(&self.keys, &self.brand_name)?,
            limits,
            switches: self.switches(),
            seed: self.seed,
            faults,
            clock: self.virtual_clock.map_or_else(Clock::real, Clock::virtual_at),
            log_capacity: self.log_capacity,
        })
    }

    fn switches(&self) -> Switches {
        Switches {
            tags_in_upserts: match self.tags_in_upserts {
                Tags::Append => TagsInUpserts::Append,
                Tags::Replace => TagsInUpserts::Replace,
            },
            channels_required: self.channels_required,
            non_subscribed_overwrites: !self.non_subscribed_is_weak,
            email_case_sensitive: !self.email_case_insensitive,
            shared_limit: !self.limit_per_endpoint,
            strict_batches: self.strict_batches,
            visibility_delay_ms: self.visibility_delay_ms,
            batch_delay_ms: self.batch_delay_ms,
            batch_contacts_per_second: self.batch_contacts_per_second,
            batches_out_of_order: self.batches_out_of_order,
            batch_stops_after_errors: self.batch_stops_after_errors,
            batch_items_max: self.batch_items_max,
            tag_delay_ms: self.tag_delay_ms,
            segment_build_ms: self.segment_build_ms,
            keep_bodies: self.keep_bodies,
            ..Switches::default()
        }
    }
}

/// Brands from keys: what stands before the dash is the brand.
fn brands(keys: &[String], name: &str) -> anyhow::Result<Vec<BrandOptions>> {
    let mut brands: Vec<BrandOptions> = Vec::new();
    for text in keys {
        let (key, scopes) = match text.split_once('=') {
            None => (text.as_str(), None),
            Some((key, scopes)) => (key, Some(scopes)),
        };
        let (brand, _) = key.split_once('-').ok_or_else(|| anyhow!("a key has the form BRAND-SECRET"))?;
        let key = match scopes {
            None => KeyOptions::full(key),
            Some(scopes) => KeyOptions::with_scopes(key, &scopes.split(',').map(str::trim).collect::<Vec<_>>()),
        };
        match brands.iter_mut().find(|known| known.id == brand) {
            Some(known) => known.keys.push(key),
            None => brands.push(BrandOptions::new(brand, name, vec![key])),
        }
    }
    Ok(brands)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(tracing::Level::WARN).init();
    let options = Arguments::parse().options()?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let running = Simulator::start(options).await.context("cannot listen")?;
    let mut out = std::io::stdout();
    // Programs that start the simulator read this line to learn the port.
    writeln!(out, "omnisend-simulator listens on {}", running.url())?;
    out.flush()?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    running.stop().await;
    Ok(())
}
