//! The line: keeps several requests of one run on their way, writes each intent before it is sent, and waits for
//! whatever comes first: an answer, the budget, the time of a poll, a person. What answers change is in [`landed`](super::landed),
//! what is sent next in [`choose`](super::choose). Contacts and tags share the line: tags follow as contacts arrive.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use domain::run::RunState;
use ferry_data::plan::PlanReader;
use tokio::task::JoinSet;

use super::asking::{refused, tell_of_refusal};
use super::choose::Poll;
use super::feed::{self, Body, Feed, Piece};
use super::give_way::GivingWay;
use super::guard::Signal;
use super::hands::Hands;
use super::ids::Ids;
use super::pace::Pacer;
use super::recheck::patience;
use super::request::{Landed, Request};
use super::retry::{LONGEST_WAIT, Trouble, micros};
use super::run::{Ending, Held};
use super::tags::Tags;
use super::unsettled::Unsettled;
use super::{EngineError, LEASE};
use crate::db::batches::{self, Batch, BatchState, Kind};
use crate::db::checkpoints::{self, Checkpoint};
use crate::db::circuits::{self, Circuit};
use crate::destinations::Stage;

/// A batch that is to be sent (again).
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) batch: Batch,
    /// What it carries; read anew where it is not at hand.
    pub(super) body: Option<Body>,
}

/// A batch that the destination works through.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) batch: Batch,
    /// Its stage and number of errors, once its items have to be read.
    pub(super) verdict: Option<(Stage, u64)>,
    /// How often its items could not be read though the destination answered others, and when last.
    pub(super) unread: (u32, i64),
}

impl Sent {
    pub(super) fn of(batch: Batch) -> Self {
        Self { batch, verdict: None, unread: (0, 0) }
    }
}

/// The items of a batch are to be read, not before an instant.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) id: String,
    pub(super) due_at: i64,
}

/// One run on its way.
pub(super) struct Line {
    pub(super) held: Held,
    pub(super) state: RunState,
    /// Read here and there.
    pub(super) side: PlanReader,
    pub(super) feed: Option<Feed>,
    pub(super) piece: Option<Piece>,
    pub(super) ready: VecDeque<Ready>,
    pub(super) flights: JoinSet<Landed>,
    /// Those among them that carry contacts.
    pub(super) contacts_out: usize,
    pub(super) unsettled: Unsettled,
    pub(super) tags: Tags,
    pub(super) ids: Ids,
    pub(super) sent: HashMap<String, Sent>,
    pub(super) to_read: VecDeque<Reading>,
    pub(super) poll: Poll,
    pub(super) giving_way: GivingWay,
    /// The clock, as it was when the line last looked around: what it waits for was told by it.
    hands: Hands,
    pub(super) pacer: Pacer,
    pub(super) trouble: Trouble,
    /// What the database holds of it, for every run over the connection.
    pub(super) circuit: Option<Circuit>,
    pub(super) point: Checkpoint,
    pub(super) next_seq: u64,
    pub(super) progress_at: i64,
    /// When contacts were last taken or got their outcome, and the same by the time that passes, since the line was opened.
    pub(super) settled_at: i64,
    settled_or_opened: Duration,
    /// When a request last succeeded, when contacts were last taken, and when a tag was.
    pub(super) succeeded_at: i64,
    pub(super) taken_at: i64,
    pub(super) tagged_at: i64,
    /// How many tags were given up on, each of one person alone, since one was taken.
    pub(super) tags_given_up: u32,
    /// Rows far from those that were refused are to be tried next.
    pub(super) tries_other_rows: bool,
    pub(super) stop: Option<Ending>,
    /// The earliest instant at which there is something to do without an answer.
    pub(super) wake_at: i64,
}

/// Never.
pub(super) const FAR: i64 = i64::MAX;
/// How long answers are gathered for one checkpoint.
const GATHER: Duration = Duration::from_millis(4);
/// Nobody gives up on what was sent before so much time has been measured, however long ago the clock says that it was: it
/// may have been set a moment ago.
const LOOKS_FOR: Duration = Duration::from_secs(60);

impl Line {
    /// The line of a run as its checkpoint left it.
    pub(super) async fn open(held: Held) -> Result<Self, EngineError> {
        let deps = held.deps.clone();
        let run = held.claim.run;
        let plan = deps.data.open_plan(run).await?;
        let side = deps.data.open_plan(run).await?;
        let mut tx = deps.db.read().await?;
        let open = batches::unsettled(&mut tx, run).await?;
        let taken = batches::tag_rows(&mut tx, run).await?;
        let failed = batches::failed_rows(&mut tx, run).await?;
        let next_seq = batches::next_seq(&mut tx, run).await?;
        let circuit = circuits::find(&mut tx, held.connection).await?;
        drop(tx);
        let now = deps.clock.now_micros();
        let limits = held.destination.limits();
        let pacer = Pacer::new(&deps, &held.brand, limits);
        let is_cut = held.claim.state != RunState::Sending;
        let mut line = Self {
            state: held.claim.state,
            trouble: Trouble::known(circuit, now).again(held.claim.fence > 1),
            circuit,
            progress_at: held.claim.progress_at,
            settled_at: last_sent(&held, &open).unwrap_or(now),
            settled_or_opened: deps.clock.monotonic(),
            succeeded_at: 0,
            taken_at: 0,
            tagged_at: 0,
            tags_given_up: 0,
            tries_other_rows: false,
            feed: None,
            piece: None,
            ready: VecDeque::new(),
            flights: JoinSet::new(),
            contacts_out: 0,
            unsettled: Unsettled::new(if is_cut { u64::MAX } else { held.claim.next_row }),
            tags: Tags::new(plan.clone(), limits, &taken, failed),
            ids: Ids::new(limits.ids_per_tag_request > 0 && pacer.keeps_limits()),
            sent: HashMap::new(),
            to_read: VecDeque::new(),
            point: Checkpoint::default(),
            stop: None,
            wake_at: FAR,
            hands: held.hands,
            held,
            side,
            poll: Poll::beginning(now),
            giving_way: GivingWay::default(),
            pacer,
            next_seq,
        };
        line.restore(open);
        if line.state == RunState::Sending {
            line.feed = Some(feed::contacts(plan, line.held.destination.clone(), line.held.claim.next_row));
        }
        Ok(line)
    }

    fn restore(&mut self, open: Vec<Batch>) {
        // Further ahead than anything is ever put off to: that was told by another clock.
        let latest = self.now() + micros(LONGEST_WAIT);
        for mut batch in open {
            batch.due_at = if batch.due_at > latest { 0 } else { batch.due_at };
            self.unsettled.note(&batch);
            match batch.state {
                BatchState::Sent => {
                    let id = batch.remote_id.clone().unwrap_or_default();
                    self.sent.insert(id, Sent::of(batch));
                }
                BatchState::Planned | BatchState::Sending | BatchState::Unknown => {
                    self.ready.push_back(Ready { batch, body: None });
                }
                BatchState::Settled | BatchState::Refused | BatchState::Split | BatchState::Unconfirmed => {}
            }
        }
    }

    /// Works the plan off, until it is done or something stops it.
    pub(super) async fn work_off(mut self) -> Result<Ending, EngineError> {
        if let Some(ending) = refused(&self.held).await? {
            return Ok(ending);
        }
        loop {
            while let Some(landed) = self.flights.try_join_next() {
                self.land(landed.map_err(|_| EngineError::Task)?).await?;
            }
            self.look_at_signal();
            self.look_behind().await?;
            self.go_further().await?;
            let launches = self.pick().await?;
            if !self.commit().await? {
                return Ok(Ending::Lost);
            }
            for request in launches {
                self.launch(request);
            }
            if self.flights.is_empty()
                && let Some(ending) = self.stop.take()
            {
                tell_of_refusal(&self.held, &ending).await?;
                return Ok(ending);
            }
            self.wait().await?;
        }
    }

    pub(super) fn now(&self) -> i64 {
        self.held.deps.clock.now_micros()
    }

    /// Notes that contacts were taken, or have got their outcome.
    pub(super) fn has_settled(&mut self) {
        (self.settled_at, self.settled_or_opened) = (self.now(), self.held.deps.clock.monotonic());
    }

    fn look_at_signal(&mut self) {
        match self.held.guard.signal() {
            // Ahead and back again in less than a second, it is noticed here alone.
            Signal::GoOn if self.hands.have_jumped(&self.held.deps) => self.stop = Some(Ending::Released),
            Signal::GoOn => {}
            Signal::Cancel(_) | Signal::GiveBack | Signal::Lost => {
                self.stop = Some(self.held.ending_of_signal());
            }
        }
    }

    /// Goes on with the next state when this one has nothing left to do.
    async fn go_further(&mut self) -> Result<(), EngineError> {
        while self.stop.is_none() && self.enter_next() {
            if !self.commit().await? {
                self.stop = Some(Ending::Lost);
            }
        }
        Ok(())
    }

    fn enter_next(&mut self) -> bool {
        let is_sent = self.feed.is_none()
            && self.piece.is_none()
            && self.contacts_out == 0
            && !self.ready.iter().any(|ready| ready.batch.kind == Kind::Upsert);
        let now = self.now();
        match self.state {
            RunState::Sending if is_sent => {
                self.unsettled.cut_until(u64::MAX);
                self.poll.due_at = self.poll.due_at.min(now + micros(self.first_poll()));
                self.poll.wait = self.first_poll();
                self.enter(RunState::Settling)
            }
            RunState::Settling if is_sent && self.sent.is_empty() => self.enter(RunState::Tagging),
            RunState::Settling
                if self.poll.has_looked
                    && self.to_read.is_empty()
                    && now - self.settled_at > micros(patience(&self.held.claim))
                    && self.held.deps.clock.monotonic().saturating_sub(self.settled_or_opened) >= LOOKS_FOR =>
            {
                self.give_up_on_sent();
                true
            }
            RunState::Tagging if self.tags.is_done() && self.ready.is_empty() && self.flights.is_empty() => {
                self.stop = Some(Ending::Done);
                false
            }
            _ => false,
        }
    }

    fn enter(&mut self, state: RunState) -> bool {
        self.state = state;
        self.point.state = Some(state);
        true
    }

    fn launch(&mut self, mut request: Request) {
        let destination = self.held.destination.clone();
        let key = self.held.guard.key();
        let launched_at = self.now();
        if let Request::Send { batch, .. } = &mut request {
            batch.is_new = false;
            self.contacts_out += usize::from(batch.kind == Kind::Upsert);
        }
        self.flights.spawn(async move {
            let result = request.ask(destination.as_ref(), &key.secret).await;
            Landed { request, launched_at, key, result }
        });
    }

    /// Writes what has changed; false when the run is somebody else's.
    async fn commit(&mut self) -> Result<bool, EngineError> {
        if self.point.is_empty() {
            return Ok(true);
        }
        let mut point = std::mem::take(&mut self.point);
        let now = self.now();
        if point.progress {
            self.progress_at = now;
        }
        for batch in point.new.iter_mut().chain(&mut point.changed) {
            batch.is_new = false;
        }
        for ready in &mut self.ready {
            if point.new.iter().any(|known| known.seq == ready.batch.seq) {
                ready.batch.is_new = false;
            }
        }
        let claim = &self.held.claim;
        let mut tx = self.held.deps.db.begin().await?;
        let kept = checkpoints::write(&mut tx, claim.run, claim.fence, &point, now, now + micros(LEASE)).await?;
        tx.commit().await?;
        Ok(kept)
    }

    /// Waits for whatever comes first.
    async fn wait(&mut self) -> Result<(), EngineError> {
        let clock = self.held.deps.clock.clone();
        let now = clock.now_micros();
        // Looks around at least this often: a wait must not depend on a wake-up that is forgotten.
        let longest = micros(Duration::from_secs(5));
        let rest = self.wake_at.saturating_sub(now).clamp(0, longest);
        let rest = Duration::from_micros(rest.unsigned_abs());
        let has_room = self.stop.is_none() && self.flights.len() < self.held.deps.options.in_flight.max(1);
        let wants_piece = has_room && self.piece.is_none() && !self.trouble.must_probe();
        let is_stopping = self.stop.is_some();
        // In this order, not in one by chance: the same events are always worked off in the same way.
        tokio::select! {
            biased;
            landed = self.flights.join_next(), if !self.flights.is_empty() => {
                if let Some(landed) = landed {
                    self.land(landed.map_err(|_| EngineError::Task)?).await?;
                }
                self.gather().await?;
            }
            piece = next(&mut self.feed), if wants_piece => {
                self.piece = piece?;
                if self.piece.is_none() {
                    self.feed = None;
                }
            }
            () = self.held.guard.stopped(), if !is_stopping => {}
            () = clock.sleep(rest) => {}
        }
        Ok(())
    }
}

impl Line {
    /// Where no limits are kept, a few more answers share the checkpoint of the first: writing it takes longer than
    /// they do.
    async fn gather(&mut self) -> Result<(), EngineError> {
        if self.pacer.keeps_limits() {
            return Ok(());
        }
        let clock = self.held.deps.clock.clone();
        let enough = self.held.deps.options.in_flight / 2;
        let mut patience = clock.sleep(GATHER);
        while self.flights.len() > enough {
            tokio::select! {
                biased;
                landed = self.flights.join_next() => {
                    if let Some(landed) = landed {
                        self.land(landed.map_err(|_| EngineError::Task)?).await?;
                    }
                }
                () = &mut patience => break,
            }
        }
        Ok(())
    }
}

/// When what the destination still works through was last added to, however long the run has rested since. Who asks
/// again about old batches does so from now on. By a clock that was set ahead it looks longer ago than it is.
fn last_sent(held: &Held, open: &[Batch]) -> Option<i64> {
    let open = open.iter().filter(|batch| batch.state == BatchState::Sent && held.claim.recheck_of.is_none());
    let at = open.filter_map(|batch| batch.sent_at).max()?;
    let trust = held.hands.trust(&held.deps);
    Some(if trust.were_set { at.max(held.deps.clock.now_micros() - micros(trust.right_for)) } else { at })
}

async fn next(feed: &mut Option<Feed>) -> Result<Option<Piece>, EngineError> {
    match feed {
        Some(feed) => feed.next().await,
        None => std::future::pending().await,
    }
}
